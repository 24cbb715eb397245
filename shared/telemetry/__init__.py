"""What is told to Application Insights: spans, metrics and events. Only opentelemetry-api is used.

Where no SDK is set up all of this costs next to nothing, and the trace context is still passed on. In Azure the
Functions worker sets one up when ``PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY`` says so. What is told holds no secret.
Metrics have few and bounded dimensions: statuses, queues, upstreams and outcomes; ids and digests stand on spans and
events.
"""
