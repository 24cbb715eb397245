"""What stands in the base registry when an entry appears is taken as it is, until its source moves: pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Adopted, Awaited, Sighting, Target
from shared.domain.references import Digest


def adopted(fresh: Target, found: Digest, sighting: Sighting, now: datetime) -> Target:
    """Return the first record of a tag that stands in the base registry already.

    Nothing is imported over it, and nothing that is built on it is rebuilt: nothing has changed.

    Args:
        fresh: a record of which nothing is known.
        found: what the tag points at.
        sighting: what its source points at. It is noted, and no reason to replace what stands there: only what the
            source bears afterwards is.
        now: UTC.
    """
    return msgspec.structs.replace(
        fresh,
        adopted=Adopted(found, sighting.order),
        sightings=(sighting,),
        wanted=found,
        why=Why.ADOPTED,
        number=1,
        decided_at=now,
        reached=1,
        searched=1,
        seen=found,
        seen_at=now,
        traceparent=sighting.traceparent,
    )


def sighted_again(target: Target, sighting: Sighting) -> Target:
    """Return a record by which a source that still bears what it bore at adoption has not moved.

    Its order may be a new one all the same, if the observations were lost. Neither has a source moved, as far as can
    be known, that bears another digest at the first look since its entry came back.
    """
    target = _still_chosen(target, sighting)
    adoption, newest = target.adopted, target.newest
    if adoption and adoption.away_since and _moved_unwatched(sighting, adoption.away_since):
        above = max(adoption.above, sighting.order)
        return msgspec.structs.replace(target, adopted=msgspec.structs.replace(adoption, above=above))
    if adoption is None or newest is None or newest.digest != sighting.digest or newest.order > adoption.above:
        return target
    above = max(adoption.above, sighting.order)
    return msgspec.structs.replace(target, adopted=msgspec.structs.replace(adoption, above=above))


def on_return(target: Target, found: Digest, away_since: datetime) -> Adopted:
    """Return what is adopted of a tag whose entry has come back.

    Its source may have been looked at for the new entry already, or not yet: what counts as borne at the return is the
    same, whoever looks first.

    Args:
        target: the record, with what was sighted meanwhile.
        found: what the tag points at.
        away_since: when the entry was found to have left, UTC.
    """
    unwatched = (one.order for one in target.sightings if _moved_unwatched(one, away_since))
    return Adopted(found, max(unwatched, default=0), away_since)


def _moved_unwatched(sighting: Sighting, away_since: datetime) -> bool:
    """Whether nobody looked between the day the entry left and this sighting, so that it says what the return met."""
    return sighting.other_until is None or sighting.other_until <= away_since


def _still_chosen(target: Target, sighting: Sighting) -> Target:
    """What somebody went back from is not promoted again because its order is a new one."""
    chosen, newest = target.chosen, target.newest
    if chosen is None or newest is None or newest.digest != sighting.digest or newest.order > chosen.above:
        return target
    above = max(chosen.above, sighting.order)
    return msgspec.structs.replace(target, chosen=msgspec.structs.replace(chosen, above=above))


def is_passed_over(target: Target, sighting: Sighting) -> bool:
    """Whether a sighting is of what the source bore already when the tag was adopted, so that nobody waits for it."""
    return target.adopted is not None and sighting.order <= target.adopted.above


def to_be_replaced(target: Target, now: datetime) -> Target:
    """Return a record whose adopted digest stays only until what its source bears has passed."""
    newest = target.newest
    waits = newest is not None and newest.digest not in target.passed
    awaited = Awaited(newest.digest, now) if newest is not None and waits else target.awaited
    return msgspec.structs.replace(target, adopted=None, awaited=awaited)
