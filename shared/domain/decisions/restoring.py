"""What people said of a tag is brought back into its record, or into the first one that it gets: pure.

Words are merged one by one, the later one counts. What the source bore is replayed onto what the document knows of it,
so that a digest which is seen under a new number is the one of which people spoke.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.decisions.merging import Merged, merged
from shared.domain.decisions.records import SaidOfTarget
from shared.domain.decisions.words import Fate, Word, is_bare, is_young
from shared.domain.promotion.adopting import is_passed_over
from shared.domain.promotion.decision import decide, decided
from shared.domain.promotion.reconciling import scheduled, sighted
from shared.domain.promotion.rulings import Ruling, informed
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Adopted, Awaited, Target
from shared.domain.references import Digest


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is brought back, and what it meets.

    Attributes:
        said: what people said of the tag.
        registry: name of the base registry whose tag it is now.
        found: what the tag points at; empty if it is not there.
        rulings: what is said of digests and entries here, those of the document taken in.
        may_let_in: whether the caller may bring back what lets something in.
        now: UTC.
        held: of the digests that the document names those which the tag's repository holds; asked for who may not let
            anything in.
    """

    said: SaidOfTarget
    registry: str
    found: Digest
    rulings: tuple[Ruling, ...]
    may_let_in: bool
    now: datetime
    held: frozenset[Digest] = frozenset()


def brought_back(known: Target | None, given: Given) -> tuple[Target | None, tuple[Word, ...]]:
    """Return a tag's record with what people said of it, and what became of each word.

    Args:
        known: the record; ``None`` if there is none.
        given: what is brought back.

    Returns:
        The record: the same if nothing that the document says is news to it.
    """
    mine = known or _nothing(given)
    words = merged(
        mine, given.said, given.rulings, may_let_in=given.may_let_in, now=given.now, held=given.held | {given.found}
    )
    if all(word.fate is not Fate.TAKEN for word in words.words):
        return known, words.words
    whole = _with_words(_meant(mine, given, words), words)
    told = informed(whole, whole, given.rulings)
    return scheduled(decide(told, given.now)[0], given.now), words.words


def _nothing(given: Given) -> Target:
    said = given.said
    return Target(registry=given.registry, repository=said.repository, tag=said.tag, origin=said.origin)


def _meant(mine: Target, given: Given, words: Merged) -> Target:
    """Return the record with what the source bore, as the document knew it and as it was seen here."""
    said = given.said
    if is_bare(mine):
        first = msgspec.structs.replace(
            mine, origin=said.origin, sightings=said.sightings, former=words.theirs.former, let_go=said.let_go
        )
        return _standing(_adopting(msgspec.structs.replace(first, chosen=words.chosen), given, words), given)
    before = msgspec.structs.replace(
        mine, sightings=said.sightings, chosen=words.chosen, consents=(), override=None, waived=()
    )
    before = msgspec.structs.replace(before, former=words.former)
    if not is_young(mine):
        return _gone_back(_replayed(before, mine, given.now), given)
    return _standing(_replayed(_adopting(before, given, words), mine, given.now), given)


def _gone_back(target: Target, given: Given) -> Target:
    """Where what a tag bears was blocked before it was known what it bore earlier, that comes back now."""
    fit = (one.digest for one in target.former if not one.foreign and not target.blocks(one.digest))
    before = next(fit, None)
    if target.why is not Why.WITHDRAWN or target.wanted or before is None:
        return target
    return decided(target, given.now, wanted=before, why=Why.ROLLED_BACK)


def _replayed(before: Target, mine: Target, now: datetime) -> Target:
    after = before
    for one in mine.sightings:
        after = sighted(after, one, mine.origin, now)
    newest = after.newest
    if newest is None or newest.digest in after.passed or is_passed_over(after, newest):
        return msgspec.structs.replace(after, awaited=None)
    waits = mine.awaited is not None and mine.awaited.digest == newest.digest
    return msgspec.structs.replace(after, awaited=mine.awaited if waits else Awaited(newest.digest, now))


def _adopting(target: Target, given: Given, words: Merged) -> Target:
    """What stands there now is what was adopted, whatever that was: nothing is imported over it."""
    known = words.theirs.adopted
    if known is None or target.adopted is not None:
        return target
    above = max([known.above, *(one.order for one in given.said.sightings)])
    other = Adopted(given.found, above, known.away_since)
    return msgspec.structs.replace(target, adopted=known if given.found in {"", known.digest} else other)


def _standing(target: Target, given: Given) -> Target:
    """Take what the tag bears as decided where the document says so; what came there since is left to checks."""
    said, found = given.said, given.found
    number = max(said.number, target.number) + (target.number > 0)
    decided = {"number": number, "decided_at": said.decided_at or given.now, "seen": found, "seen_at": given.now}
    if said.why is Why.WITHDRAWN and not said.wanted:
        return msgspec.structs.replace(target, wanted=Digest(""), why=said.why, **decided)
    adopted = target.adopted
    if not found or found not in {said.wanted, adopted.digest if adopted else ""}:
        return target
    why = said.why if found == said.wanted else Why.ADOPTED
    stands = {"wanted": found, "why": why, "reached": number, "searched": number, "arrived": found}
    return msgspec.structs.replace(target, **decided, **stands)


def _with_words(target: Target, words: Merged) -> Target:
    return msgspec.structs.replace(
        target,
        pinned=words.pinned,
        forced=words.forced,
        consents=words.consents,
        override=words.override,
        waived=words.waived,
        hold=target.hold or words.hold,
        taken_back=words.taken_back,
    )
