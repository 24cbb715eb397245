"""What people do to a digest that waits for them: they agree, or refuse it. Pure functions of the target's record."""

from __future__ import annotations

import msgspec

from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.actions import Declined, Refusal, place
from shared.domain.promotion.admission import AdmissionReason, admission_of
from shared.domain.promotion.barring import is_taken_back
from shared.domain.promotion.consents import Consent, agreed, consents_to, refusal_of
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

_OF_PEOPLE = frozenset(
    {
        AdmissionReason.AWAITING_APPROVAL.value,
        AdmissionReason.APPROVED.value,
        AdmissionReason.REJECTED_BY_PEOPLE.value,
    }
)


def approve(target: Target, consent: Consent, check: ApprovalCheck) -> Target | Declined:
    """Agree that a digest is promoted to a tag; whoever agrees twice has agreed once.

    After a refusal as many have to agree as the policy says, whoever had agreed before.

    Args:
        target: the record.
        consent: who agrees to which digest, why and when.
        check: what the policy in force asks for.
    """
    said = consents_to(target, consent.digest)
    counted = agreed(said, check.machines)
    if any(one.by.same(consent.by) for one in counted):
        return target
    if declined := _in_the_way(target, consent):
        return declined
    if len(counted) >= check.required:
        return Declined(Refusal.DECIDED, f"{consent.digest} is agreed to already, by {counted[-1].told}")
    return _said(target, (*said, consent))


def refuse(target: Target, consent: Consent, check: ApprovalCheck) -> Target | Declined:
    """Refuse a digest for a tag, until as many agree as have to.

    Args:
        target: the record.
        consent: who refuses which digest, why and when.
        check: what the policy in force asks for.
    """
    said = consents_to(target, consent.digest)
    refusal, lifted = refusal_of(said), len(agreed(said, check.machines)) >= check.required
    if refusal is not None and refusal.by.same(consent.by) and not lifted:
        return target
    if declined := _in_the_way(target, consent):
        return declined
    return _said(target, (consent,))


def _said(target: Target, consents: tuple[Consent, ...]) -> Target:
    digest = consents[-1].digest
    others = tuple(one for one in target.consents if one.digest != digest)
    return msgspec.structs.replace(target, consents=(*others, *consents))


def _in_the_way(target: Target, consent: Consent) -> Declined | None:
    """What nobody waits for, or what has been decided, is not agreed to: the caller saw something else."""
    digest, where = consent.digest, place(target)
    if target.let_go is not None:
        return Declined(Refusal.LET_GO, f"{where} has left the watch list; put its entry back first")
    wanted = set() if is_taken_back(target) else {target.wanted}
    if digest in {target.seen, *wanted, *target.passed}:
        return Declined(Refusal.DECIDED, f"{digest} has passed for {where}; to take it back, block it or roll back")
    if target.blocks(digest):
        return Declined(Refusal.BLOCKED, f"{digest} is blocked; release it first")
    return _superseded(target, digest) or _not_waiting(target, digest)


def _superseded(target: Target, digest: Digest) -> Declined | None:
    known = any(one.digest == digest for one in target.sightings)
    if known and target.newest is not None and target.newest.digest != digest:
        told = f"{place(target)} was seen to be {target.newest.digest} since, which closed what was asked for {digest}"
        return Declined(Refusal.SUPERSEDED, told)
    return None


def _not_waiting(target: Target, digest: Digest) -> Declined | None:
    admission, where = admission_of(target, digest), place(target)
    if admission is None:
        return Declined(Refusal.NOT_WAITING, f"{digest} does not wait for people at {where}: its checks come first")
    by_people = AdmissionReason.REJECTED_BY_PEOPLE.value in admission.reasons
    if _OF_PEOPLE.isdisjoint(admission.reasons) or (admission.outcome is Outcome.REJECT and not by_people):
        return Declined(Refusal.NOT_WAITING, f"{digest} does not wait for people at {where}: {admission.detail}")
    return None
