"""The page of who would be rebuilt if the tags of an entry moved."""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.flows.impact import DependantTold, ImpactTold
from shared.web.pages.listing import Part, filter_of, part_of, start_of


class ImpactView(msgspec.Struct, frozen=True):
    """What the page shows: of the dependants those that are asked for."""

    image: str
    told: ImpactTold
    part: Part[DependantTold]
    text: str
    unknown: tuple[str, ...]


def impact_view(image: str, told: ImpactTold, request: func.HttpRequest) -> ImpactView:
    """Return what the page shows.

    Args:
        image: the name of the entry.
        told: who would be rebuilt.
        request: may ask for those whose id or owner has a ``text``.

    Raises:
        MalformedRequest: a parameter is not what it should be.
    """
    text = filter_of(request, "text")
    wanted = text.casefold()
    rows = [one for one in told.dependants if wanted in f"{one.id} {one.owner or ''}".casefold()]
    unknown = tuple(one.registry for one in told.registries if one.listed_at is None or one.unread)
    return ImpactView(image, told, part_of(rows, start_of(request), {"text": text}), text, unknown)
