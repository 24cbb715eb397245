"""GET /api/exposure."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import msgspec

from shared.domain.promotion.exposure import Standing
from shared.domain.watching.watch_list import WatchList
from shared.flows.exposure import ExposureTeller, Told
from shared.web.answers import json_answer
from shared.web.queries import after_of, limit_of, one_of

# For each the target, its candidate and its update's scan are read.
_MOST = 200


def list_exposure(request: func.HttpRequest, teller: ExposureTeller, watch_list: WatchList) -> func.HttpResponse:
    """Tell how what is in use stands.

    Args:
        request: may ask for one ``standing``, for at most so many (``limit``), and for those ``after`` an id. Without
            one it is told what does not stand clean.
        teller: tells it.
        watch_list: in force.

    Returns:
        200 with ``{"exposure": [...], "looked_at": "...", "next": "..."}``; no ``next`` at the end.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    standing, limit = one_of(request, "standing", Standing), limit_of(request, _MOST)
    found, after, looked_at = teller.tell(watch_list, standing=standing, after=after_of(request), limit=limit)
    more = {"next": after} if after else {}
    return json_answer({"exposure": [_shown(one) for one in found], "looked_at": looked_at, **more})


def _shown(told: Told) -> dict[str, Any]:
    one = told.exposure
    return {
        "target": one.target,
        "image": one.image,
        "owner": told.owner or None,
        "digest": one.digest,
        "standing": one.standing.value,
        "since": one.since,
        "admitted_clean": one.admitted,
        "findings": msgspec.to_builtins(one.findings),
        "count": one.count,
        "known_exploited": msgspec.to_builtins(one.exploited),
        "database_at": one.database_at,
        "detail": one.detail or None,
        "update": msgspec.to_builtins(told.update) if told.update else None,
    }
