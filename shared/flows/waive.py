"""What people waive of one digest for one tag: asked by one, granted by another, and decided on at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.access.callers import Caller
from shared.domain.promotion import waiving
from shared.domain.promotion.actions import Declined, place
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import Waived, by
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest
from shared.domain.scan.findings import key_of
from shared.errors import MalformedRequest
from shared.ports import Activity, Event
from shared.rules.approvals import approval_of
from shared.rules.policies import Asked
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_Act = Callable[[Target], "Target | Declined"]


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
        self._book = book
        self._asked = asked
        self._activity = activity
        self._then = then

    def ask(
        self, target: str, digest: Digest, id: str, package: str, until: str, caller: Caller, why: str, at: datetime
    ) -> Target | Declined:
        """Ask to waive a finding; see ``waiving.ask``."""
        wish = Waived(digest, id, package, why, until, by(caller), at)
        told = f"{id} in {package} of {digest}, until {until}, asks {wish.asked.told}: {why}"
        return self._act(target, "waiver-asked", at, told, lambda known: waiving.ask(known, wish))

    def grant(
        self, target: str, digest: Digest, id: str, package: str, caller: Caller, why: str, at: datetime
    ) -> Target | Declined:
        """Grant what another one asked; see ``waiving.grant``."""
        approval = approval_of(self._asked(self._known(target).record))
        may_not = may_consent(caller, approval.machines if approval is not None else (), at)
        key, who = key_of(id, package), by(caller)
        told = f"{id} in {package} of {digest}, grants {who.told}: {why}"
        return self._act(
            target, "waiver-granted", at, told, lambda known: waiving.grant(known, digest, key, who, at, may_not)
        )

    def revoke(
        self, target: str, digest: Digest, id: str, package: str, caller: Caller, why: str, at: datetime
    ) -> Target | Declined:
        """Take back what was asked and granted; see ``waiving.revoke``."""
        told = f"{id} in {package} of {digest}, revokes {by(caller).told}: {why}"
        key = key_of(id, package)
        return self._act(target, "waiver-revoked", at, told, lambda known: waiving.revoke(known, digest, key))

    def _act(self, name: str, line: str, at: datetime, told: str, act: _Act) -> Target | Declined:
        """The line of the activity log is written first, so that nothing is done that is not told."""
        stored = self._known(name)
        first = act(stored.record)
        if isinstance(first, Declined):
            return first
        if first != stored.record:
            self._tell(stored.record, line, at, told)
            outcome: list[Target | Declined] = []

            def change(known: Target | None) -> Target | None:
                outcome.append(act(known or stored.record))
                return outcome[-1] if isinstance(outcome[-1], Target) else None

            if self._book.change(stored.record.id, change, stored) is None:
                self._tell(stored.record, "came-too-late", at, told)
                return outcome[-1]
        self._then(self._known(name).record)
        return self._known(name).record

    def _known(self, target: str) -> StoredTarget:
        """A target of an earlier base registry is shown, and left alone."""
        ours = parts_of_target(target)[0] == self._book.registry
        stored = self._book.targets.get(target) if ours else None
        if stored is None:
            raise MalformedRequest(f"there is no target {target!r}", status=404)
        return stored

    def _tell(self, target: Target, line: str, at: datetime, told: str) -> None:
        self._activity.append(Event(f"target:{target.id}", line, at, f"{place(target)}: {told}"))
