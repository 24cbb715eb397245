"""What would be decided otherwise of a tag's digests: which of them, what is compared, what nobody can tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome, Reason
from shared.domain.watching.observation import order_at

LOOKED_BACK = timedelta(days=30)


class When(Enum):
    """Why a digest is looked at."""

    TODAY = "today"  # it is in use, or is to be
    RECENT = "recent"  # it was sighted, decided on or in use within the last thirty days, and its record is still kept


class NotKnown(Enum):
    """Why what would be decided cannot be told."""

    NO_REPORT = "no-report"  # no report is kept of what would have to be scanned
    NO_BASE_REPORT = "no-base-report"  # none is kept of the base in use, with which it would be compared
    NO_MATERIAL = "no-material"  # nobody has looked yet who signed it
    NOT_PASSED = "not-passed"  # it has not passed the test, so that nothing else is asked of it
    NO_CANDIDATE = "no-candidate"  # nothing is known of how it came: somebody else put it there, or it is adopted
    UNREADABLE = "unreadable"  # what is kept of it cannot be read


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision.

    Attributes:
        outcome: what becomes of the digest.
        reasons: why, by name.
        detail: for people.
        policy: the name of the policy.
        until: when what holds ends by itself, UTC.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    detail: str = ""
    policy: str = ""
    until: datetime | None = None


class Otherwise(msgspec.Struct, frozen=True):
    """A digest that would be decided otherwise for a tag.

    Attributes:
        target: the tag's id.
        digest: which.
        when: why it was looked at.
        now: what is decided of it by the list in force.
        then: what would be.
    """

    target: str
    digest: Digest
    when: When
    now: Decided
    then: Decided


class Untold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest of which nobody can tell what would be decided for a tag.

    Attributes:
        target: the tag's id.
        digest: which.
        when: why it was looked at.
        why: why not.
        detail: for people.
        now: what is decided of it by the list in force; ``None`` if that is not known either.
    """

    target: str
    digest: Digest
    when: When
    why: NotKnown
    detail: str = ""
    now: Decided | None = None


_TOLD = {
    NotKnown.NOT_PASSED: "it has not passed the test that is asked for, so nothing else is asked of it",
    NotKnown.NO_CANDIDATE: "nothing is known of how it came: somebody else put it there, or it was adopted",
}
_LACKING = (
    (AdmissionReason.SCAN_AWAITED.value, NotKnown.NO_REPORT),
    (Reason.NO_REPORT.value, NotKnown.NO_REPORT),
    (AdmissionReason.BASE_SCAN_AWAITED.value, NotKnown.NO_BASE_REPORT),
    (AdmissionReason.SIGNATURE_AWAITED.value, NotKnown.NO_MATERIAL),
)


def digests_of(target: Target, now: datetime) -> dict[Digest, When]:
    """Return the digests of a tag that are looked at: those of today first, then the latest first.

    Args:
        target: the tag.
        now: UTC.
    """
    today = dict.fromkeys((digest for digest in (target.seen, target.wanted) if digest), When.TODAY)
    recent = sorted(_recent(target, order_at(now - LOOKED_BACK)), reverse=True)
    return today | {digest: When.RECENT for _, digest in recent if digest not in today}


def _recent(target: Target, since: int) -> Iterator[tuple[int, Digest]]:
    known = [(one.order, one.digest) for one in target.sightings]
    known += [(order_at(one.at), one.digest) for one in target.admissions]
    known += [(order_at(one.until), one.digest) for one in target.former]
    yield from ((order, digest) for order, digest in known if order >= since)


def decided(admission: Admission) -> Decided:
    """Return an admission as it is told."""
    one = admission
    return Decided(one.outcome, one.reasons, one.detail, one.policy, one.until)


def lacks(admission: Admission) -> NotKnown | None:
    """Return what is missing to tell what would be decided; ``None`` if nothing that could make it another outcome.

    What is refused anyway stays so whatever is learnt, and what is only observed holds nobody back.
    """
    if admission.outcome is not Outcome.HOLD:
        return None
    return next((why for reason, why in _LACKING if reason in admission.reasons), None)


def untold(
    target: str, digest: Digest, when: When, why: NotKnown, detail: str = "", now: Decided | None = None
) -> Untold:
    """Return that what would be decided of a digest cannot be told, in words where none are given."""
    return Untold(target, digest, when, why, detail or _TOLD.get(why, ""), now)


def by_test_alone(digest: Digest, at: datetime) -> Admission:
    """Return what is decided of a digest that passed its test where nothing else is asked."""
    told = "it passed its test, which is all that is asked"
    return Admission(digest=digest, outcome=Outcome.PASS, detail=told, at=at)


def compared(
    target: str, digest: Digest, when: When, now: Admission | NotKnown, then: Admission | NotKnown
) -> Otherwise | Untold | None:
    """Compare two decisions, by the outcome and by what is waited for.

    Args:
        target: the tag's id.
        digest: of which is decided.
        when: why it is looked at.
        now: what is decided by the list in force, or why nobody can tell.
        then: what would be decided.

    Returns:
        How they differ, or why nobody can tell; ``None`` if they are the same.
    """
    if isinstance(then, NotKnown) or isinstance(now, NotKnown):
        told = decided(now) if isinstance(now, Admission) else None
        return untold(target, digest, when, then if isinstance(then, NotKnown) else NotKnown(now), now=told)
    if (why := lacks(then)) is not None:
        return untold(target, digest, when, why, then.detail, decided(now))
    if (now.outcome, now.waits_for) == (then.outcome, then.waits_for):
        return None
    return Otherwise(target, digest, when, decided(now), decided(then))


class Counts(msgspec.Struct, frozen=True):
    """How many there are of what; a digest counts once for each tag.

    Attributes:
        targets: tags that were looked at.
        untouched: tags of which both lists ask the same, so that nothing of them was looked at.
        same: digests of which the same would be decided.
        otherwise: digests of which something else would be, by the outcome now and then, such as ``pass-reject``.
        not_known: digests of which that cannot be told, by why.
    """

    targets: int = 0
    untouched: int = 0
    same: int = 0
    otherwise: dict[str, int] = {}
    not_known: dict[str, int] = {}


def counted(
    targets: int, untouched: int, same: int, otherwise: Iterable[Otherwise], not_known: Iterable[Untold]
) -> Counts:
    """Return how many there are of what."""
    changes = _numbers(f"{one.now.outcome.value}-{one.then.outcome.value}" for one in otherwise)
    return Counts(targets, untouched, same, changes, _numbers(one.why.value for one in not_known))


def _numbers(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found
