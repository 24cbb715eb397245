"""The check that people agree: a part of an admission by what they said of a digest, which its tag's record keeps."""

from __future__ import annotations

import hashlib

import msgspec

from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.admission import Admission, AdmissionReason, in_use
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.consents import Consent, agreed, consents_to, refusal_of
from shared.domain.promotion.parts import Part
from shared.domain.promotion.target import Target
from shared.domain.promotion.waiving import in_force
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.ports import Clock
from shared.rules.policies import Asked


class Approvals:
    """See ``AdmissionCheck``: nothing is read, all stands in the target's record."""

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:
        """Return a hash of what was said of a digest, and whether a newer one was seen."""
        if approval_of(asked) is None:
            return ""
        said, newer = consents_to(target, digest), _newer(target, digest)
        if not said and not newer:
            return ""
        return hashlib.sha256(msgspec.json.encode([said, newer])).hexdigest()[:16]

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:  # noqa: ARG002
        """Return what people said; what is in use needs nobody's consent."""
        check, digest = approval_of(asked), candidate.digest
        if check is None or digest == in_use(target):
            return None
        said = consents_to(target, digest)
        counted = agreed(said, check.machines)
        if len(counted) >= check.required:
            told = f"agreed to by {'; '.join(one.told for one in counted)}"
            return Part(Outcome.PASS, (AdmissionReason.APPROVED.value,), told)
        if (refusal := refusal_of(said)) is not None:
            return _refused(refusal, counted, check)
        return Part(Outcome.HOLD, (AdmissionReason.AWAITING_APPROVAL.value,), _lacks(target, digest, counted, check))

    def dry(self) -> Approvals:
        """Return itself, as nothing is asked for."""
        return self


class Waiving:
    """See ``AdmissionCheck``: what people waive counts in the verdict over the scan, so it adds no part of its own.

    Args:
        clock: tells the time, by which waivers end.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:
        """Return a hash of what is waived of a digest now."""
        if asked.scan is None or not target.waived:
            return ""
        waivers = in_force(target, digest, self._clock())
        return hashlib.sha256(msgspec.json.encode(waivers)).hexdigest()[:16] if waivers else ""

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:  # noqa: ARG002
        """Return nothing."""
        return None

    def dry(self) -> Waiving:
        """Return itself, as nothing is asked for."""
        return self


def is_agreed_to(target: Target, digest: Digest) -> bool:
    """Whether a person agreed to a digest and a tag, and nobody refused it since."""
    said = consents_to(target, digest)
    return bool(agreed(said, ())) and refusal_of(said) is None


def approval_of(asked: Asked) -> ApprovalCheck | None:
    """Return who has to agree; ``None`` for nobody."""
    return asked.policy.approval if asked.policy is not None else None


def _newer(target: Target, digest: Digest) -> bool:
    newest = target.newest
    return newest is not None and newest.digest != digest and digest not in target.passed


def _refused(refusal: Consent, counted: tuple[Consent, ...], check: ApprovalCheck) -> Part:
    left = check.required - len(counted)
    told = f"refused by {refusal.told}; {left} who may agree can lift that by agreeing"
    return Part(Outcome.REJECT, (AdmissionReason.REJECTED_BY_PEOPLE.value,), told)


def _lacks(target: Target, digest: Digest, counted: tuple[Consent, ...], check: ApprovalCheck) -> str:
    if _newer(target, digest):
        return "a newer digest was seen for its tag, so nobody can agree to this one any more"
    have = f", agreed by {'; '.join(one.told for one in counted)}" if counted else ""
    left = check.required - len(counted)
    return (
        f"{left} of {check.required} approvals are missing{have}: on its page, or by POST targets/{target.id}/approve"
    )
