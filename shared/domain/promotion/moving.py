"""A base registry that takes the place of another: its tags go on where those of the other one were. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.domain.promotion.decision import decide
from shared.domain.promotion.drift import waiting_again
from shared.domain.promotion.reconciling import has_passed, sighted
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Adopted, Sighting, Target
from shared.domain.references import Digest

# What people said, and what is known of the digests; not what became of imports and listings of the other registry.
_TAKEN_OVER = (
    "repository",
    "tag",
    "origin",
    "wanted",
    "why",
    "sightings",
    "passed",
    "admissions",
    "awaited",
    "blocked",
    "pinned",
    "chosen",
    "forced",
    "staged",
    "adopted",
    "hold",
    "taken_back",
    "traceparent",
)


def latest(formers: Iterable[Target]) -> Target | None:
    """Return the record, of one tag in several former base registries, that knows its source best."""
    return max(formers, key=_order, default=None)


def taken_over(former: Target, registry: str, found: Digest, now: datetime) -> Target:
    """Return the first record of a tag in a base registry that took the place of another.

    Args:
        former: the tag's record there.
        registry: the name of the new one, in small letters.
        found: what the tag points at in the new one; empty if it is not there.
        now: UTC.

    Returns:
        What was wanted is wanted, and put there without another test; nothing is rebuilt, for nothing was built on it
        yet. A digest that the other one never knew was put there by somebody and is adopted. A tag that was let go
        there has returned to the watch list.
    """
    fields = {name: getattr(former, name) for name in _TAKEN_OVER}
    if found and found not in _known(former):
        fields |= {"adopted": Adopted(found, _order(former)), "wanted": found, "why": Why.ADOPTED}
    number = 1 if fields["wanted"] else 0
    fields |= {"number": number, "searched": number, "decided_at": now if number else None}
    first = Target(registry=registry, moved_from=former.registry, **fields)
    return waiting_again(first, now) if former.let_go else first


def caught_up(target: Target, former: Target, now: datetime) -> Target:
    """Let a tag learn what its former base registry's target was told while that was in force.

    What its source bore, and what passed, each time there is more of it; what people said, once: they may have said
    otherwise since. So it is for a tag that was sighted in the new base registry before anybody compared the two, and
    for one whose base registry is in force once more.
    """
    if target.let_go is not None:
        return target
    if target.moved_from != former.registry:
        target = _told_of(target, former)
    elif _order(former) <= _order(target):
        return target
    for one in former.sightings:
        target = sighted(target, one, former.origin, now)
    for digest in former.passed:
        target = has_passed(target, digest, former.staging_repository(digest))
    return decide(target, now)[0]


def _told_of(target: Target, former: Target) -> Target:
    blocked = {one.digest: one for one in (*former.blocked, *target.blocked)}
    return msgspec.structs.replace(
        target,
        blocked=tuple(blocked.values()),
        pinned=target.pinned or former.pinned,
        chosen=target.chosen or former.chosen,
        forced=target.forced or former.forced,
        hold=target.hold or former.hold,
        moved_from=former.registry,
    )


def _order(target: Target) -> int:
    newest: Sighting | None = target.newest
    return newest.order if newest is not None else 0


def _known(target: Target) -> frozenset[Digest]:
    return frozenset([target.wanted, *target.passed, *(one.digest for one in target.former)])
