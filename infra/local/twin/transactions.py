"""Counts storage transactions on the wire, from Azurite's access log.

One line of the log is one request, and one request is one billed transaction; an entity group transaction is one too.
The log does not say whether a GetMessages found anything. The twin's own host does, in its log, one line for each poll
that found messages, so ``empty_polls`` takes the difference. Who asks for the messages of a poison queue is taken for
the app, and not for a host that polls: that is a kind of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_LINE = re.compile(r'" *(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+" (?P<status>\d{3})')
_ACCOUNT = "/devstoreaccount1/"
_FOUND = re.compile(r"host\.queues: Poll on queue '[^']+' found \d+ messages")
_GET_MESSAGES = "queue GetMessages"
_GET_DEAD_MESSAGES = "queue GetMessages of a poison queue"

# By method, for a path and query that were recognised as this resource.
_QUEUE_MESSAGES = {"POST": "PutMessage", "GET": "GetMessages", "DELETE": "ClearMessages"}
_QUEUE_MESSAGE = {"PUT": "UpdateMessage", "DELETE": "DeleteMessage"}
_TABLE_ENTITY = {"GET": "Get", "PATCH": "Merge", "MERGE": "Merge", "PUT": "Update", "DELETE": "Delete"}
_CONTAINER = {"PUT": "CreateContainer", "GET": "List", "HEAD": "ContainerProperties", "DELETE": "DeleteContainer"}
_BLOB = {"GET": "Get", "HEAD": "Properties", "PUT": "Put", "DELETE": "Delete"}
_QUEUE = {"PUT": "CreateQueue", "GET": "QueueProperties", "HEAD": "QueueProperties", "DELETE": "DeleteQueue"}


def count_transactions(log: Path, start: int = 0) -> Counter[str]:
    """Count the requests of Azurite's access log by kind.

    Arguments:
        log: Azurite's log.
        start: byte offset to begin at, such as the size the file had when a measurement began.

    Returns:
        Requests by kind: ``queue PutMessage``, ``table Insert``, ``table Batch``, ``blob Get`` … Requests outside the
        storage account, such as health probes, are not counted; failed ones are, as they are billed too. Azurite
        writes a line just after it has answered, so the last one may be missing for a moment.
    """
    kinds = (_kind(line) for line in _read(log, start))
    return Counter(kind for kind in kinds if kind is not None)


def caused_transactions(azurite_log: Path, host_log: Path, azurite_start: int, host_start: int) -> Counter[str]:
    """Count as ``count_transactions`` does, without the polls that found nothing; for arguments see ``empty_polls``."""
    counted = count_transactions(azurite_log, azurite_start)
    counted[_GET_MESSAGES] -= empty_polls(azurite_log, host_log, azurite_start, host_start)
    return counted


def empty_polls(azurite_log: Path, host_log: Path, azurite_start: int = 0, host_start: int = 0) -> int:
    """Return how many GetMessages found nothing: the host's idle polling, which no candidate causes.

    Arguments:
        azurite_log: Azurite's log.
        host_log: the log of the twin's own host; Core Tools write none of the lines this needs.
        azurite_start: byte offset in Azurite's log to begin at.
        host_start: byte offset in the host's log to begin at.
    """
    polls = count_transactions(azurite_log, azurite_start)[_GET_MESSAGES]
    found = sum(1 for line in _read(host_log, host_start) if _FOUND.search(line))
    return polls - found


def _read(log: Path, start: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace").splitlines()


def _kind(line: str) -> str | None:
    match = _LINE.search(line)
    if match is None:
        return None
    split = urlsplit(match["target"])
    if not split.path.startswith(_ACCOUNT):
        return None
    query = parse_qs(split.query, keep_blank_values=True)
    path = split.path.removeprefix(_ACCOUNT)
    return _table(match["method"], path) or _queue(match["method"], path, query) or _blob(match["method"], path, query)


def _table(method: str, path: str) -> str | None:
    """Tables are told by their OData paths: ``Tables``, ``$batch``, ``name(...)``, and a POST to a bare name."""
    if path == "$batch":
        return "table Batch"
    if path.startswith("Tables"):
        return {"POST": "table CreateTable", "GET": "table ListTables"}.get(method, "table DeleteTable")
    if path.endswith("()"):
        return "table Query"
    if path.endswith(")"):
        return f"table {_TABLE_ENTITY[method]}"
    return "table Insert" if method == "POST" and "/" not in path else None


def _queue(method: str, path: str, query: dict[str, list[str]]) -> str | None:
    """Queues are told by the segment ``messages``, and by lacking the ``restype`` that every container request has."""
    parts = path.split("/")
    if len(parts) > 1 and parts[1] == "messages":
        if "peekonly" in query:
            return "queue PeekMessages"
        if method == "GET" and parts[0].endswith("-poison"):
            return _GET_DEAD_MESSAGES
        return f"queue {(_QUEUE_MESSAGES if len(parts) == 2 else _QUEUE_MESSAGE)[method]}"
    return f"queue {_QUEUE[method]}" if len(parts) == 1 and "restype" not in query else None


def _blob(method: str, path: str, query: dict[str, list[str]]) -> str:
    if "restype" in query and "/" not in path.rstrip("/"):
        return f"blob {_CONTAINER[method]}"
    part = query.get("comp", [""])[0]
    return f"blob {method.title()} {part}" if part else f"blob {_BLOB[method]}"
