"""What a person does to one target: recorded, decided at once, and brought about as everything else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from shared.domain.access.callers import Caller, Role
from shared.domain.promotion import actions
from shared.domain.promotion.actions import Declined, Refusal, place
from shared.domain.promotion.admission import admission_of
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import OverrideAsked, by
from shared.domain.promotion.overriding import Override, granted, override, what_became
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.errors import Conflict, MalformedRequest
from shared.ports import Activity, Event
from shared.rules.approvals import approval_of
from shared.rules.bars import Bars
from shared.rules.policies import Asked
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_TRIES = 3
_OVERRIDES = {Override.ASKED: "override-asked", Override.GRANTED: "promoted-against-its-gate"}
_Act = Callable[[Target], "Target | Declined"]


class Actor:
    """Acts on targets. Whoever asks for what is so already gets the target as it is, and nothing is recorded anew.

    Every action raises ``InvalidReference`` for what is no target's id, ``MalformedRequest`` (404) for a target that is
    not there, and ``ServiceError`` where storage, or who may have the digest, could not be asked.

    Args:
        book: where targets are.
        sources: tells where a digest can still be had.
        activity: the activity log.
        asked: tells what the list in force asks for a target.
        bars: says what may not be written into the base registry now.
    """

    def __init__(
        self,
        book: TargetBook,
        sources: Sources,
        activity: Activity,
        asked: Callable[[Target], Asked],
        bars: Bars,
    ) -> None:
        self._book = book
        self._sources = sources
        self._activity = activity
        self._asked = asked
        self._bars = bars

    def roll_back(self, target: str, digest: Digest | None, said: Said) -> Target | Declined:
        """Go back to a digest that the tag bore before; see ``actions.roll_back``."""
        return self._act(target, "rolled-back", said, lambda known: actions.roll_back(known, digest, said))

    def pin(self, target: str, digest: Digest | None, until: datetime | None, said: Said) -> Target | Declined:
        """Want one digest whatever comes; see ``actions.pin``."""
        return self._act(target, "pinned", said, lambda known: actions.pin(known, digest, until, said))

    def unpin(self, target: str, said: Said) -> Target | Declined:
        """Want what is newest again; see ``actions.unpin``."""
        return self._act(target, "unpinned", said, lambda known: actions.unpin(known, said), looked_for=False)

    def promote(self, target: str, digest: Digest, caller: Caller, why: str, at: datetime) -> Target | Declined:
        """Ask that what has not passed its gate is taken, or grant what another one asked; see ``overriding``."""
        wish, stored = OverrideAsked(digest, by(caller), why, at), self._known(target)
        may_not = self._may_not_grant(caller, stored.record, at)
        for _ in range(_TRIES):
            first = override(stored.record, wish, may_not)
            if isinstance(first, Declined) or first == stored.record:
                self._book.set_going(stored)
                return first
            would_be = granted(stored.record, wish)
            if isinstance(would_be, Target) and (declined := self._cannot_be(stored.record, would_be)):
                return declined
            done = self._override(stored, first, wish, may_not)
            if done is not None:
                return done
            stored = self._known(target)
        raise Conflict(f"{target} changes too fast; ask again")

    def _override(
        self, stored: StoredTarget, first: Target, wish: OverrideAsked, may_not: str
    ) -> Target | Declined | None:
        """Two who ask at once are one who asks and one who grants; ``None`` where another thing was told than is so."""
        told = what_became(first, wish.digest)
        line = _wished(first, wish) + self._frozen(stored.record, first)
        self._activity.append(Event(f"target:{first.id}", _OVERRIDES[told], wish.at, line))
        outcome: list[Target | Declined] = []

        def change(known: Target | None) -> Target | None:
            outcome.append(override(known or stored.record, wish, may_not))
            last = outcome[-1]
            return last if isinstance(last, Target) and what_became(last, wish.digest) is told else None

        written = self._book.change(stored.record.id, change, stored)
        if written is None:
            return outcome[-1] if isinstance(outcome[-1], Declined) else None
        self._book.set_going(written)
        return written.record

    def _may_not_grant(self, caller: Caller, target: Target, now: datetime) -> str:
        if Role.APPROVER not in caller.roles:
            return f"another one asked for it, and granting wants the role approver, which {caller.name} has not"
        approval = approval_of(self._asked(target))
        return may_consent(caller, approval.machines if approval is not None else (), now)

    def _act(self, target: str, name: str, said: Said, act: _Act, *, looked_for: bool = True) -> Target | Declined:
        """The line of the activity log is written first, so that nothing is done that is not told."""
        stored = self._known(target)
        first = act(stored.record)
        if isinstance(first, Declined) or first == stored.record:
            return first
        declined = self._cannot_be(stored.record, first) if looked_for else self._observed(stored.record, first)
        if declined is not None:
            return declined
        line = _line(first, said) + _against(first) + self._frozen(stored.record, first)
        self._activity.append(Event(f"target:{stored.record.id}", name, said.at, line))
        return self._done(stored, act)

    def _cannot_be(self, before: Target, after: Target) -> Declined | None:
        return self._observed(before, after) or self._nowhere(before, after)

    def _observed(self, before: Target, after: Target) -> Declined | None:
        """What people name is not brought about either, and so is not said to be."""
        if after.wanted == before.wanted or not self._bars.is_observed(after):
            return None
        told = f"{place(after)} is only observed; let its entry say mode: enforce before it is to be {after.wanted}"
        return Declined(Refusal.OBSERVED, told)

    def _frozen(self, before: Target, after: Target) -> str:
        return self._bars.told(after) if after.wanted != before.wanted else ""

    def _done(self, stored: StoredTarget, act: _Act) -> Target | Declined:
        """What others wrote meanwhile may be in the way: then that is the answer."""
        outcome: list[Target | Declined] = []

        def change(known: Target | None) -> Target | None:
            outcome.append(act(known or stored.record))
            return outcome[-1] if isinstance(outcome[-1], Target) else None

        written = self._book.change(stored.record.id, change, stored)
        if written is None:
            return outcome[-1]
        self._book.set_going(written)
        return written.record

    def _known(self, target: str) -> StoredTarget:
        """A target of an earlier base registry is shown, and left alone."""
        ours = parts_of_target(target)[0] == self._book.registry
        stored = self._book.targets.get(target) if ours else None
        if stored is None:
            raise MalformedRequest(f"there is no target {target!r}", status=404)
        return stored

    def _nowhere(self, before: Target, after: Target) -> Declined | None:
        """What the tag bears already needs to be had from nobody."""
        digest = after.wanted
        if digest in {before.seen, before.wanted} or self._sources.where(after, digest) is not None:
            return None
        source = after.origin.source
        told = f"neither the base registry nor staging nor {source} has {digest} any more"
        return Declined(Refusal.NOWHERE, f"{told}, so {place(after)} cannot point at it")


def _against(target: Target) -> str:
    """Whoever takes what its scan speaks against, or says nothing of yet, is told to have done so."""
    admission = admission_of(target, target.wanted)
    if admission is None or admission.outcome is Outcome.PASS or target.wanted in target.passed:
        return ""
    return f"; against its scan, which says: {admission.detail}"


def _wished(target: Target, wish: OverrideAsked) -> str:
    said = Said(wish.by.told, wish.why, wish.at)
    if what_became(target, wish.digest) is Override.ASKED:
        told = f"{wish.by.told} asks that {place(target)} takes {wish.digest} against its gate: {wish.why}"
        return f"{told}; another approver has to grant it"
    asked = next((one.asked for one in target.forced if one.digest == wish.digest), None)
    return _line(target, said) + (f"; asked by {asked.by}: {asked.why}" if asked else "") + _against(target)


def _line(target: Target, said: Said) -> str:
    return f"{place(target)} is to be {target.wanted or 'nothing'}, says {said.by}: {said.why}"
