"""A rebuild of a task for a base that moved is made once, whichever signal comes first, and sent until it has begun."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.missing import new_rebuild
from shared.domain.promotion.rebuilds import WITHOUT_RIGHT, ApplicationTask, Rebuild, RebuildStatus, follow
from shared.domain.promotion.target import Target
from shared.rules.progress import Progress


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
        rebuild = self._new(task, message, target)
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

    def _new(self, task: ApplicationTask, message: BaseMoved, target: Target | None) -> Rebuild:
        """Whichever signal came first, the webhook's or the promotion's: the trace is the target's."""
        new = new_rebuild(task, message.repository, message.tag, message.digest, target, self._progress.clock())
        return new if new.traceparent else msgspec.structs.replace(new, traceparent=message.traceparent)
