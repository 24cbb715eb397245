"""host.json: the part of it that a queue, timer and HTTP app of the Python v2 model is governed by.

Names, defaults and limits: https://learn.microsoft.com/azure/azure-functions/functions-host-json and
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

MAX_BATCH_SIZE = 32  # the queue service returns no more messages at once
MIN_POLLING_SECONDS = 0.1
_OVERRIDE = "AzureFunctionsJobHost__"
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


class HostJsonError(Exception):
    """host.json holds a value the Functions host would refuse; the message names the place."""


@dataclass(frozen=True)
class QueueOptions:
    """``extensions.queues`` of host.json.

    Attributes:
        batch_size: messages asked for at once.
        new_batch_threshold: how few messages may still be running when the next batch is asked for.
        max_dequeue_count: deliveries before a message goes to the poison queue.
        visibility_seconds: how long a failed message stays invisible.
        max_polling_seconds: the longest wait between two looks at an empty queue.
        encoding: how message text stands in the queue.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_seconds: float = 0.0
    max_polling_seconds: float = 60.0
    encoding: Literal["base64", "none"] = "base64"


@dataclass(frozen=True)
class HostJson:
    """What the host takes from host.json."""

    route_prefix: str = "api"
    queues: QueueOptions = QueueOptions()


def read_host_json(path: Path, settings: Mapping[str, str] | None = None) -> HostJson:
    """Read host.json.

    Arguments:
        path: the file.
        settings: app settings; ``AzureFunctionsJobHost__path__to__setting`` replaces what the file says there.

    Raises:
        HostJsonError: the file is not version 2.0, or a value is out of range; the message names the place.
    """
    document = _replaced(json.loads(path.read_text()), settings or {})
    if document.get("version") != "2.0":
        raise HostJsonError('host.json: version: expected "2.0"')
    extensions = document.get("extensions", {})
    prefix = extensions.get("http", {}).get("routePrefix", "api")
    return HostJson(route_prefix=prefix.strip("/"), queues=_queue_options(extensions.get("queues", {})))


def _replaced(document: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values."""
    for name, value in settings.items():
        if name.startswith(_OVERRIDE):
            *path, last = name.removeprefix(_OVERRIDE).split("__")
            section = document
            for step in path:
                section = section.setdefault(step, {})
            section[last] = int(value) if value.isdigit() else value
    return document


def time_span_seconds(text: str, place: str) -> float:
    """Return the seconds of a .NET ``TimeSpan`` such as ``00:00:02`` or ``1.12:00:00``; ``place`` is for the error."""
    match = _TIME_SPAN.fullmatch(text)
    if match is None:
        raise HostJsonError(f"host.json: {place}: expected hours:minutes:seconds, found {text!r}")
    days, hours, minutes, seconds, fraction = match.groups(default="0")
    return int(days) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _queue_options(section: dict[str, Any]) -> QueueOptions:
    batch_size = _integer(section, "batchSize", 16, 1, MAX_BATCH_SIZE)
    return QueueOptions(
        batch_size=batch_size,
        # The default counts processor cores; a Consumption or Flex instance is taken for one.
        new_batch_threshold=_integer(section, "newBatchThreshold", batch_size // 2, 0),
        max_dequeue_count=_integer(section, "maxDequeueCount", 5, 1),
        visibility_seconds=_seconds(section, "visibilityTimeout", "00:00:00"),
        max_polling_seconds=_seconds(section, "maxPollingInterval", "00:01:00", MIN_POLLING_SECONDS),
        encoding=_encoding(section.get("messageEncoding", "base64")),
    )


def _integer(section: dict[str, Any], name: str, default: int, least: int, most: int | None = None) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or value < least or (most is not None and value > most):
        limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise HostJsonError(f"host.json: extensions.queues.{name}: expected a whole number {limits}, found {value!r}")
    return value


def _seconds(section: dict[str, Any], name: str, default: str, least: float = 0.0) -> float:
    place = f"extensions.queues.{name}"
    seconds = time_span_seconds(section.get(name, default), place)
    if seconds < least:
        raise HostJsonError(f"host.json: {place}: expected at least {least} s, found {seconds} s")
    return seconds


def _encoding(value: str) -> Literal["base64", "none"]:
    lowered = value.lower()
    if lowered not in ("base64", "none"):
        raise HostJsonError(
            f'host.json: extensions.queues.messageEncoding: expected "base64" or "none", found {value!r}'
        )
    return cast(Literal["base64", "none"], lowered)
