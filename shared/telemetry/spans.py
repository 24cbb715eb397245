"""Spans by name, and the trace context that queue messages carry: storage queues carry none themselves.

What became of one check is one trace. A record remembers the context of the check that made it, and every message about
it is sent under that context; so a trace stays flat however often an operation is looked at, and what the sweep sends
again is in it too.

Conventions: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
and https://opentelemetry.io/docs/specs/semconv/registry/attributes/ (``oci``, ``container``, ``error``). They name no
system for storage queues, so it has a name of its own, as they allow; what they have no attribute for is
``tidegate.*``. The OCI's own conventions are one attribute, the digest of a manifest.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.domain.events.messages import (
    BaseMoved,
    ListTasks,
    LookAtBase,
    LookAtDue,
    Message,
    RetryTargets,
)
from shared.telemetry.counts import counting

M = TypeVar("M", bound=Message)

# What these libraries log below warnings are requests, with addresses that may hold signatures. The Functions worker
# logs as azure.functions and is left alone.
_CHATTY = (
    "azure.core",
    "azure.identity",
    "azure.storage",
    "azure.data",
    "azure.mgmt",
    "azure.monitor",
    "azure.containerregistry",
    "urllib3",
)
for _name in _CHATTY:
    logging.getLogger(_name).setLevel(logging.WARNING)

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("tidegate")


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Do what a timer or a request asks for within a span: the root of what follows, or below the host's own span."""
    with _TRACER.start_as_current_span(name) as span, counting(span):
        yield


def traced(message: M) -> M:
    """Return a message that is about to be sent with a trace: its own, or that of what is under way."""
    return message if message.traceparent else msgspec.structs.replace(message, traceparent=current_traceparent())


@contextmanager
def consuming(queue: str, message: M) -> Iterator[M]:
    """Work on a message within the trace of whoever sent it; an unreadable context begins a new trace.

    Args:
        queue: the queue's name.
        message: as received.

    Returns:
        The message with the context of this span, for what is made of it.
    """
    attributes: dict[str, str | int] = {
        "messaging.system": "azure_storage_queues",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": queue,
        "tidegate.kind": str(message.__struct_config__.tag),
        **_about(message),
    }
    parent = _PROPAGATOR.extract({"traceparent": message.traceparent}, context.get_current())
    with (
        _TRACER.start_as_current_span(f"process {queue}", parent, SpanKind.CONSUMER, attributes) as span,
        counting(span),
    ):
        try:
            yield msgspec.structs.replace(message, traceparent=current_traceparent())
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            raise


@contextmanager
def looking(kind: str, about: str, record: str, step: int, traceparent: str) -> Iterator[None]:
    """Look at a record within its own trace.

    Args:
        kind: of what is due.
        about: what the record is: ``candidate``, ``target`` or ``rebuild``.
        record: its id.
        step: the step of its record.
        traceparent: the record's; an unreadable one begins a new trace.
    """
    attributes: dict[str, str | int] = {
        "tidegate.kind": about,
        "tidegate.due": kind,
        f"tidegate.{about}": record,
        "tidegate.step": step,
    }
    parent = _PROPAGATOR.extract({"traceparent": traceparent}, Context())
    with (
        _TRACER.start_as_current_span(f"look at {kind}", parent, SpanKind.CONSUMER, attributes) as span,
        counting(span),
    ):
        yield


@contextmanager
def within(traceparent: str) -> Iterator[None]:
    """Tell of a record within its own trace, also while working for another: a webhook's, the sweep's, the host's.

    Args:
        traceparent: the record's; an unreadable one changes nothing.
    """
    own = _PROPAGATOR.extract({"traceparent": traceparent}, context.get_current())
    if _trace_id(own) == _trace_id(context.get_current()):
        yield
        return
    token = context.attach(own)
    try:
        yield
    finally:
        context.detach(token)


def current_traceparent() -> str:
    """Return the W3C trace context of the present span; where there is none, that of a new trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent") or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def request_id() -> str:
    """Return by which id people ask for a request: the trace's, where one is kept, for the log is searched by it."""
    return current_traceparent().split("-")[1]


def _trace_id(of: Context) -> int:
    return trace.get_current_span(of).get_span_context().trace_id


def _about(message: Message) -> dict[str, str | int]:
    if isinstance(message, LookAtDue):
        return {"tidegate.due": message.due.value}
    if isinstance(message, BaseMoved):
        return {
            "container.image.name": message.repository,
            "tidegate.tag": message.tag,
            "oci.manifest.digest": message.digest,
        }
    if isinstance(message, ListTasks):
        return {"tidegate.registry": message.registry, "tidegate.step": message.step}
    if isinstance(message, LookAtBase):
        return {"tidegate.repositories": len(message.repositories)}
    # What a check looks at is counted as it is done, by upstream.
    return {"tidegate.targets": len(message.targets)} if isinstance(message, RetryTargets) else {}
