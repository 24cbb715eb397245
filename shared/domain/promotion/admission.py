"""What the scan of a digest means for one tag: a value in the tag's record, with everything that it was decided by."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

if TYPE_CHECKING:
    from shared.domain.promotion.target import Target


class AdmissionReason(Enum):
    """Reasons of an admission, beside those of the verdict over the scan."""

    SCAN_AWAITED = "scan-awaited"  # the digest's scan has no answer yet
    BASE_SCAN_AWAITED = "base-scan-awaited"  # what rejects may be in the base in use, whose scan has no answer yet
    PLATFORM_UNTESTED = "platform-untested"  # the test runs on another platform than one that is promoted
    GATE_REJECTED = "gate-rejected"  # its test rejected it, and the policy enforces the test
    GATE_UNDECIDED = "gate-undecided"  # the runs of its test decided nothing, and the policy enforces the test
    GATE_OBSERVED = "gate-observed"  # it did not pass its test, which the policy only observes
    NO_ENTRY = "no-entry"  # no entry of the watch list writes the tag any more, so no policy is known
    SIGNATURE_AWAITED = "signature-awaited"  # nobody has looked yet who signed it
    SIGNATURE_MISSING = "signature-missing"  # nobody signed it in a way that the policy asks for
    SIGNATURE_WRONG = "signature-wrong"  # it is signed, and not by whom the policy wants
    SIGNATURE_UNVERIFIABLE = "signature-unverifiable"  # whether it is rightly signed cannot be said
    SIGNATURE_VERIFIED = "signature-verified"  # it is signed by whom the policy wants
    SIGNATURE_OBSERVED = "signature-observed"  # it is not signed as the policy wants, which that only observes
    FAST_LANE = "fast-lane"  # it mends something urgent of the base in use, and need not be as old as the policy asks
    SOAKING = "soaking"  # it has not been seen for as long as the policy asks
    FROZEN = "frozen"  # nothing is promoted at this time
    AWAITING_APPROVAL = "awaiting-approval"  # people have to agree
    APPROVED = "approved"  # as many people agreed as have to
    REJECTED_BY_PEOPLE = "rejected-by-people"  # somebody who may agree refused it
    OBSERVING = "observing"  # its entry is only observed: nothing is promoted, and what would be is told


class Waiting(Enum):
    """What a digest that is held back from a tag waits for: the state of candidate and tag."""

    SCAN = "scan"  # an answer of its scan, or of that of the base in use
    TEST = "test"  # a test that decides, or that runs on every platform
    SIGNATURE = "signature"  # a signature, or what is needed to check it
    SOAKING = "soaking"  # the end of its soak
    FROZEN = "frozen"  # the end of a freeze
    APPROVAL = "awaiting-approval"  # people who agree
    ENTRY = "entry"  # an entry of the watch list that says by which policy
    DECISIONS = "decisions"  # what people decided, which another account kept and this one does not know yet
    COMPANIONS = "companions"  # what its entry wants beside it in the base registry before the tag is moved to it
    LOCKED = "locked"  # somebody who locked the tag, or its whole repository, in the base registry to open it
    NOTHING = "observing"  # nothing: its entry is only observed


_WAITS_FOR = (
    ({AdmissionReason.OBSERVING}, Waiting.NOTHING),
    ({AdmissionReason.NO_ENTRY}, Waiting.ENTRY),
    ({AdmissionReason.GATE_UNDECIDED}, Waiting.TEST),
    (
        {
            AdmissionReason.SIGNATURE_AWAITED,
            AdmissionReason.SIGNATURE_MISSING,
            AdmissionReason.SIGNATURE_WRONG,
            AdmissionReason.SIGNATURE_UNVERIFIABLE,
        },
        Waiting.SIGNATURE,
    ),
    ({AdmissionReason.SCAN_AWAITED, AdmissionReason.BASE_SCAN_AWAITED}, Waiting.SCAN),
    ({AdmissionReason.AWAITING_APPROVAL}, Waiting.APPROVAL),
    ({AdmissionReason.SOAKING}, Waiting.SOAKING),
    ({AdmissionReason.FROZEN}, Waiting.FROZEN),
)


_AWAITED = frozenset({AdmissionReason.SCAN_AWAITED.value, AdmissionReason.BASE_SCAN_AWAITED.value})
_BY_TEST = frozenset({AdmissionReason.GATE_REJECTED.value, AdmissionReason.GATE_UNDECIDED.value})
# What these say is no missing answer: what they keep back has not passed any more.
_KNOWN = frozenset(
    one.value
    for one in (
        AdmissionReason.SIGNATURE_MISSING,
        AdmissionReason.SIGNATURE_WRONG,
        AdmissionReason.SOAKING,
        AdmissionReason.FROZEN,
        AdmissionReason.AWAITING_APPROVAL,
        AdmissionReason.OBSERVING,
    )
)

# What is not known to be signed had not passed since its policy asks for that.
_UNVERIFIED = frozenset({AdmissionReason.SIGNATURE_AWAITED.value, AdmissionReason.SIGNATURE_UNVERIFIABLE.value})
_BY_SIGNATURE = frozenset({AdmissionReason.SIGNATURE_MISSING.value, AdmissionReason.SIGNATURE_WRONG.value})

_KEPT = 12


class Admission(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was decided of a digest for a tag, and by what.

    Attributes:
        digest: of what.
        outcome: only ``PASS`` lets the tag come to it by itself.
        reasons: their names.
        detail: for people, with the first findings by name, and what to do.
        policy: the name of the policy in force.
        policy_sha256: hash of its content.
        platforms: those that its entry had.
        exceptions: hash of the waivers, VEX and known-exploited files in force; empty if there are none.
        base: the digest in use that it was compared with; empty for none.
        database_at: of when the scanner's database was, UTC; ``None`` if nobody said.
        findings: how many there are in all.
        blocking: how many of them speak against it.
        at: when it was decided, UTC.
        evidence: the name under which the whole decision is kept with the candidate; empty if there was no scan.
        holds: the names of those reasons that hold.
        until: when what holds ends by itself, UTC; ``None`` if time alone does not end it.
        facts: what the record of the tag says that this was decided by, each check's as one text.
        again: when it is worth deciding anew whatever was decided, UTC; ``None`` if time alone tells nothing more.
        let_in: the evidence of the decision by which the tag came to it; empty if none let it in, or as long as that is
            this one.
    """

    digest: Digest
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    detail: str = ""
    policy: str = ""
    policy_sha256: str = ""
    platforms: tuple[str, ...] = ("linux/amd64",)
    exceptions: str = ""
    base: Digest = Digest("")
    database_at: datetime | None = None
    findings: int = 0
    blocking: int = 0
    at: datetime
    evidence: str = ""
    holds: tuple[str, ...] = ()
    until: datetime | None = None
    facts: tuple[str, ...] = ()
    again: datetime | None = None
    let_in: str = ""

    @property
    def let_in_by(self) -> str:
        """The evidence of the decision that let it in, whatever was decided since; empty if it never passed."""
        return self.let_in or (self.evidence if self.outcome is Outcome.PASS else "")

    @property
    def waits_for(self) -> Waiting | None:
        """What it waits for before everything else; ``None`` if it is not held back."""
        if self.outcome is not Outcome.HOLD:
            return None
        reasons = set(self.holds or self.reasons)
        found = (waiting for names, waiting in _WAITS_FOR if not reasons.isdisjoint({one.value for one in names}))
        return next(found, Waiting.SCAN)

    @property
    def would_be(self) -> Outcome | None:
        """What it would have come to, where its entry is only observed; else ``None``."""
        if AdmissionReason.OBSERVING.value not in self.reasons:
            return None
        return Outcome.PASS if self.waits_for is Waiting.NOTHING else self.outcome

    @property
    def awaits_scan(self) -> bool:
        """Whether a scan has to answer before more can be said."""
        return not _AWAITED.isdisjoint(self.reasons)

    @property
    def by_test(self) -> bool:
        """Whether the digest's test keeps it from the tag; nobody asks then what its scan says."""
        return not _BY_TEST.isdisjoint(self.reasons)

    @property
    def by_signature(self) -> bool:
        """Whether its signatures keep the digest from the tag, and nothing that comes before them."""
        if self.outcome is Outcome.REJECT:
            return not self.by_test and not self.blocking and not _BY_SIGNATURE.isdisjoint(self.reasons)
        return self.waits_for is Waiting.SIGNATURE

    @property
    def of_test(self) -> bool:
        """Whether the digest did not pass its test, whatever follows from that."""
        return self.by_test or AdmissionReason.GATE_OBSERVED.value in self.reasons


