"""Bindings as the Functions host encodes them for a worker, in the JSON form of its protocol's messages.

Which type becomes which field of ``TypedData``: Azure/azure-functions-host,
``src/WebJobs.Script.Grpc/MessageExtensions/GrpcMessageConversionExtensions.cs``. Strings stay strings, bodies are
bytes, and what has no field of its own (numbers, times, ``TimerInfo``) is JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TypedData = dict[str, Any]


@dataclass(frozen=True)
class Trigger:
    """What set a function off: the value of its trigger binding, and the trigger's metadata."""

    value: TypedData
    metadata: Mapping[str, TypedData]


def queue_message(text: str, dequeue_count: int = 1) -> Trigger:
    """Return the trigger of one queue message.

    Args:
        text: the message, as ``messageEncoding: none`` has it.
        dequeue_count: how often it was delivered, this time included.
    """
    moment = _json("2026-03-04T12:00:00+00:00")
    metadata = {
        "QueueTrigger": _string(text),
        "Id": _string("6f2c7a52-2f3a-4f2b-8a55-0d6a3f1f3d11"),
        "PopReceipt": _string("AgAAAAMAAAAAAAAA"),
        "DequeueCount": _json(dequeue_count),
        "InsertionTime": moment,
        "ExpirationTime": moment,
        "NextVisibleTime": moment,
    }
    return Trigger(_string(text), metadata)


def timer() -> Trigger:
    """Return the trigger of one scheduled run, with the status that the host keeps of its schedule."""
    status = {
        "Last": "2026-03-04T11:45:00+00:00",
        "Next": "2026-03-04T12:00:00+00:00",
        "LastUpdated": "2026-03-04T11:45:00+00:00",
    }
    return Trigger(_json({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}), {})


def http_request(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
) -> Trigger:
    """Return the trigger of one request; the host sends header names in lower case, and no empty body.

    Args:
        method: such as ``GET``.
        path: with the route prefix.
        body: as received; the library asks for bytes.
        headers: of the request.
        query: the query's parameters, decoded.
        route: values of the route's parameters.
    """
    request: dict[str, Any] = {
        "method": method,
        "url": f"https://tidegate.azurewebsites.net{path}",
        "headers": {name.lower(): value for name, value in (headers or {}).items()},
        "query": dict(query or {}),
        "params": dict(route or {}),
    }
    if body:
        request["body"] = {"bytes": base64.b64encode(body).decode()}
    parameters = {name: _string(value) for name, value in (route or {}).items()}
    return Trigger({"http": request}, parameters)


def _string(text: str) -> TypedData:
    return {"string": text}


def _json(value: object) -> TypedData:
    return {"json": json.dumps(value)}
