"""What an act would do to a tag now, and what would still hold it: told before it is done, by the same functions.

An act is a pure function of the record. So what it would do is that function's own answer, compared with the record as
it is, and nothing that has to be kept in step with it.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.actions import Declined, place
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.barring import is_promotion
from shared.domain.promotion.decision import decide, is_pinned
from shared.domain.promotion.missing import is_first_filling
from shared.domain.promotion.reconciling import admitted
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome


class Effect(Enum):
    """What an act would come to now."""

    REFUSED = "refused"  # it would be answered by a refusal
    SAME = "so-already"  # it is so already: nothing is written
    MOVES = "at-once"  # another digest is wanted from then on, and the tag is brought to it at once
    WAITS = "waits"  # it is decided, or said, and something still keeps the tag from the digest
    ENDS = "ends"  # the digest does not come to the tag
    NOTED = "noted"  # it is said, and the tag stays as it is


class Holding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that still keeps a tag from a digest.

    Attributes:
        name: the same as in records and answers: a reason of an admission, why a target is what it is, or ``held``.
        told: for people.
        until: when it ends by itself, UTC; ``None`` if it does not, or nobody knows.
    """

    name: str
    told: str
    until: datetime | None = None


class Foretold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an act would do.

    Attributes:
        effect: what it would come to.
        told: for people, one sentence: what it does now.
        wanted: what the tag would be to be from then on; empty for nothing.
        holds: what would still keep the tag from the digest that is acted on.
        refusal: the name of the refusal; empty if it is none.
        rebuilt: the tasks that would be rebuilt, by name.
    """

    effect: Effect
    told: str
    wanted: Digest = Digest("")
    holds: tuple[Holding, ...] = ()
    refusal: str = ""
    rebuilt: tuple[str, ...] = ()


class Around(msgspec.Struct, frozen=True, omit_defaults=True):
    """What no record of a tag says, and what an act comes to depends on.

    Attributes:
        now: UTC.
        frozen_until: until when promotion is frozen, UTC; ``None`` if it is not.
        observed: whether the entry is only observed.
        tasks: those that are built on the tag, by name, each with the digest that it was last built on.
        at_once: how many are rebuilt at once.
    """

    now: datetime
    frozen_until: datetime | None = None
    observed: bool = False
    tasks: tuple[tuple[str, Digest], ...] = ()
    at_once: int = 0


_TOLD = {
    AdmissionReason.AWAITING_APPROVAL: "another approver has to agree, too",
    AdmissionReason.SCAN_AWAITED: "its scan has no answer by now",
    AdmissionReason.BASE_SCAN_AWAITED: "the scan of the base in use has no answer by now",
    AdmissionReason.PLATFORM_UNTESTED: "its test does not run on every platform",
    AdmissionReason.GATE_UNDECIDED: "its test decided nothing, and is made again",
    AdmissionReason.NO_ENTRY: "no entry of the watch list writes the tag any more",
    AdmissionReason.SIGNATURE_AWAITED: "nobody has looked yet who signed it",
    AdmissionReason.SIGNATURE_MISSING: "nobody signed it in a way that its policy asks for",
    AdmissionReason.SIGNATURE_WRONG: "it is not signed by whom its policy wants",
    AdmissionReason.SIGNATURE_UNVERIFIABLE: "whether it is rightly signed cannot be said",
    AdmissionReason.SOAKING: "it has not been seen for as long as its policy asks",
    AdmissionReason.FROZEN: "its policy freezes promotion",
    AdmissionReason.OBSERVING: "its entry is only observed, so nothing is promoted",
}
_BY_NAME = {reason.value: told for reason, told in _TOLD.items()}
_INSTEAD = {
    Why.PINNED: "the tag is pinned to {}",
    Why.ROLLED_BACK: "somebody went back to {}, which stays until a digest passes that is seen later",
    Why.RESTORED: "what came after {} failed below it; it stays until a digest passes that is seen later",
    Why.AGAINST_GATE: "somebody took {} against its gate, which stays until a digest passes that is seen later",
    Why.ADOPTED: "{} stood there when the entry appeared, and its source has not moved since",
    Why.NEWEST: "{} was seen later, and has passed",
}
_HELD = "held"


def decided_by(before: Target, after: Target | Declined, around: Around) -> Foretold:
    """Tell what an act comes to that decides at once: going back, pins, blocks, an override that is granted.

    Args:
        before: the record as it is.
        after: what the act makes of it.
        around: what the record does not say.
    """
    if isinstance(after, Declined) or after == before:
        return _nothing(before, after)
    if after.number == before.number:
        stays = f"{place(before)} stays {_named(before.wanted)}"
        held = _held(after)
        return Foretold(Effect.NOTED, f"it is noted, and {stays}", after.wanted, held)
    return _moved(after, around)


def agreed_to(
    before: Target, after: Target | Declined, admission: Admission | None, repository: str, around: Around
) -> Foretold:
    """Tell what an act comes to after which a digest is judged anew: an approval, or a waiver that is granted.

    Args:
        before: the record as it is.
        after: what the act makes of it.
        admission: what would be decided of the digest by that; ``None`` if nobody could tell.
        repository: of the staging registry, in which the digest lies.
        around: what the record does not say.
    """
    if isinstance(after, Declined) or after == before:
        return _nothing(before, after)
    if admission is None:
        return Foretold(Effect.WAITS, "it is noted; what else holds the digest cannot be told now", before.wanted)
    if admission.outcome is not Outcome.PASS:
        return _not_yet(before, after, admission)
    done, _ = decide(admitted(after, admission, repository), around.now)
    return _moved(done, around) if done.wanted == admission.digest else _waits_behind(admission.digest, done, around)


def _not_yet(before: Target, after: Target, admission: Admission) -> Foretold:
    digest, where = admission.digest, place(before)
    if admission.outcome is Outcome.REJECT:
        told = f"it is noted, and {_named(digest)} stays refused: {admission.detail}"
        return Foretold(Effect.NOTED, told, before.wanted)
    told = f"it is noted; {where} becomes {_named(digest)} by itself once nothing holds it any more"
    return Foretold(Effect.WAITS, told, before.wanted, (*_holds_of(admission), *_held(after)))


def refused_by_people(before: Target, after: Target | Declined, digest: Digest, required: int) -> Foretold:
    """Tell what a refusal comes to.

    Args:
        before: the record as it is.
        after: what the act makes of it.
        digest: what is refused.
        required: how many have to agree to lift it.
    """
    if isinstance(after, Declined) or after == before:
        return _nothing(before, after)
    lifted = "one approver who agrees lifts that" if required == 1 else f"{required} approvers who agree lift that"
    told = f"{_named(digest)} does not come to {place(before)}, which stays {_named(before.wanted)}; {lifted}"
    return Foretold(Effect.ENDS, told, before.wanted)


def asked_of_another(before: Target, after: Target | Declined, what: str) -> Foretold:
    """Tell what a wish comes to that somebody asks and another one has to grant.

    Args:
        before: the record as it is.
        after: what the act makes of it.
        what: what is asked, for people.
    """
    if isinstance(after, Declined) or after == before:
        return _nothing(before, after)
    told = f"{what} is asked for, and nothing is done until another approver grants it"
    return Foretold(Effect.NOTED, told, before.wanted)


def _nothing(before: Target, after: Target | Declined) -> Foretold:
    if isinstance(after, Declined):
        return Foretold(Effect.REFUSED, after.detail, before.wanted, refusal=after.reason.value)
    return Foretold(Effect.SAME, "it is so already; nothing is done", before.wanted)


def _moved(after: Target, around: Around) -> Foretold:
    if not after.wanted:
        told = f"nothing is left that {place(after)} could be: it stays as it is in the registry, and is not repaired"
        return Foretold(Effect.MOVES, told)
    first = is_first_filling(after, after.wanted)
    rebuilt = () if first else tuple(name for name, built_on in around.tasks if built_on != after.wanted)
    holds, becomes = _barred(after, around), f"{place(after)} becomes {_named(after.wanted)}"
    if holds:
        return Foretold(Effect.WAITS, f"it is decided that {becomes}, and still held", after.wanted, holds, "", rebuilt)
    return Foretold(Effect.MOVES, f"{becomes} now{_rebuilds(rebuilt, around)}", after.wanted, (), "", rebuilt)


def _rebuilds(rebuilt: tuple[str, ...], around: Around) -> str:
    if not rebuilt:
        return "; no application is built on it, as far as is known"
    count = "1 application is" if len(rebuilt) == 1 else f"{len(rebuilt)} applications are"
    at_once = f", {around.at_once} at once" if 0 < around.at_once < len(rebuilt) else ""
    return f"; {count} rebuilt{at_once}"


def _barred(after: Target, around: Around) -> tuple[Holding, ...]:
    """What people say goes through whatever is frozen."""
    if around.observed:
        name = AdmissionReason.OBSERVING.value
        return (Holding(name, _BY_NAME[name]),)
    if around.frozen_until is not None and is_promotion(after):
        name = AdmissionReason.FROZEN.value
        return (Holding(name, _BY_NAME[name], around.frozen_until),)
    return ()


def _held(target: Target) -> tuple[Holding, ...]:
    held = target.hold
    return (Holding(_HELD, f"its entry is held by {held.by} ({held.why}) until it is resumed"),) if held else ()


def _holds_of(admission: Admission) -> tuple[Holding, ...]:
    names = admission.holds or admission.reasons
    one = len(names) == 1
    return tuple(
        Holding(name, _BY_NAME.get(name, admission.detail), admission.until if one else None) for name in names
    )


def _waits_behind(digest: Digest, done: Target, around: Around) -> Foretold:
    """It has passed, and something that people said, or that was seen later, goes before it."""
    told = f"{_named(digest)} has passed then, and {place(done)} stays {_named(done.wanted)}"
    if done.hold is not None:
        return Foretold(Effect.WAITS, told, done.wanted, _held(done))
    until = done.pinned.until if done.pinned is not None and is_pinned(done, around.now) else None
    instead = _INSTEAD.get(done.why, "{} is wanted instead").format(_named(done.wanted))
    return Foretold(Effect.WAITS, told, done.wanted, (Holding(done.why.value, instead, until),))


def _named(digest: Digest) -> str:
    return digest or "as it is, with nothing wanted"
