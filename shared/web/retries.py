"""POST /api/retry: try again what failed or was rejected, many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import azure.functions as func
import msgspec
from msgspec import Meta

from shared.domain.promotion.retrying import RETRIED
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Status
from shared.domain.watching.watch_list import WatchList
from shared.errors import MalformedRequest
from shared.flows.retry import Retrier, Wish
from shared.ports import Clock
from shared.web.answers import json_answer
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line, utc


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """What is tried again: at least one of ``status``, ``image`` and ``since`` is said.

    Attributes:
        why: the reason, which stands in the activity log.
        status: of ``failed`` and ``rejected``; failed alone without it.
        image: the name of an entry of the watch list.
        since: what ended then or later.
    """

    why: Annotated[str, Meta(max_length=500, extra_json_schema={"minLength": 1, "pattern": r"\S"})]
    status: Annotated[list[str], Meta(min_length=1, max_length=10)] | None = None
    image: str | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None


class RetryAsked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is tried again.

    Attributes:
        targets: the ids of the targets whose digest it is.
        count: how many there are.
        unreadable: which records could not be read, so that some are missing; absent if all could.
    """

    targets: tuple[str, ...]
    count: int
    unreadable: str = ""


_BODY = msgspec.json.Decoder(Retry)


def retry(
    asked: Asked, *, retrier: Retrier, watch_list: WatchList, clock: Clock, traceparent: str
) -> func.HttpResponse:
    """Put into the queue what is to be tried again.

    Args:
        asked: the body says ``why``, and at least one of ``status`` (of ``failed`` and ``rejected``; failed alone if it
            is not given), ``image`` (an entry's name) and ``since`` (RFC 3339: what ended then or later).
        retrier: finds it.
        watch_list: the list in force.
        clock: tells the time.
        traceparent: trace context of the request.

    Returns:
        202 with the ids of the ``targets`` whose digest is tried again, and their ``count``.

    Raises:
        MalformedRequest: 400, 404 or 413.
    """
    body = decoded(asked.request.get_body(), _BODY, Retry)
    wish = _wish(body, watch_list)
    said = Said(asked.caller.said, one_line(body.why, "why"), clock())
    names, unreadable = retrier.ask(wish, said, traceparent)
    return json_answer(RetryAsked(tuple(names), len(names), unreadable), 202)


def _wish(body: Retry, watch_list: WatchList) -> Wish:
    if body.status is None and body.image is None and body.since is None:
        raise MalformedRequest("say what is to be tried again, by 'status', 'image' or 'since'")
    if body.image is not None and watch_list.named(body.image) is None:
        raise MalformedRequest(f"image: the watch list has no entry named {body.image[:80]!r}", status=404)
    since = utc(body.since, "since") if body.since else None
    return Wish(frozenset(map(_status, body.status or ["failed"])), body.image, since)


def _status(text: str) -> Status:
    found = next((status for status in RETRIED if status.value == text), None)
    if found is None:
        raise MalformedRequest(f"status: {text[:80]!r} is none of {', '.join(sorted(one.value for one in RETRIED))}")
    return found
