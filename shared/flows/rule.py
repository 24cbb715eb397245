"""What a person says of a digest or an entry, whatever targets there are: kept for itself, then told to the targets.

The ruling is written first. A target that decides looks at it, so it holds from then on; the targets that know of its
subject are told one by one, and if that breaks off the sweep goes on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import msgspec

from shared.domain.promotion.actions import place
from shared.domain.promotion.rulings import Kind, Ruling, concerns, told
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import Conflict, MalformedRequest, ServiceError
from shared.ports import Activity, Event
from shared.rules.targets import TargetBook
from shared.target_ports import Rulings, StoredRuling, StoredTarget

log = logging.getLogger("tidegate.rule")

_TRIES = 3
_NAMES = {
    (Kind.BLOCK, True): "blocked",
    (Kind.BLOCK, False): "released",
    (Kind.HOLD, True): "held",
    (Kind.HOLD, False): "resumed",
}
_SUBJECTS = {Kind.BLOCK: "digest", Kind.HOLD: "image"}


class Ruled(msgspec.Struct, frozen=True):
    """What is said from now on, and the targets it was told to, as they are now."""

    ruling: Ruling
    targets: tuple[Target, ...]


class Ruler:
    """Says something of digests and entries, in every base registry. What is so already stays as it was said first.

    Every method raises ``ServiceError`` or ``Conflict`` where storage fails; asking again goes on where that broke off.
    A target that cannot be read keeps no other one from being told; it is raised after them, and the ruling stays open.

    Args:
        rulings: where it is kept.
        book: where targets are.
        activity: the activity log.
        blocked: is told of every target that refuses a digest; what nobody else takes need not be tested.
    """

    def __init__(
        self,
        rulings: Rulings,
        book: TargetBook,
        activity: Activity,
        blocked: Callable[[Target, Digest], None],
    ) -> None:
        self._rulings = rulings
        self._blocked = blocked
        self._book = book
        self._activity = activity

    def block(self, digest: Digest, said: Said) -> Ruled:
        """Refuse a digest from now on, wherever it comes from."""
        return self._say(Kind.BLOCK, digest, said, in_force=True)

    def release(self, digest: Digest, said: Said) -> Ruled:
        """Refuse a digest no more.

        Raises:
            MalformedRequest: 404, it was never blocked.
        """
        return self._say(Kind.BLOCK, digest, said, in_force=False)

    def hold(self, image: str, said: Said, *, listed: bool) -> Ruled:
        """Decide nothing any more for an entry's targets, and those that it will have.

        Args:
            image: the entry's name.
            said: who says so, why and when.
            listed: whether the watch list has it.

        Raises:
            MalformedRequest: 404, neither the watch list nor any target knows the entry.
        """
        if not listed and not any(one.record.origin.image == image for one in self._every()):
            raise MalformedRequest(f"neither the watch list nor any target knows an entry named {image!r}", status=404)
        return self._say(Kind.HOLD, image, said, in_force=True)

    def resume(self, image: str, said: Said) -> Ruled:
        """Decide again for an entry's targets.

        Raises:
            MalformedRequest: 404, it was never held.
        """
        return self._say(Kind.HOLD, image, said, in_force=False)

    def finish(self) -> int:
        """Tell the targets what somebody who died left untold; return how many rulings that were.

        One that somebody changes meanwhile stays open until the next sweep, if they don't tell it to the end.
        """
        left = [one for one in self._rulings.every() if one.open]
        unreadable: list[ServiceError] = []
        for ruling in left:
            stored = self._rulings.get(ruling.kind, ruling.subject)
            try:
                if stored is not None:
                    self._tell(stored)
            except Conflict as error:
                log.info("sweep: %s %s is told by the next one: %s", ruling.kind.value, ruling.subject, error)
            except ServiceError as error:
                _keep(unreadable, error)
        if unreadable:
            raise unreadable[0]
        return len(left)

    def _say(self, kind: Kind, subject: str, said: Said, *, in_force: bool) -> Ruled:
        known = self._rulings.get(kind, subject)
        if known is None and not in_force:
            raise MalformedRequest(f"nobody ever said anything of {_SUBJECTS[kind]} {subject}", status=404)
        if known is None or known.ruling.in_force is not in_force:
            name = _NAMES[kind, in_force]
            self._activity.append(
                Event(f"{_SUBJECTS[kind]}:{subject}", name, said.at, f"{subject} is {name}, says {said.by}: {said.why}")
            )
            known = self._rulings.put(known, Ruling(kind, subject, said, in_force))
        return self._tell(known)

    def _tell(self, stored: StoredRuling) -> Ruled:
        """Tell all targets, and once more if somebody said otherwise meanwhile: the last word is told last."""
        for _ in range(_TRIES):
            told_to = [
                self._tell_one(one, stored.ruling) for one in self._every() if concerns(stored.ruling, one.record)
            ]
            targets = tuple(one for one in told_to if self._is_in_force(one))
            closed = msgspec.structs.replace(stored.ruling, open=False)
            try:
                return Ruled(self._rulings.put(stored, closed).ruling, targets)
            except Conflict:
                stored = self._rulings.get(closed.kind, closed.subject) or stored
        raise Conflict(f"too much is said of {stored.ruling.subject} at once; the sweep goes on with it")

    def _tell_one(self, stored: StoredTarget, ruling: Ruling) -> Target:
        stored = (
            self._book.change(stored.record.id, lambda known: told(known, ruling) if known else None, stored) or stored
        )
        target = stored.record
        if not self._is_in_force(target):
            return target
        if ruling.in_force and target.why is Why.WITHDRAWN:
            detail = f"{place(target)} is left as it is: {ruling.subject} is blocked, and nothing else can be had"
            self._activity.append(Event(f"target:{target.id}", target.why.value, ruling.said.at, detail))
        self._book.set_going(stored)
        if ruling.kind is Kind.BLOCK:
            self._wanted_or_not(target, ruling)
        return target

    def _wanted_or_not(self, target: Target, ruling: Ruling) -> None:
        """What nobody takes is tested no more, and what may be taken again is looked after at once."""
        if ruling.in_force:
            self._blocked(target, Digest(ruling.subject))
        elif target.awaited is not None:
            self._book.wake(target)

    def _every(self) -> Iterator[StoredTarget]:
        """Those of former base registries, too: one that takes its place goes on from them, or it returns itself."""
        registries = {self._book.registry} | {name for name, _ in self._book.targets.repositories()}
        unreadable: list[ServiceError] = []
        for name in sorted(registries):
            try:
                yield from self._book.targets.every(name)
            except ServiceError as error:
                _keep(unreadable, error)
        if unreadable:
            raise unreadable[0]

    def _is_in_force(self, target: Target) -> bool:
        return target.registry == self._book.registry


def _keep(unreadable: list[ServiceError], error: ServiceError) -> None:
    """What is permanent waits until all others were told; what is temporary ends it."""
    if error.temporary:
        raise error
    unreadable.append(error)
