"""What people waive of one digest for one tag: asked by one, granted by another, and decided on at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.access.callers import Caller
from shared.domain.promotion import waiving
from shared.domain.promotion.actions import Declined, place
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import Waived, by
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.findings import key_of
from shared.ports import Activity, Event
from shared.rules.acts import Act, Acts
from shared.rules.approvals import approval_of
from shared.rules.policies import Asked
from shared.rules.targets import TargetBook


class WaiverTaker:
    """Takes waivers of single tags. Saying the same twice is saying it once.

    Every action raises ``InvalidReference`` for what is no target's id, ``MalformedRequest`` (404) for a target that is
    not there, and ``ServiceError`` where storage could not be asked.

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

    def ask(
        self,
        target: str,
        digest: Digest,
        id: str,
        package: str,
        until: str,
        caller: Caller,
        why: str,
        at: datetime,
        number: int | None = None,
    ) -> Target | Declined:
        """Ask to waive a finding; see ``waiving.ask``, and ``Acts.take`` for ``number``."""
        wish = Waived(digest, id, package, why, until, by(caller), at)
        told = f"{id} in {package} of {digest}, until {until}, asks {wish.asked.told}: {why}"
        return self._act(target, ("waiver-asked", at, told), lambda known: waiving.ask(known, wish), number)

    def grant(
        self,
        target: str,
        digest: Digest,
        id: str,
        package: str,
        caller: Caller,
        why: str,
        at: datetime,
        number: int | None = None,
    ) -> Target | Declined:
        """Grant what another one asked; see ``waiving.grant``, and ``Acts.take`` for ``number``."""
        approval = approval_of(self._asked(self._acts.known(target).record))
        may_not = may_consent(caller, approval.machines if approval is not None else (), at)
        key, who = key_of(id, package), by(caller)
        told = f"{id} in {package} of {digest}, grants {who.told}: {why}"

        def act(known: Target) -> Target | Declined:
            return waiving.grant(known, digest, key, who, at, may_not)

        return self._act(target, ("waiver-granted", at, told), act, number)

    def revoke(
        self,
        target: str,
        digest: Digest,
        id: str,
        package: str,
        caller: Caller,
        why: str,
        at: datetime,
        number: int | None = None,
    ) -> Target | Declined:
        """Take back what was asked and granted; see ``waiving.revoke``, and ``Acts.take`` for ``number``."""
        told = f"{id} in {package} of {digest}, revokes {by(caller).told}: {why}"
        key, said = key_of(id, package), Said(by(caller).told, why, at)

        def act(known: Target) -> Target:
            return waiving.revoke(known, digest, key, said)

        return self._act(target, ("waiver-revoked", at, told), act, number)

    def _act(self, name: str, line: tuple[str, datetime, str], act: Act, number: int | None) -> Target | Declined:
        what, at, told = line

        def telling(before: Target, _: Target) -> Event:
            return Event(f"target:{before.id}", what, at, f"{place(before)}: {told}")

        done = self._acts.take(self._acts.known(name), act, telling, number=number)
        if isinstance(done, Declined):
            return done
        self._then(done.record)
        return self._acts.known(name).record
