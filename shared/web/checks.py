"""POST /api/check: look at the upstreams now."""

from __future__ import annotations

import azure.functions as func
import msgspec
from msgspec import UNSET, UnsetType

from shared.domain.watching.watch_list import WatchList
from shared.errors import MalformedRequest
from shared.flows.plan import Planner
from shared.web.answers import json_answer

_LARGEST_BODY = 16 * 1024
_NOTHING = "nothing is watched: the watch list is empty, or none was uploaded as the blob config/images.yaml"


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be checked.

    Attributes:
        image: the name of an entry of the watch list; all of them without it.
    """

    image: str | None = None


class CheckPlanned(msgspec.Struct, frozen=True):
    """What will be checked.

    Attributes:
        repositories: the upstream repositories.
        note: why there are none.
    """

    repositories: tuple[str, ...]
    note: str | UnsetType = UNSET


_BODY = msgspec.json.Decoder(Check)


def check_now(
    request: func.HttpRequest, *, watch_list: WatchList, planner: Planner, traceparent: str
) -> func.HttpResponse:
    """Put a check into the queue.

    Args:
        request: its body is empty or ``{"image": "<name of an entry>"}``.
        watch_list: the list in force.
        planner: sends the messages.
        traceparent: trace context of the request.

    Returns:
        202 with the repositories that will be checked, and a note where nothing is watched.

    Raises:
        MalformedRequest: 400, 404 or 413.
    """
    body = _read(request.get_body())
    repositories = planner.plan_by_hand(watch_list, image=body.image, traceparent=traceparent)
    note = UNSET if watch_list.images else _NOTHING
    return json_answer(CheckPlanned(tuple(map(str, repositories)), note), 202)


def _read(body: bytes) -> Check:
    if len(body) > _LARGEST_BODY:
        raise MalformedRequest(f"the body has {len(body)} bytes; at most {_LARGEST_BODY} are read", status=413)
    try:
        return _BODY.decode(body) if body.strip() else Check()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(f'the body is not {{"image": "<name>"}}: {error}') from error
