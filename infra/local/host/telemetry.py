"""Sets up Azure Monitor's OpenTelemetry distribution where the worker of the real host does.

Follows ``otel.py`` of azure-functions-runtime: the same two app settings decide, and the app itself sets up nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context


def set_up_telemetry(settings: Mapping[str, str]) -> bool:
    """Send what the app tells to Application Insights, if its settings say so.

    Arguments:
        settings: app settings, in the environment too, where the exporters read theirs.

    Returns:
        Whether anything is sent.
    """
    enabled = settings.get("PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "").lower() in ("true", "1")
    connection_string = settings.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
    if not (enabled and connection_string):
        return False
    from azure.monitor.opentelemetry import configure_azure_monitor  # noqa: PLC0415  costs a second

    configure_azure_monitor(connection_string=connection_string)
    return True


@contextmanager
def untold() -> Iterator[None]:
    """Ask the storage account something as the real host does: outside the worker, which tells nothing of it."""
    token = context.attach(context.set_value("suppress_instrumentation", True))
    try:
        yield
    finally:
        context.detach(token)


def flush_telemetry() -> None:
    """Send what is still held back; without this a process that ends takes it along."""
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
        flush = getattr(provider, "force_flush", None)
        if flush is not None:
            flush()
