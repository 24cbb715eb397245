"""Spans by name, and the trace context that queue messages carry: storage queues carry none themselves.

Only opentelemetry-api is used; where no SDK is set up spans cost nothing and the context is still passed on.
Messaging conventions: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# What these libraries log below warnings are requests, with addresses that may hold signatures. The Functions worker
# logs as azure.functions and is left alone.
_CHATTY = (
    "azure.core",
    "azure.identity",
    "azure.storage",
    "azure.data",
    "azure.mgmt",
    "azure.containerregistry",
    "urllib3",
)
for _name in _CHATTY:
    logging.getLogger(_name).setLevel(logging.WARNING)

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("tidegate")


@contextmanager
def consuming(queue: str, traceparent: str) -> Iterator[None]:
    """Work on a queue message within the trace of whoever sent it.

    Args:
        queue: the queue's name.
        traceparent: the message's W3C trace context; an unreadable one begins a new trace.
    """
    parent = _PROPAGATOR.extract({"traceparent": traceparent})
    attributes = {"messaging.system": "azure_storage_queues", "messaging.destination.name": queue}
    with _TRACER.start_as_current_span(f"process {queue}", parent, SpanKind.CONSUMER, attributes):
        yield


def current_traceparent() -> str:
    """Return the W3C trace context of the present span; where there is none, that of a new trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent") or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
