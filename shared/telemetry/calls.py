"""Calls of others: counted, and told by a span of its own where one failed."""

from __future__ import annotations

from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from shared.call_ports import Call
from shared.telemetry.counts import CALL_SECONDS, CALLS, CALLS_FAILED, add

_TRACER = trace.get_tracer("tidegate")

# Where everything fails, what comes later says nothing new.
_MOST_TOLD = 10
_BAD = 400
# What flows ask in order to know: it is not there, it is there already, it has changed since.
_ANSWERS = {404, 409, 412}
_WHO_ARE_YOU = 401


def called(call: Call) -> None:
    """Count a request; one that failed is told below the span of what it was made for."""
    add(CALLS)
    add(CALL_SECONDS, (call.ended - call.began) / 1e9)
    if _failed(call) and add(CALLS_FAILED) <= _MOST_TOLD:
        _tell(call)


def _failed(call: Call) -> bool:
    """A registry that is asked by nobody in particular says which token it wants: that is how one asks it."""
    if call.status == _WHO_ARE_YOU:
        return call.signed
    return not call.status or (call.status >= _BAD and call.status not in _ANSWERS)


def _tell(call: Call) -> None:
    """The conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client."""
    address = urlsplit(call.url)
    attributes: dict[str, str | int] = {
        "http.request.method": call.method,
        "url.full": call.url,
        "server.address": address.hostname or "",
        "server.port": address.port or 0,
        "error.type": call.error or str(call.status),
    }
    # The exporter has no column for the kind of an error.
    attributes |= {"http.response.status_code": call.status} if call.status else {"tidegate.error": call.error}
    span = _TRACER.start_span(call.method, kind=SpanKind.CLIENT, attributes=attributes, start_time=call.began)
    span.set_status(StatusCode.ERROR)
    span.end(call.ended)
