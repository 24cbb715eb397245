"""GET /api/exposure."""

from __future__ import annotations

from datetime import datetime

import azure.functions as func
import msgspec

from shared.domain.promotion.exposure import Found, Standing
from shared.domain.references import Digest
from shared.domain.watching.watch_list import WatchList
from shared.flows.exposure import ExposureTeller, Told, Update
from shared.web.answers import part_answer
from shared.web.parts import Part, shown_as
from shared.web.queries import after_of, limit_of, one_of

# For each the target, its candidate and its update's scan are read.
MOST_EXPOSED = 200


class ShownExposure(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the digest in use by one tag.

    Attributes:
        target: the tag's id.
        image: the name of its entry.
        owner: whose it is; ``null`` if the watch list names nobody.
        digest: what is in use.
        standing: how it stands.
        since: since when it stands so, UTC.
        admitted_clean: whether it was let in by its scan.
        findings: the first of those that speak against it now.
        count: how many those are in all.
        known_exploited: the first of those that are known to be exploited.
        database_at: of when the database was by which it was looked at, UTC.
        detail: why nothing is known.
        update: what upstream bears and the tag does not; ``null`` if it has none.
    """

    target: str
    image: str
    owner: str | None
    digest: Digest
    standing: Standing
    since: datetime
    admitted_clean: bool
    findings: tuple[Found, ...]
    count: int
    known_exploited: tuple[Found, ...]
    database_at: datetime | None
    detail: str | None
    update: Update | None


class ExposurePart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some of what is in use.

    Attributes:
        exposure: how it stands, by target.
        looked_at: when the standing watch looked last, UTC; ``null`` if it never did.
    """

    exposure: tuple[ShownExposure, ...]
    looked_at: datetime | None


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
    standing, limit = one_of(request, "standing", Standing), limit_of(request, MOST_EXPOSED)
    found, after, looked_at = teller.tell(watch_list, standing=standing, after=after_of(request), limit=limit)
    part = ExposurePart(exposure=tuple(map(_shown, found)), looked_at=looked_at, next=after)
    return part_answer(part, request, after)


def _shown(told: Told) -> ShownExposure:
    one = told.exposure
    return shown_as(
        ShownExposure,
        one,
        owner=told.owner or None,
        admitted_clean=one.admitted,
        known_exploited=one.exploited,
        detail=one.detail or None,
        update=told.update,
    )
