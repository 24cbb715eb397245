"""What people say of a digest that waits for them: kept in the target's record, and decided on at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.access.callers import Caller
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.actions import Declined, Refusal, place
from shared.domain.promotion.agreeing import approve, refuse
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import Answer, Consent, by
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest
from shared.errors import MalformedRequest
from shared.ports import Activity, Event
from shared.rules.approvals import approval_of
from shared.rules.policies import Asked
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_ACTS = {Answer.AGREED: approve, Answer.REFUSED: refuse}
_NAMES = {Answer.AGREED: "approved", Answer.REFUSED: "rejected-by-people"}


class Approver:
    """Takes what people say of digests. Saying the same twice is saying it once.

    Both actions raise ``InvalidReference`` for what is no target's id, ``MalformedRequest`` for a target that is not
    there (404) and for a caller who may not agree now (403), and ``ServiceError`` where storage could not be asked.

    Args:
        book: where targets are.
        asked: tells what the list in force asks for a target.
        activity: the activity log.
        then: decides again on a target of which something was said.
    """

    def __init__(
        self,
        book: TargetBook,
        asked: Callable[[Target], Asked],
        activity: Activity,
        then: Callable[[Target], None],
    ) -> None:
        self._book = book
        self._asked = asked
        self._activity = activity
        self._then = then

    def approve(self, target: str, digest: Digest, caller: Caller, why: str, at: datetime) -> Target | Declined:
        """Agree that a digest is promoted to a tag; see ``agreeing.approve``."""
        return self._say(target, Consent(digest, Answer.AGREED, by(caller), why, at), caller)

    def reject(self, target: str, digest: Digest, caller: Caller, why: str, at: datetime) -> Target | Declined:
        """Refuse a digest for a tag; see ``agreeing.refuse``."""
        return self._say(target, Consent(digest, Answer.REFUSED, by(caller), why, at), caller)

    def _say(self, name: str, consent: Consent, caller: Caller) -> Target | Declined:
        """The line of the activity log is written first, so that nothing is done that is not told."""
        stored = self._known(name)
        check = approval_of(self._asked(stored.record))
        if problem := may_consent(caller, check.machines if check is not None else (), consent.at):
            raise MalformedRequest(problem, status=403)
        if check is None:
            return Declined(Refusal.NOT_WAITING, f"the policy of {place(stored.record)} asks nobody to agree")
        first = _ACTS[consent.answer](stored.record, consent, check)
        if isinstance(first, Declined):
            return first
        if first == stored.record:
            return self._decided(stored)
        self._tell(stored.record, _NAMES[consent.answer], consent)
        return self._done(stored, consent, check)

    def _done(self, stored: StoredTarget, consent: Consent, check: ApprovalCheck) -> Target | Declined:
        """What others wrote meanwhile may be in the way, such as a newer digest: then that is the answer, and told."""
        outcome: list[Target | Declined] = []

        def change(known: Target | None) -> Target | None:
            outcome.append(_ACTS[consent.answer](known or stored.record, consent, check))
            return outcome[-1] if isinstance(outcome[-1], Target) else None

        written = self._book.change(stored.record.id, change, stored)
        if written is None:
            self._tell(stored.record, "came-too-late", consent)
            return outcome[-1]
        return self._decided(written)

    def _decided(self, stored: StoredTarget) -> Target:
        """Whoever died before this is found by the survey, as what was decided by is not what is said now."""
        self._then(stored.record)
        return self._known(stored.record.id).record

    def _known(self, target: str) -> StoredTarget:
        """A target of an earlier base registry is shown, and left alone."""
        ours = parts_of_target(target)[0] == self._book.registry
        stored = self._book.targets.get(target) if ours else None
        if stored is None:
            raise MalformedRequest(f"there is no target {target!r}", status=404)
        return stored

    def _tell(self, target: Target, name: str, consent: Consent) -> None:
        told = f"{consent.digest} for {place(target)}: {consent.answer.value}, says {consent.by.told}: {consent.why}"
        self._activity.append(Event(f"target:{target.id}", name, consent.at, told))