def same_admission(one: Admission | None, other: Admission) -> bool:
    """Whether two admissions say the same, whenever it was decided: then nothing is to be written or told."""
    return one is not None and _timeless(one) == _timeless(other)


def _timeless(admission: Admission) -> Admission:
    return msgspec.structs.replace(admission, at=datetime.min, evidence="", let_in="")


def admission_of(target: Target, digest: Digest) -> Admission | None:
    """Return what was last decided of a digest for a tag; ``None`` if nothing was."""
    return next((one for one in target.admissions if one.digest == digest), None)


def with_admission(target: Target, admission: Admission) -> Target:
    """Return a record with an admission; of too many the oldest go, but none of what is in use, wanted or awaited."""
    admission = _remembering(target, admission)
    others = [one for one in target.admissions if one.digest != admission.digest]
    spared = {target.seen, target.wanted, admission.digest}
    spared |= {target.awaited.digest} if target.awaited else set()
    spared |= {target.newest.digest} if target.newest else set()
    inside = [*others, admission]
    surplus = len(inside) - _KEPT
    for one in others:
        if surplus > 0 and one.digest not in spared:
            inside.remove(one)
            surplus -= 1
    return msgspec.structs.replace(target, admissions=tuple(inside))


def _remembering(target: Target, admission: Admission) -> Admission:
    """What is decided anew of what is in use does not make forgotten that it was let in, and by which findings.

    Nor does it of what is on its way there: it may have come to the tag already, and nobody has read that back yet.
    """
    known, digest = admission_of(target, admission.digest), admission.digest
    on_its_way = digest == target.wanted and admission.outcome is not Outcome.PASS
    if known is None or not (on_its_way or digest == in_use(target)):
        return admission
    return msgspec.structs.replace(admission, let_in=known.let_in_by)


