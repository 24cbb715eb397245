"""The steps around what somebody does to one target: refused, so already, told, written, and told if it came too late.

The line of the activity log is written before the record, so that nothing is done that is not told. Who dies between
the two has told of something that is not done; asking again tells it again, and does it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.domain.promotion.actions import Declined, moved_on
from shared.domain.promotion.target import Target, parts_of_target
from shared.errors import Conflict, MalformedRequest
from shared.ports import Activity, Event
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_TRIES = 3
TOO_LATE = "came-too-late"

# What somebody does: a pure function of the record, to a record or to a refusal.
Act = Callable[[Target], "Target | Declined"]
# What stands against it that no record says: given the record before and after.
Objection = Callable[[Target, Target], "Declined | None"]
# What is told of it: given the record before and after.
Telling = Callable[[Target, Target], Event]


def _nothing(before: Target, after: Target) -> Declined | None:
    del before, after
    return None


class Acts:
    """Does one thing to one target. What is so already is left as it is, and nothing is told anew.

    Args:
        book: where targets are.
        activity: the activity log.
    """

    def __init__(self, book: TargetBook, activity: Activity) -> None:
        self._book = book
        self._activity = activity

    def known(self, target: str) -> StoredTarget:
        """Return a target that may be acted on; one of an earlier base registry is shown, and left alone.

        Raises:
            InvalidReference: it is no target's id.
            MalformedRequest: 404, it is not there.
            ServiceError: storage could not be asked.
        """
        ours = parts_of_target(target)[0] == self._book.registry
        stored = self._book.targets.get(target) if ours else None
        if stored is None:
            raise MalformedRequest(f"there is no target {target!r}", status=404)
        return stored

    def take(
        self,
        stored: StoredTarget,
        act: Act,
        telling: Telling,
        *,
        objection: Objection = _nothing,
        number: int | None = None,
    ) -> StoredTarget | Declined:
        """Do something to a target, whoever else writes it meanwhile.

        Args:
            stored: the target, as it was read.
            act: what is done; applied again to what others wrote.
            telling: what is told of it. Where that has another name by the record that others wrote, it is told anew.
            objection: what stands against it beside its record; asked before anything is told.
            number: of the decision that whoever acts has seen; ``None`` if nobody says.

        Returns:
            The target from then on, the same if it was so already; or why it is refused.

        Raises:
            Conflict: others were faster every time.
            ServiceError: storage failed.
        """
        fenced = _fenced(act, number)
        for _ in range(_TRIES):
            first = fenced(stored.record)
            if isinstance(first, Declined) or first == stored.record:
                return first if isinstance(first, Declined) else stored
            if declined := objection(stored.record, first):
                return declined
            done = self._told_and_done(stored, first, fenced, telling)
            if done is not None:
                return done
            stored = self.known(stored.record.id)
        raise Conflict(f"{stored.record.id} changes too fast; ask again")

    def _told_and_done(
        self, stored: StoredTarget, first: Target, act: Act, telling: Telling
    ) -> StoredTarget | Declined | None:
        """Return what became of it; ``None`` where what was told is not what would be done by now."""
        event, last = telling(stored.record, first), list[Declined]()
        self._activity.append(event)

        def change(known: Target | None) -> Target | None:
            before = known or stored.record
            outcome = act(before)
            last[:] = [outcome] if isinstance(outcome, Declined) else []
            if isinstance(outcome, Declined) or outcome == before:
                return None if isinstance(outcome, Declined) else outcome
            return outcome if telling(before, outcome).name == event.name else None

        written = self._book.change(stored.record.id, change, stored)
        if written is not None or not last:
            return written
        self._activity.append(msgspec.structs.replace(event, name=TOO_LATE))
        return last[0]


def _fenced(act: Act, number: int | None) -> Act:
    """Whoever names the decision that was seen acts on no other; what is so already was perhaps done by the same."""

    def fenced(target: Target) -> Target | Declined:
        outcome = act(target)
        changes = isinstance(outcome, Target) and outcome != target
        return moved_on(target, number) if changes and number not in {None, target.number} else outcome

    return fenced
