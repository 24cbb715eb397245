"""A round of housekeeping: how far it has come, what came of it, and when the next one begins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.references import Digest

EVERY = timedelta(days=1)
# Whoever began a part of a round and died is followed after that; a part takes a minute.
BUSY_FOR = timedelta(minutes=10)
# A day's failure mends itself with the next round.
FAILS_FOR = timedelta(days=2)
_DETAIL_KEPT = 400
_FAILURES_KEPT = 50


class Site(msgspec.Struct, frozen=True):
    """One thing to be looked at in a round.

    Attributes:
        place: where.
        name: the repository; of names of runs, the registry.
    """

    place: Place
    name: str

    @property
    def key(self) -> str:
        """By which it is found again; sites come in the order of their keys."""
        return f"{_NUMBER[self.place]}:{self.name}"


_NUMBER = {place: number for number, place in enumerate(Place)}


class Begun(msgspec.Struct, frozen=True):
    """A manifest of which the deletion was begun with what named it: left alone it would be nobody's.

    Attributes:
        site: where.
        digest: which.
        why: why it goes.
    """

    site: Site
    digest: Digest
    why: Goes


class Failure(msgspec.Struct, frozen=True):
    """A site that could not be kept.

    Attributes:
        site: which.
        detail: why, for people.
        since: since when, UTC.
    """

    site: Site
    detail: str
    since: datetime


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a round.

    Attributes:
        sites: how many repositories and registries were looked at.
        deleted: what was deleted, by why.
        spared: what stays, by why.
        requests: how many requests were made to registries.
    """

    sites: int = 0
    deleted: Mapping[str, int] = {}
    spared: Mapping[str, int] = {}
    requests: int = 0


class Round(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of housekeeping; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        began_at: when the round under way, or the last one, began, UTC.
        ended_at: when it ended, UTC; ``None`` while it is under way.
        busy_until: until when somebody works on it, UTC.
        asked_at: when somebody last asked for one, UTC.
        stuck_at: the key of the site at which the last part paused without having come on; empty for none.
        after: the key of the last site that was looked at in it; empty at its beginning.
        begun: manifests of which the deletion was begun.
        tally: what came of it so far.
        last: what came of the round before.
        failures: sites that could not be kept when they were last looked at.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    busy_until: datetime | None = None
    asked_at: datetime | None = None
    stuck_at: str = ""
    after: str = ""
    begun: tuple[Begun, ...] = ()
    tally: Tally = Tally()
    last: Tally | None = None
    failures: tuple[Failure, ...] = ()


def is_due(known: Round, now: datetime) -> bool:
    """Whether somebody is to work on a round now: on the one under way, or on a new one."""
    if known.busy_until is not None and known.busy_until > now:
        return False
    return is_under_way(known) or known.began_at is None or _is_asked(known) or now - known.began_at >= EVERY


def is_under_way(known: Round) -> bool:
    """Whether a round has begun and not ended."""
    return known.began_at is not None and known.ended_at is None


def _is_asked(known: Round) -> bool:
    return known.asked_at is not None and known.began_at is not None and known.asked_at > known.began_at


def claimed(known: Round, now: datetime) -> Round:
    """Take note that somebody works on a round; if none is under way, a new one begins."""
    busy = now + BUSY_FOR
    if is_under_way(known):
        return msgspec.structs.replace(known, busy_until=busy)
    last = known.tally if known.ended_at is not None else known.last
    fresh = {"after": "", "stuck_at": "", "tally": Tally(), "last": last}
    return msgspec.structs.replace(known, began_at=now, ended_at=None, busy_until=busy, **fresh)


def begun(known: Round, site: Site, going: Iterable[tuple[Digest, Goes]]) -> Round:
    """Take note that the deletion of manifests of a site is begun; what was begun there before stays so."""
    more = [Begun(site, digest, why) for digest, why in going]
    new = {one.digest for one in more}
    before = (one for one in known.begun if one.site != site or one.digest not in new)
    return msgspec.structs.replace(known, begun=(*before, *more))


def begun_at(known: Round, site: Site) -> dict[Digest, Goes]:
    """Return the manifests of a site of which the deletion was begun, with why."""
    return {one.digest: one.why for one in known.begun if one.site == site}


def done(known: Round, site: Site, left: Iterable[Digest], tally: Tally) -> Round:
    """Take note that a site was looked at to its end.

    Args:
        known: as it was.
        site: which.
        left: manifests of which the deletion was begun, and that are there still for nobody's sake.
        tally: what came of it.
    """
    still = frozenset(left)
    begun = tuple(one for one in known.begun if one.site != site or one.digest in still)
    failures = tuple(one for one in known.failures if one.site != site)
    counted = added(known.tally, msgspec.structs.replace(tally, sites=1))
    return msgspec.structs.replace(known, after=site.key, begun=begun, failures=failures, tally=counted)


def failed(known: Round, site: Site, detail: str, now: datetime, tally: Tally) -> Round:
    """Take note that a site could not be kept; the round goes on with the next one, and what was begun stays begun."""
    before = next((one for one in known.failures if one.site == site), None)
    others = [one for one in known.failures if one.site != site]
    failure = Failure(site, detail[:_DETAIL_KEPT], before.since if before else now)
    failures = sorted((*others, failure), key=lambda one: one.since)[:_FAILURES_KEPT]
    counted = added(known.tally, msgspec.structs.replace(tally, sites=1))
    return msgspec.structs.replace(known, after=site.key, failures=tuple(failures), tally=counted)


def paused(known: Round, tally: Tally, stuck: Site | None = None) -> Round:
    """Take note that nobody works on it any more, and that it goes on where it is.

    Args:
        known: as it was.
        tally: what came of the part.
        stuck: the site at which it paused, if it did not come on there.
    """
    stuck_at = stuck.key if stuck else ""
    return msgspec.structs.replace(known, busy_until=None, stuck_at=stuck_at, tally=added(known.tally, tally))


def ended(known: Round, sites: Iterable[Site], now: datetime) -> Round:
    """Take note that every site was looked at; what was known of sites that are none any more is forgotten."""
    there = frozenset(sites)
    failures = tuple(one for one in known.failures if one.site in there)
    begun = tuple(one for one in known.begun if one.site in there)
    return msgspec.structs.replace(known, ended_at=now, busy_until=None, failures=failures, begun=begun)


def asked(known: Round, now: datetime) -> Round:
    """Take note that somebody asks for a round; one that is under way goes on, and another one follows it."""
    return msgspec.structs.replace(known, asked_at=now)


def lasting(known: Round, now: datetime) -> tuple[Failure, ...]:
    """Return the sites that could not be kept for so long that people have to know."""
    return tuple(one for one in known.failures if now - one.since >= FAILS_FOR)


def counts(goes: Iterable[Goes] = (), stays: Iterable[Spared] = (), requests: int = 0) -> Tally:
    """Return a tally of single things."""
    return Tally(0, _counted(one.value for one in goes), _counted(one.value for one in stays), requests)


def added(one: Tally, other: Tally) -> Tally:
    """Return two tallies as one."""
    return Tally(
        one.sites + other.sites,
        _summed(one.deleted, other.deleted),
        _summed(one.spared, other.spared),
        one.requests + other.requests,
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {
        name: one.get(name, 0) + other.get(name, 0) for name in (*one, *(each for each in other if each not in one))
    }
