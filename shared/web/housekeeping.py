"""GET and POST /api/housekeeping: what would be deleted from registries and why, and having it done soon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import azure.functions as func
import msgspec

from shared.domain.housekeeping.judging import Going, Staying
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.rounds import Round
from shared.domain.references import Digest, Tag
from shared.flows.keep_house import HouseKeeper
from shared.flows.list_house import MOST_SITES, HouseLister, SiteListed
from shared.web.answers import json_answer, part_answer
from shared.web.asked import Asked
from shared.web.parts import Part
from shared.web.queries import after_of, limit_of, one_of

# Of one site, of what goes and of what stays; of more, how many there are.
MOST_SHOWN = 500


class ShownGoing(msgspec.Struct, frozen=True):
    """Something that would be deleted.

    Attributes:
        what: the digest of a manifest, or the name of a run.
        why: why.
        tags: that go with it.
        tag: the one tag that goes, while its manifest stays; absent where the manifest goes.
    """

    what: str
    why: Goes
    tags: tuple[Tag, ...] = ()
    tag: Tag | None = None


class ShownStaying(msgspec.Struct, frozen=True):
    """A manifest that stays.

    Attributes:
        digest: which.
        why: why.
        tags: that point at it.
        by: the manifest for whose sake it stays; ``null`` if it is for its own.
    """

    digest: Digest
    why: Spared
    tags: tuple[Tag, ...]
    by: Digest | None


class ShownSite(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of all that a repository holds, or of the names of a registry's runs.

    Attributes:
        place: where it is.
        name: the repository; of names of runs, the registry.
        clears: whether anything is deleted there; if not, this is what would be.
        goes: the first of what would be deleted, in that order.
        stays: the first of what stays.
        going: how many would be deleted, by why.
        staying: how many stay, by why.
        unread: how many manifests are not read yet, so that nothing is said; the next part reads on.
        trouble: why nothing can be said, and so nothing would be deleted; ``null`` if something is said.
    """

    place: Place
    name: str
    clears: bool
    goes: tuple[ShownGoing, ...]
    stays: tuple[ShownStaying, ...]
    going: Mapping[str, int]
    staying: Mapping[str, int]
    unread: int
    trouble: str | None


class ShownRound(msgspec.Struct, frozen=True):
    """The round of housekeeping that is under way, or was the last one.

    Attributes:
        began_at: when it began, UTC; ``null`` if there was none yet.
        ended_at: when it ended, UTC; ``null`` while it is under way.
        asked_at: when somebody last asked for one, UTC.
        deleted: how many were deleted in it, by why.
        spared: how many stayed, by why.
        failing: how many repositories could not be cleared when they were last looked at.
    """

    began_at: datetime | None
    ended_at: datetime | None
    asked_at: datetime | None
    deleted: Mapping[str, int]
    spared: Mapping[str, int]
    failing: int


class HousekeepingPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """What housekeeping would do.

    Attributes:
        clears: where anything is deleted at all.
        round: the round that is under way, or was the last one.
        sites: what would become of what is there, one after the other.
    """

    clears: tuple[Place, ...]
    round: ShownRound
    sites: tuple[ShownSite, ...]


class HousekeepingPages:
    """Serves what housekeeping would do.

    Args:
        lister: tells it.
        keeper: does it.
    """

    def __init__(self, lister: Callable[[], HouseLister], keeper: Callable[[], HouseKeeper]) -> None:
        self._lister = lister
        self._keeper = keeper

    def listing(self, asked: Asked) -> func.HttpResponse:
        """Tell what would be deleted now and why, and why all else stays; nothing is deleted by asking.

        Args:
            asked: may ask for one ``place``, for one ``name``, for at most so many sites (``limit``), and for those
                ``after`` one.

        Returns:
            200 with as many sites as could be looked at within some seconds, and ``next``; no ``next`` at the end.

        Raises:
            MalformedRequest: a parameter is not what it should be.
        """
        request, lister = asked.request, self._lister()
        place, name = one_of(request, "place", Place), request.params.get("name") or ""
        limit = limit_of(request, MOST_SITES)
        found = lister.list(place=place, name=name, after=after_of(request), limit=limit)
        clears = tuple(one for one in Place if one in lister.places)
        sites = tuple(map(_shown, found.sites))
        part = HousekeepingPart(clears=clears, round=_round(found.round), sites=sites, next=found.after)
        return part_answer(part, request, found.after)

    def ask(self, asked: Asked) -> func.HttpResponse:  # noqa: ARG002  whoever may ask has it done everywhere
        """Have a round begin within a quarter of an hour, or after the one under way; 202."""
        return json_answer(_round(self._keeper().ask()), 202)


def _shown(one: SiteListed) -> ShownSite:
    goes = [*map(_going, one.goes), *(ShownGoing(name, Goes.RUN_ENDED) for name in one.names_go)]
    return ShownSite(
        place=one.site.place,
        name=one.site.name,
        clears=one.clears,
        goes=tuple(goes[:MOST_SHOWN]),
        stays=tuple(map(_staying, one.stays[:MOST_SHOWN])),
        going=one.tally.deleted,
        staying=one.tally.spared,
        unread=one.unread,
        trouble=one.trouble or None,
    )


def _going(one: Going) -> ShownGoing:
    return ShownGoing(one.digest, one.why, one.tags, one.tag or None)


def _staying(one: Staying) -> ShownStaying:
    return ShownStaying(one.digest, one.why, one.tags, one.by or None)


def _round(known: Round) -> ShownRound:
    tally = known.tally
    return ShownRound(known.began_at, known.ended_at, known.asked_at, tally.deleted, tally.spared, len(known.failures))
