"""A rebuild of a task for a base that moved is made once, whichever signal comes first, and sent until it has begun."""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec

from shared.domain.dispatch.builds import new_dispatch
from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.missing import new_rebuild
from shared.domain.promotion.rebuilds import WITHOUT_RIGHT, ApplicationTask, Rebuild, RebuildStatus, follow
from shared.domain.promotion.target import Target
from shared.rules.progress import Progress
from shared.wave_ports import BuiltElsewhere

log = logging.getLogger("tidegate.dependants")


class WantedRebuilds:
    """Makes rebuilds.

    Args:
        progress: where they are kept and how they go on.
    """

    def __init__(self, progress: Progress[Rebuild]) -> None:
        self._progress = progress

    def want(self, task: ApplicationTask, message: BaseMoved, target: Target | None) -> None:
        """Make the rebuild of a task that a signal calls for, unless it is there.

        Args:
            task: what is to be run.
            message: the signal.
            target: whose decision it follows; ``None`` for what others pushed.

        Raises:
            ServiceError: the storage account did not answer; wanting it again makes no second one.
        """
        self._want(self._traced(self._new(task, message, target), message), message)

    def want_elsewhere(self, one: BuiltElsewhere, message: BaseMoved, target: Target | None) -> None:
        """Make the rebuild of what somebody else builds, unless it is there.

        Args:
            one: what is to be built, by whom.
            message: the signal that calls for it.
            target: whose decision it follows; ``None`` for what others pushed.

        Raises:
            ServiceError: the storage account did not answer; wanting it again makes no second one.
        """
        if one.kind is None:
            log.warning("%s is not asked for: the settings name no %s", one.id, one.dispatcher)
            return
        base, now = (message.repository, message.tag, message.digest), self._progress.clock()
        new = new_dispatch(one.kind, one.dispatcher, one.place, base, target, now)
        self._want(self._traced(new, message), message)

    def _want(self, rebuild: Rebuild, message: BaseMoved) -> None:
        if self._progress.insert(rebuild):
            self._progress.wake(rebuild)
        elif not message.attempt and not message.again:
            self._meet(rebuild)

    def _meet(self, rebuild: Rebuild) -> None:
        """Whoever made it may have died before sending its message; and a right that was missing may have come."""
        stored = self._progress.records.get(rebuild.id)
        if stored is not None and stored.record.status is RebuildStatus.WANTED:
            self._progress.wake(stored.record)
        elif stored is not None and stored.record.status in WITHOUT_RIGHT:
            now = self._progress.clock()
            self._progress.save(
                stored, follow(stored.record, RebuildStatus.WANTED, now, pause=timedelta(0), since=now, detail="")
            )

    @staticmethod
    def _traced(new: Rebuild, message: BaseMoved) -> Rebuild:
        """Whichever signal came first, the webhook's or the promotion's: the trace is the target's."""
        return new if new.traceparent else msgspec.structs.replace(new, traceparent=message.traceparent)

    def _new(self, task: ApplicationTask, message: BaseMoved, target: Target | None) -> Rebuild:
        return new_rebuild(task, message.repository, message.tag, message.digest, target, self._progress.clock())
