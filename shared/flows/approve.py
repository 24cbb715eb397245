"""What people say of a digest that waits for them: kept in the target's record, and decided on at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.access.callers import Caller
from shared.domain.promotion.actions import Declined, Refusal, place
from shared.domain.promotion.agreeing import approve, refuse
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import Answer, Consent, by
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import MalformedRequest
from shared.ports import Activity, Event
from shared.rules.acts import Acts
from shared.rules.approvals import approval_of
from shared.rules.policies import Asked
from shared.rules.targets import TargetBook

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
        self._acts = Acts(book, activity)
        self._asked = asked
        self._then = then

    def approve(
        self, target: str, digest: Digest, caller: Caller, why: str, at: datetime, number: int | None = None
    ) -> Target | Declined:
        """Agree that a digest is promoted to a tag; see ``agreeing.approve``, and ``Acts.take`` for ``number``."""
        return self._say(target, Consent(digest, Answer.AGREED, by(caller), why, at), caller, number)

    def reject(
        self, target: str, digest: Digest, caller: Caller, why: str, at: datetime, number: int | None = None
    ) -> Target | Declined:
        """Refuse a digest for a tag; see ``agreeing.refuse``, and ``Acts.take`` for ``number``."""
        return self._say(target, Consent(digest, Answer.REFUSED, by(caller), why, at), caller, number)

    def _say(self, name: str, consent: Consent, caller: Caller, number: int | None) -> Target | Declined:
        stored = self._acts.known(name)
        check = approval_of(self._asked(stored.record))
        if problem := may_consent(caller, check.machines if check is not None else (), consent.at):
            raise MalformedRequest(problem, status=403)
        if check is None:
            return Declined(Refusal.NOT_WAITING, f"the policy of {place(stored.record)} asks nobody to agree")
        act = _ACTS[consent.answer]
        done = self._acts.take(
            stored, lambda known: act(known, consent, check), lambda before, _: _told(before, consent), number=number
        )
        return done if isinstance(done, Declined) else self._decided(done.record)

    def _decided(self, target: Target) -> Target:
        """Whoever died before this is found by the survey, as what was decided by is not what is said now."""
        self._then(target)
        return self._acts.known(target.id).record


def _told(target: Target, consent: Consent) -> Event:
    told = f"{consent.digest} for {place(target)}: {consent.answer.value}, says {consent.by.told}: {consent.why}"
    return Event(f"target:{target.id}", _NAMES[consent.answer], consent.at, told)
