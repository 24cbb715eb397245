"""What a target means for the candidates that proposed their digests to it: pure."""

from __future__ import annotations

from datetime import datetime

from shared.domain.promotion.admission import (
    Admission,
    AdmissionReason,
    Waiting,
    admission_of,
    is_held_back,
    is_refused,
)
from shared.domain.promotion.barring import bar_of, is_taken_back
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.decision import best, out_of_favour
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import Sighting, Target
from shared.domain.references import Digest

# While a target goes by one of these, the digest that its source bore last waits for as long as they are meant.
_SAID = frozenset({Why.PINNED, Why.ROLLED_BACK, Why.RESTORED, Why.AGAINST_GATE, Why.ADOPTED})
# What bore a digest since may go by these without its candidate having come to nothing.
_REFUSALS = frozenset(
    {Reason.SCAN_REJECTED, Reason.SIGNATURE_REJECTED, Reason.REJECTED_BY_PEOPLE, Reason.GATE_REJECTED}
)
_REPLACED = frozenset({Reason.NEWER_DIGEST, Reason.LEFT_THE_LIST, Reason.OVERRULED}) | _REFUSALS


def conclusion(target: Target, digest: Digest) -> Reason | None:
    """Return what a target means for the candidate that proposed a digest to it; ``None`` if that is still open."""
    if _has_left(target, digest):
        return Reason.LEFT_THE_LIST
    if digest == target.wanted and not is_taken_back(target):
        return _of_what_is_wanted(target)
    if target.importing is not None and target.importing.digest == digest:
        return None
    if digest == target.seen:
        return Reason.PROMOTION_VERIFIED
    if is_overruled(target, digest):
        return Reason.OVERRULED
    return _overtaken(target, digest) or _refusal(target, digest) or _observed(target, digest)


def conclusion_for(target: Target, candidate: Candidate) -> Reason | None:
    """Return what a target means for a candidate that passed; ``None`` if that is still open.

    A tag that came to bear it since it was detected counts, also if it bears another digest by now. A target that asks
    for another gate by now was told nothing, and waits for another candidate.
    """
    reason = conclusion(target, candidate.digest)
    if reason in _REPLACED and _bore_since(target, candidate.digest, candidate.detected_at):
        return Reason.PROMOTION_VERIFIED
    if (
        (reason is None or reason in _REFUSALS)
        and target.origin.gate != candidate.gate
        and candidate.digest not in target.passed
    ):
        importing = target.importing is not None and target.importing.digest == candidate.digest
        return None if importing else Reason.NEWER_DIGEST
    return reason


def is_overruled(target: Target, digest: Digest) -> bool:
    """Whether a digest that passed is kept from its target by what people said, or by what stood there before.

    What is blocked is not waited for until its scan says more.
    """
    said, first = target.hold is not None or target.why in _SAID, best(target)
    blocked = digest in {one.digest for one in target.blocked}
    blocked = blocked or digest in out_of_favour(target)
    if is_held_back(target, digest) or is_refused(target, digest):
        return digest in {one.digest for one in target.blocked}
    return digest in target.passed and (blocked or (said and first is not None and first.digest == digest))


def _refusal(target: Target, digest: Digest) -> Reason | None:
    """A test that decided nothing has no answer to wait for: it gave up, and is made again a day later."""
    admission = admission_of(target, digest)
    if admission is not None and is_refused(target, digest):
        return _refused_by(admission)
    by_test = admission is not None and admission.by_test
    return Reason.GAVE_UP if by_test and is_held_back(target, digest) else None


def is_closed(target: Target, digest: Digest) -> bool:
    """Whether a digest would need people who agree, and a newer one was seen for its tag, so that nobody can."""
    admission, newest = admission_of(target, digest), target.newest
    if admission is None or newest is None or newest.digest == digest or not is_held_back(target, digest):
        return False
    return AdmissionReason.AWAITING_APPROVAL.value in admission.reasons


def _observed(target: Target, digest: Digest) -> Reason | None:
    """What would be promoted waits for nothing more where nothing is: that is the end, while the list says so."""
    admission = admission_of(target, digest)
    waits = is_held_back(target, digest) and admission is not None and admission.waits_for is Waiting.NOTHING
    return Reason.OBSERVED if waits else None


def _refused_by(admission: Admission) -> Reason:
    """Where several refuse, the test's word is the last, and the scan's the one before."""
    if admission.by_test:
        return Reason.GATE_REJECTED
    if admission.by_signature:
        return Reason.SIGNATURE_REJECTED
    by_people = AdmissionReason.REJECTED_BY_PEOPLE.value in admission.reasons and not admission.blocking
    return Reason.REJECTED_BY_PEOPLE if by_people else Reason.SCAN_REJECTED


_HELD_BY = {
    Waiting.SIGNATURE: Reason.SIGNATURE_HELD,
    Waiting.APPROVAL: Reason.AWAITING_APPROVAL,
    Waiting.SOAKING: Reason.SOAKING,
    Waiting.FROZEN: Reason.FROZEN,
    Waiting.COMPANIONS: Reason.COMPANIONS_AWAITED,
    Waiting.LOCKED: Reason.LOCKED_BY_OTHERS,
}


def held_by(admission: Admission) -> Reason:
    """Return why a candidate is held, for one of its tags that holds it back."""
    if admission.waits_for in _HELD_BY:
        return _HELD_BY[admission.waits_for]
    return Reason.SCAN_AWAITED if admission.awaits_scan else Reason.SCAN_HELD


def _of_what_is_wanted(target: Target) -> Reason | None:
    if target.reached == target.number:
        return Reason.PROMOTION_VERIFIED
    bar = bar_of(target)
    if bar is not None and bar.waiting is Waiting.NOTHING:
        return Reason.OBSERVED
    return Reason.GAVE_UP if target.gave_up else None


def _overtaken(target: Target, digest: Digest) -> Reason | None:
    """What waits for people, and for nothing else that would be first, waits no more once a newer digest was seen."""
    if is_closed(target, digest):
        return Reason.NEWER_DIGEST
    first = best(target)
    is_open = first is None or first.digest == digest or _is_untold(target, digest, first)
    return None if is_open else Reason.NEWER_DIGEST


def _is_untold(target: Target, digest: Digest, first: Sighting) -> bool:
    """A target that was not told yet that a digest passed, later than all that it knows, has not decided on it."""
    if target.awaited is not None and target.awaited.digest == digest:
        return True
    order = next((one.order for one in target.sightings if one.digest == digest), 0)
    return digest not in target.passed and first.order < order


def _bore_since(target: Target, digest: Digest, moment: datetime) -> bool:
    return any(one.digest == digest and one.until >= moment for one in target.former)


def _has_left(target: Target, digest: Digest) -> bool:
    """Whether a digest will not come into force, because its tag has left the watch list."""
    in_force = digest == target.seen or (digest == target.wanted and target.reached == target.number)
    return target.let_go is not None and target.importing is None and not in_force