def is_known_to_wait(admission: Admission) -> bool:
    """Whether a digest is held back by something that is known, and not by an answer that is missing alone."""
    return admission.outcome is Outcome.HOLD and not _KNOWN.isdisjoint(admission.holds or admission.reasons)


def takes_back(admission: Admission) -> bool:
    """Whether a digest that had passed has not any more.

    What its scan found before stays so until the next answer. Signatures that were verified are kept, and not asked for
    again: where nobody can say whether it is signed, nothing that the policy in force wants ever was.
    """
    held = admission.outcome is Outcome.HOLD
    unverified = not _UNVERIFIED.isdisjoint(admission.holds or admission.reasons)
    return admission.outcome is Outcome.REJECT or (held and (unverified or is_known_to_wait(admission)))


def is_unanswered(target: Target, digest: Digest) -> bool:
    """Whether a digest is held back by an answer that is missing, and by nothing that is known."""
    admission = admission_of(target, digest)
    return is_held_back(target, digest) and admission is not None and not is_known_to_wait(admission)


def is_held_back(target: Target, digest: Digest) -> bool:
    """Whether a digest waits for an answer of its scan before its tag may come to it."""
    return _outcome(target, digest) is Outcome.HOLD


def is_refused(target: Target, digest: Digest) -> bool:
    """Whether the scan of a digest speaks against it, so that its tag does not come to it by itself."""
    return _outcome(target, digest) is Outcome.REJECT


def _outcome(target: Target, digest: Digest) -> Outcome | None:
    """What has passed once, and was not taken back, stays passed while the next answer is waited for."""
    admission = admission_of(target, digest)
    return admission.outcome if admission is not None and digest not in target.passed else None


def in_use(target: Target) -> Digest:
    """Return the digest that is in use by the tag's own decisions; empty if none is.

    What others put there was let in by nobody, and so excuses nothing of what comes.
    """
    adopted = {target.adopted.digest} if target.adopted else set()
    if target.seen in {"", target.wanted, *target.passed, *(one.digest for one in target.forced), *adopted}:
        return target.seen
    bore = target.reached == target.number or any(one.digest == target.wanted for one in target.former)
    return target.wanted if bore else Digest("")


def could_come(target: Target) -> frozenset[Digest]:
    """Return the digests that a tag could come to without another gate: those sighted after what it is to be."""
    orders = {one.digest: one.order for one in target.sightings}
    present = orders.get(target.wanted, 0)
    return frozenset(digest for digest, order in orders.items() if order > present)
