"""What a function receives and returns, converted by the ``azure.functions`` library's own converters.

The host sends the worker typed data; these are the forms Azure/azure-functions-host gives it for the three triggers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.functions import meta
from azure.storage.queue import QueueMessage
from werkzeug.wrappers import Request

from infra.local.host.schedule_status import ScheduleStatus


def queue_value(message: QueueMessage, encoding: str) -> Any:
    """Return the ``azure.functions.QueueMessage`` of a received message.

    Arguments:
        message: as the queue service delivered it.
        encoding: ``base64`` or ``none``, from host.json.

    Raises:
        ValueError: the text is not base64 as announced.
    """
    text = str(message.content)
    if encoding == "base64":
        text = base64.b64decode(text, validate=True).decode()
    return queue_text_value(
        text,
        Id=message.id,
        DequeueCount=message.dequeue_count,
        InsertionTime=_time(message.inserted_on),
        ExpirationTime=_time(message.expires_on),
        NextVisibleTime=_time(message.next_visible_on),
        PopReceipt=message.pop_receipt,
    )


def queue_text_value(text: str, **metadata: str | int | None) -> Any:
    """Return the ``azure.functions.QueueMessage`` of a text; a call by hand has no metadata."""
    data = {name: meta.Datum(value, "int" if isinstance(value, int) else "string") for name, value in metadata.items()}
    return _converter("queueTrigger").decode(meta.Datum(text, "string"), trigger_metadata=data)


def timer_value(past_due: bool, status: ScheduleStatus | None) -> Any:
    """Return the ``azure.functions.TimerRequest`` of one run; ``status`` is ``None`` where it is not monitored."""
    document = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status else None,
        "IsPastDue": past_due,
    }
    return _converter("timerTrigger").decode(meta.Datum(json.dumps(document), "json"), trigger_metadata=None)


def http_value(request: Request, route_parameters: Mapping[str, str]) -> Any:
    """Return the ``azure.functions.HttpRequest`` of a request; header names in lower case, as the host sends them."""
    fields = {
        "method": _text(request.method),
        "url": _text(request.url),
        "headers": {name.lower(): _text(value) for name, value in request.headers.items()},
        "query": {name: _text(",".join(values)) for name, values in request.args.lists()},
        "params": {name: _text(value) for name, value in route_parameters.items()},
        "body": meta.Datum(request.get_data(), "bytes"),
    }
    return _converter("httpTrigger").decode(meta.Datum(fields, "http"), trigger_metadata=None)


def http_parts(returned: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of what an HTTP function returned: an ``HttpResponse`` or a text.

    Raises:
        NotImplementedError: it is something else, or nothing, which is a fault of the function.
    """
    datum = _converter("http").encode(returned, expected_type=None)
    if datum.type == "string":
        return 200, [("Content-Type", "text/plain; charset=utf-8")], datum.value.encode()
    headers = [(name, header.value) for name, header in datum.value["headers"].items()]
    jars = datum.value["cookies"] or ()
    headers += [("Set-Cookie", morsel.OutputString()) for jar in jars for morsel in jar.values()]
    return int(datum.value["status_code"].value), headers, datum.value["body"].value


def _converter(binding: str) -> Any:
    return meta.get_binding_registry().get(binding)  # type: ignore[no-untyped-call]  # the library has no types here


def _text(value: str) -> meta.Datum:
    return meta.Datum(value, "string")


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
