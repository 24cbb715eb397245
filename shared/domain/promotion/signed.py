"""What is known of an image's signatures, when they are looked for again, and what a verdict means for a tag: pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import Policy
from shared.domain.promotion.admission import AdmissionReason
from shared.domain.promotion.parts import Part
from shared.domain.promotion.schedule import (
    FIRST_SIGNATURE_LOOK,
    LONGEST_SIGNATURE_LOOK,
    SELDOM_SIGNATURE_LOOK,
    SIGNATURES_SOUGHT_FOR,
    SIGNING_GRACE,
    VERDICT_LOOK,
)
from shared.domain.references import Repository
from shared.domain.scan.decision import Outcome
from shared.domain.signatures.material import Material
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict

_DETAIL_KEPT = 420
# A minute doubled so often is more than the longest pause.
_MOST_DOUBLED = 16
# What may come yet: somebody signs it, or somebody else does.
LACKING = frozenset({SignatureOutcome.MISSING, SignatureOutcome.WRONG})


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was read of the signatures of a digest in one upstream repository; each reading replaces it as a whole.

    Attributes:
        source: the repository.
        first_at: when it was read first, UTC.
        read_at: when it was read last, UTC.
        times: how often it was read.
        whole: whether all was read, not only what is most likely a signature.
        unread: what could not be read, for people: nobody can say whether it is a signature.
        material: what was read.
    """

    source: Repository
    first_at: datetime
    read_at: datetime
    times: int = 1
    whole: bool = True
    unread: tuple[str, ...] = ()
    material: Material

    @property
    def again_at(self) -> datetime:
        """When it is worth reading anew, UTC, if what is there does not do."""
        if self.read_at - self.first_at >= SIGNATURES_SOUGHT_FOR:
            return self.read_at + SELDOM_SIGNATURE_LOOK
        doubled: timedelta = FIRST_SIGNATURE_LOOK * (1 << min(self.times - 1, _MOST_DOUBLED))
        return self.read_at + min(doubled, LONGEST_SIGNATURE_LOOK)


def kept_name(source: Repository) -> str:
    """Return the name under which it is kept with the digest: two registries may have different signatures of one."""
    return f"beside-{hashlib.sha256(str(source).encode()).hexdigest()[:16]}.json"


def with_unread(verdict: SignatureVerdict, unread: tuple[str, ...]) -> SignatureVerdict:
    """Return a verdict over what was read where not all was: what is unread may be the signature that is missed."""
    if not unread or verdict.outcome not in LACKING:
        return verdict
    told = f"{verdict.detail}. Not all that lies beside the image could be read: {'; '.join(unread[:3])}"
    return msgspec.structs.replace(verdict, outcome=SignatureOutcome.UNVERIFIABLE, detail=told)


def part_of(verdict: SignatureVerdict, kept: Kept, policy: Policy, seen_at: datetime, now: datetime) -> Part:
    """Return what a verdict means for a tag.

    Args:
        verdict: over what is kept.
        kept: what is kept.
        policy: in force; it asks for signatures.
        seen_at: when the digest was seen first, UTC.
        now: UTC.
    """
    detail, by = verdict.detail[:_DETAIL_KEPT], f" (policy {policy.name})"
    again = kept.again_at if kept.again_at > now else now + VERDICT_LOOK
    if verdict.outcome is SignatureOutcome.VERIFIED:
        return Part(Outcome.PASS, (AdmissionReason.SIGNATURE_VERIFIED.value,), f"{detail}{by}")
    if verdict.outcome is SignatureOutcome.UNVERIFIABLE:
        # What is missing to judge by is a file of trust or a newer version, and neither comes by time alone.
        again_at = again if kept.unread else None
        part = Part(Outcome.HOLD, (AdmissionReason.SIGNATURE_UNVERIFIABLE.value,), f"{detail}{by}", again=again_at)
    elif verdict.outcome is SignatureOutcome.WRONG:
        part = Part(Outcome.REJECT, (AdmissionReason.SIGNATURE_WRONG.value,), f"{detail}{by}", again=again)
    else:
        part = _missing(f"{detail}{by}", min(seen_at, kept.first_at) + SIGNING_GRACE, again, now)
    return _observed(part, policy)


def unread_part(problem: str, policy: Policy, now: datetime) -> Part:
    """Return what it means that nothing could be read yet.

    Args:
        problem: why, for people.
        policy: in force; it asks for signatures.
        now: UTC.
    """
    detail = f"its signatures could not be read yet, and are asked for again by themselves: {problem[:_DETAIL_KEPT]}"
    reasons = (AdmissionReason.SIGNATURE_AWAITED.value,)
    part = Part(Outcome.HOLD, reasons, f"{detail} (policy {policy.name})", again=now + LONGEST_SIGNATURE_LOOK)
    return _observed(part, policy)


def _missing(detail: str, ends: datetime, again: datetime, now: datetime) -> Part:
    reasons = (AdmissionReason.SIGNATURE_MISSING.value,)
    if now >= ends:
        return Part(Outcome.REJECT, reasons, f"{detail}. It goes on by itself once it is signed", again=again)
    told = f"{detail}. Images are often signed after they are pushed: it is looked for again until {ends:%H:%M:%S} UTC"
    return Part(Outcome.HOLD, reasons, told, until=ends, again=min(again, ends))


def _observed(part: Part, policy: Policy) -> Part:
    if policy.signed is None or policy.signed.mode is not Mode.OBSERVE:
        return part
    told = f"its signatures are only observed: {part.detail}"
    return Part(Outcome.PASS, (AdmissionReason.SIGNATURE_OBSERVED.value,), told, again=part.again)
