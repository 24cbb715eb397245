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
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.ports import Activity, Event
from shared.rules.acts import Act, Acts
from shared.rules.approvals import approval_of
from shared.rules.bars import Bars
from shared.rules.policies import Asked
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_OVERRIDES = {Override.ASKED: "override-asked", Override.GRANTED: "promoted-against-its-gate"}


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
        self._acts = Acts(book, activity)
        self._sources = sources
        self._asked = asked
        self._bars = bars

    def roll_back(self, target: str, digest: Digest | None, said: Said, number: int | None = None) -> Target | Declined:
        """Go back to a digest that the tag bore before; see ``actions.roll_back``, and ``Acts.take`` for ``number``."""
        return self._act(target, "rolled-back", said, lambda known: actions.roll_back(known, digest, said), number)

    def pin(
        self, target: str, digest: Digest | None, until: datetime | None, said: Said, number: int | None = None
    ) -> Target | Declined:
        """Want one digest whatever comes; see ``actions.pin``, and ``Acts.take`` for ``number``."""
        return self._act(target, "pinned", said, lambda known: actions.pin(known, digest, until, said), number)

    def unpin(self, target: str, said: Said, number: int | None = None) -> Target | Declined:
        """Want what is newest again; see ``actions.unpin``, and ``Acts.take`` for ``number``."""

        def act(known: Target) -> Target | Declined:
            return actions.unpin(known, said)

        return self._act(target, "unpinned", said, act, number, looked_for=False)

    def promote(
        self, target: str, digest: Digest, caller: Caller, why: str, at: datetime, number: int | None = None
    ) -> Target | Declined:
        """Ask that what has not passed its gate is taken, or grant what another one asked; see ``overriding``.

        Two who ask at once are one who asks and one who grants. See ``Acts.take`` for ``number``.
        """
        wish, stored = OverrideAsked(digest, by(caller), why, at), self._acts.known(target)
        may_not = self._may_not_grant(caller, stored.record, at)

        def objection(before: Target, _: Target) -> Declined | None:
            would_be = granted(before, wish)
            return self._cannot_be(before, would_be) if isinstance(would_be, Target) else None

        def telling(before: Target, after: Target) -> Event:
            name = _OVERRIDES[what_became(after, digest)]
            return Event(f"target:{after.id}", name, at, _wished(after, wish) + self._frozen(before, after))

        done = self._acts.take(
            stored, lambda known: override(known, wish, may_not), telling, objection=objection, number=number
        )
        return self._set_going(done)

    def _may_not_grant(self, caller: Caller, target: Target, now: datetime) -> str:
        if Role.APPROVER not in caller.roles:
            return f"another one asked for it, and granting wants the role approver, which {caller.name} has not"
        approval = approval_of(self._asked(target))
        return may_consent(caller, approval.machines if approval is not None else (), now)

    def _act(
        self, target: str, name: str, said: Said, act: Act, number: int | None, *, looked_for: bool = True
    ) -> Target | Declined:
        def telling(before: Target, after: Target) -> Event:
            line = _line(after, said) + _against(after) + self._frozen(before, after)
            return Event(f"target:{after.id}", name, said.at, line)

        objection = self._cannot_be if looked_for else self._observed
        stored = self._acts.known(target)
        return self._set_going(self._acts.take(stored, act, telling, objection=objection, number=number))

    def _set_going(self, done: StoredTarget | Declined) -> Target | Declined:
        """Whoever died before this asks again, or the survey does it."""
        if isinstance(done, Declined):
            return done
        self._book.set_going(done)
        return done.record

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
