"""What is told to Application Insights: spans, with what was counted during them, and events. opentelemetry-api alone.

Where no SDK is set up all of this costs next to nothing, and the trace context is still passed on. In Azure the
Functions worker sets one up when ``PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY`` says so. What is told holds no secret.
One span for each thing that is done, whatever it took to do it; calls of others have spans of their own only where they
failed.
"""
