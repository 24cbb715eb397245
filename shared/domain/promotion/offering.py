"""What can be done to a tag, each act with what it makes of the record: what nobody could want is not offered. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion import actions, waiving
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.admission import AdmissionReason, admission_of
from shared.domain.promotion.agreeing import approve, refuse
from shared.domain.promotion.consents import Answer, By, Consent, OverrideAsked, Waived
from shared.domain.promotion.overriding import Override, override, what_became
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

_OF_PEOPLE = {AdmissionReason.AWAITING_APPROVAL.value, AdmissionReason.REJECTED_BY_PEOPLE.value}


class Act(Enum):
    """What people do; each is named as its address of the API."""

    APPROVE = "approve"  # agree to a digest
    REJECT = "reject"  # refuse it
    ROLL_BACK = "roll_back"  # go back to a digest that the tag bore
    PIN = "pin"  # want one digest whatever comes
    UNPIN = "unpin"  # follow the source again
    OVERRIDE = "promote_against_gate"  # ask for what has not passed, or grant that
    ASK_WAIVER = "ask_waiver"  # ask to waive a finding
    GRANT_WAIVER = "grant_waiver"  # grant what another one asked
    REVOKE_WAIVER = "revoke_waiver"  # take that back
    BLOCK = "block_digest"  # refuse a digest wherever it comes from
    RELEASE = "release_digest"  # refuse it no more
    HOLD = "hold_image"  # decide nothing for an entry
    RESUME = "resume_image"  # decide again
    RETRY = "retry"  # try again what failed or was rejected


class Offered(msgspec.Struct, frozen=True):
    """An act that can be done, and what it makes of the record.

    Attributes:
        act: which.
        digest: of what.
        after: the record after it, or why it is refused.
        waived: of a waiver that is to be granted or revoked: what it is about.
        grants: whether it grants what another one asked.
    """

    act: Act
    digest: Digest
    after: Target | Declined
    waived: Waived | None = None
    grants: bool = False


def offered(target: Target, check: ApprovalCheck | None, said: Said, by: By) -> tuple[Offered, ...]:
    """Return what can be done to a tag.

    Args:
        target: the record.
        check: who has to agree by the policy in force; ``None`` for nobody.
        said: what would be said.
        by: who would do it.
    """
    found = (_of_people(target, check, said, by), _of_versions(target, said), _of_overrides(target, said, by))
    ways = (*found, _of_waivers(target, said, by), _of_rulings(target, said))
    return tuple(one for way in ways for one in way)


def _of_people(target: Target, check: ApprovalCheck | None, said: Said, by: By) -> Iterator[Offered]:
    """What waits for people, or was refused by them; of a digest that passed nobody is asked."""
    newest = target.newest
    admission = admission_of(target, newest.digest) if newest is not None else None
    if check is None or admission is None or _OF_PEOPLE.isdisjoint(admission.reasons):
        return
    digest = admission.digest
    yes, no = (Consent(digest, answer, by, said.why, said.at) for answer in (Answer.AGREED, Answer.REFUSED))
    yield Offered(Act.APPROVE, digest, approve(target, yes, check))
    yield Offered(Act.REJECT, digest, refuse(target, no, check))


def _of_versions(target: Target, said: Said) -> Iterator[Offered]:
    left = {target.wanted, *(one.digest for one in target.blocked)}
    for digest in dict.fromkeys(one for one in actions.borne(target) if one not in left):
        yield Offered(Act.ROLL_BACK, digest, actions.roll_back(target, digest, said))
    if target.pinned is not None:
        yield Offered(Act.UNPIN, target.pinned.digest, actions.unpin(target, said))
    elif target.wanted:
        yield Offered(Act.PIN, target.wanted, actions.pin(target, target.wanted, None, said))


def _of_overrides(target: Target, said: Said, by: By) -> Iterator[Offered]:
    """Of what is newest, and did not pass: its candidate says whether it is on its way still."""
    newest = target.newest
    if newest is None or newest.digest in {target.wanted, *target.passed}:
        return
    after = override(target, OverrideAsked(newest.digest, by, said.why, said.at), "")
    grants = isinstance(after, Target) and what_became(after, newest.digest) is Override.GRANTED
    yield Offered(Act.OVERRIDE, newest.digest, after, grants=grants)


def _of_waivers(target: Target, said: Said, by: By) -> Iterator[Offered]:
    """A finding is named by whoever asks, so that what asking comes to is told without one."""
    for one in target.waived:
        if one.granted is None:
            after = waiving.grant(target, one.digest, one.key, by, said.at, "")
            yield Offered(Act.GRANT_WAIVER, one.digest, after, one, grants=True)
        yield Offered(Act.REVOKE_WAIVER, one.digest, waiving.revoke(target, one.digest, one.key, said), one)
    newest = target.newest
    admission = admission_of(target, newest.digest) if newest is not None else None
    if admission is not None and admission.outcome is not Outcome.PASS and admission.blocking:
        yield Offered(Act.ASK_WAIVER, admission.digest, target)


def _of_rulings(target: Target, said: Said) -> Iterator[Offered]:
    newest, blocked = target.newest, [one.digest for one in target.blocked]
    known = dict.fromkeys((target.wanted, newest.digest if newest is not None else Digest("")))
    for digest in (one for one in known if one and one not in blocked):
        yield Offered(Act.BLOCK, digest, actions.block(target, digest, said))
    for digest in blocked:
        yield Offered(Act.RELEASE, digest, actions.release(target, digest, said))
    if target.hold is None:
        yield Offered(Act.HOLD, target.wanted, actions.hold(target, said))
    else:
        yield Offered(Act.RESUME, target.wanted, actions.resume(target, said))
