"""Find the application tasks that are built on a base image that moved, and make a rebuild of each, once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from shared.domain.events.messages import REBUILDS, BaseMoved
from shared.domain.promotion.rebuilds import (
    OWN_TRIGGER_LOOK,
    WITHOUT_RIGHT,
    ApplicationTask,
    Dependency,
    Rebuild,
    RebuildStatus,
    depends_on,
    follow,
)
from shared.domain.promotion.reconciling import alarmed, bore_before, passes_by, scheduled, was_searched
from shared.domain.promotion.schedule import LAG_LOOKS, most_attempts, pause_before_retry
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import ServiceError
from shared.ports import Outbox, Registry
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.run_ports import Runs

log = logging.getLogger("tidegate.dependants")


class DependantSearch:
    """Finds what depends on a base image.

    Args:
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        runs: ACR Tasks of the application registries, by the registry's name.
        outbox: where a signal is sent that is to be worked on later.
        base: the base registry, to tell a signal that came late.
        base_login_server: as application tasks name the base registry.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        runs: Mapping[str, Runs],
        outbox: Outbox,
        base: Registry,
        base_login_server: str,
    ) -> None:
        self._progress = progress
        self._book = book
        self._runs = runs
        self._outbox = outbox
        self._base = base
        self._login_server = base_login_server

    def take(self, message: BaseMoved) -> None:
        """Find what a signal asks for; while a registry does not answer, try again ever more rarely.

        Raises:
            ServiceError: trying again cannot help, or did not help often enough; the message dies and is kept.
        """
        try:
            self.find(message)
        except ServiceError as error:
            attempt = message.attempt + 1
            if not error.temporary or attempt >= most_attempts(error):
                raise
            log.warning("what is built on %s:%s is looked for later: %s", message.repository, message.tag, error)
            again = msgspec.structs.replace(message, attempt=attempt)
            self._outbox.send(REBUILDS, again, pause_before_retry(attempt, error.retry_after))

    def find(self, message: BaseMoved) -> int:
        """Make a rebuild of every task that is built on the tag that moved; a second signal makes none.

        Returns:
            How many tasks are to be rebuilt.

        Raises:
            ServiceError: a registry did not answer; nothing is lost if it is asked again.
        """
        target = self._book.of(message.repository, message.tag)
        if target is not None and passes_by(target, message.digest):
            self._alarm(target, message.digest)
            return 0
        dependent = tuple(task for runs in self._runs.values() for task in runs.tasks() if self._depends(task, message))
        decided = target if target is not None and target.wanted == message.digest else None
        found = self._base.digest(message.repository, message.tag) if dependent else message.digest
        if found != message.digest:
            if not self._is_late(message, target, found):
                return 0
            dependent = ()
        for task in dependent:
            self._want(task, message, decided)
        if decided is not None:
            self._searched(decided)
        log.info("%d tasks are built on %s:%s", len(dependent), message.repository, message.tag)
        return len(dependent)

    def _alarm(self, target: Target, digest: Digest) -> None:
        """What is wanted instead has a signal of its own, once the tag is read and put right."""
        log.info("%s is %s only for now", target.id, digest)
        now = self._book.clock()
        read = self._book.change(
            target.id, lambda known: scheduled(alarmed(known, digest, now), now) if known else None
        )
        if read is not None and read.record.importing is None:
            self._book.send(read.record)

    def _searched(self, target: Target) -> None:
        """Its target would have the search made again if it were not told."""
        now = self._book.clock()
        self._book.change(
            target.id, lambda known: scheduled(was_searched(known, target.number), now) if known else None
        )

    def _depends(self, task: ApplicationTask, message: BaseMoved) -> bool:
        return depends_on(task, self._login_server, message.repository, message.tag) is not None

    def _is_late(self, message: BaseMoved, target: Target | None, found: Digest | None) -> bool:
        """Whether a signal came late or again; if not, the registry may have been read at a replica that lags.

        Then it is looked at again for some minutes. If the tag has moved on since, the newer digest has a signal of
        its own. What came into force after it, by its target's record, is no lag.
        """
        looks, where = message.looks + 1, f"{message.repository}:{message.tag}"
        replaced = target is not None and found == target.seen and bore_before(target, message.digest)
        if looks >= LAG_LOOKS or replaced:
            log.info("signal-late: %s is %s by now, not %s", where, found, message.digest)
            return True
        log.info("replica-lags: %s is %s, not %s; it is looked at again", where, found, message.digest)
        self._outbox.send(REBUILDS, msgspec.structs.replace(message, looks=looks), pause_before_retry(looks))
        return False

    def _want(self, task: ApplicationTask, message: BaseMoved, target: Target | None) -> None:
        rebuild = self._new(task, message, target)
        if self._progress.insert(rebuild):
            self._progress.send(rebuild, rebuild.look_at - self._progress.clock())
        else:
            self._meet(rebuild)

    def _meet(self, rebuild: Rebuild) -> None:
        """Whoever made it may have died before sending its message; and a right that was missing may have come."""
        stored = self._progress.records.get(rebuild.id)
        if stored is not None and stored.record.status is RebuildStatus.WANTED:
            self._progress.send(stored.record)
        elif stored is not None and stored.record.status in WITHOUT_RIGHT:
            now = self._progress.clock()
            pause, detail = rebuild.look_at - now, rebuild.detail
            self._progress.save(
                stored, follow(stored.record, rebuild.status, now, pause=pause, since=now, detail=detail)
            )

    def _new(self, task: ApplicationTask, message: BaseMoved, target: Target | None) -> Rebuild:
        """Whichever signal came first, the webhook's or the promotion's: the trace is the target's."""
        now = self._progress.clock()
        dependency = depends_on(task, self._login_server, message.repository, message.tag)
        status, detail, pause = _first(task, dependency, message.digest)
        return Rebuild(
            registry=task.registry,
            task=task.name,
            task_id=task.resource_id,
            base_repository=message.repository,
            base_tag=message.tag,
            base_digest=message.digest,
            decision=target.number if target else 0,
            generation=0,
            status=status,
            detail=detail,
            look_at=now + pause,
            since=now,
            traceparent=(target and target.traceparent) or message.traceparent,
        )


def _first(task: ApplicationTask, built_on: Dependency | None, digest: str) -> tuple[RebuildStatus, str, timedelta]:
    if built_on is not None and built_on.digest == digest:
        return RebuildStatus.UP_TO_DATE, "the task was already built on this digest", timedelta(0)
    if not task.enabled:
        return RebuildStatus.FAILED, "the task is disabled: enable it and run it to build on the new base", timedelta(0)
    if task.own_trigger and (built_on is None or built_on.watched):
        return RebuildStatus.LEFT_TO_ACR, "the task's own base image trigger is on", OWN_TRIGGER_LOOK
    return RebuildStatus.WANTED, "", timedelta(0)
