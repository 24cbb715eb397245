"""Rerun the application tasks that are built on a base image that moved, each once, and follow them to their end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from shared.domain.events.messages import REBUILDS, BaseMoved, LookAtRebuild
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.rebuilds import (
    OWN_TRIGGER_GRACE,
    OWN_TRIGGER_LOOK,
    WITHOUT_RIGHT,
    ApplicationTask,
    Dependency,
    Rebuild,
    RebuildStatus,
    depends_on,
    follow,
    is_overtaken,
    may_be_built,
    outcome,
    put_off_rebuild,
    rebuild_run_name,
    task_prefix,
    without_us,
)
from shared.domain.promotion.reconciling import alarmed, bore_before, passes_by, scheduled, was_searched
from shared.domain.promotion.schedule import (
    LAG_LOOKS,
    LEASE,
    LONGEST_LOOK,
    MOST_RUNS,
    most_attempts,
    pause_before_look,
    pause_before_retry,
)
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import MayNotRun, Refused, ServiceError
from shared.ports import Activity, Event, Evidence, Outbox, Registry, Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.run_ports import Run, Runs

log = logging.getLogger("tidegate.rebuild")


class Rebuilder:
    """Finds what depends on a base image and rebuilds it.

    Args:
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        runs: ACR Tasks of the application registries, by the registry's name.
        evidence: where the log of a failed run is kept.
        outbox: where a signal is sent that is to be worked on later.
        base: the base registry, to tell a signal that came late.
        base_login_server: as application tasks name the base registry.
        activity: is told of tasks that the app's identity may not run.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        runs: Mapping[str, Runs],
        evidence: Evidence,
        outbox: Outbox,
        base: Registry,
        base_login_server: str,
        activity: Activity,
    ) -> None:
        self._progress = progress
        self._book = book
        self._runs = runs
        self._evidence = evidence
        self._outbox = outbox
        self._base = base
        self._login_server = base_login_server
        self._activity = activity

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

    def look(self, message: LookAtRebuild) -> None:
        """Do the next thing about a rebuild."""
        stored = self._progress.held(message.rebuild, message.step)
        if stored is None:
            return
        try:
            self._step(stored)
        except ServiceError as error:
            self._put_off(message, error)

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

    def _step(self, stored: Stored[Rebuild]) -> None:
        status = stored.record.status
        if status is RebuildStatus.WANTED:
            self._begin(stored)
        elif status is RebuildStatus.LEFT_TO_ACR:
            self._look_at_own_trigger(stored)
        elif status is RebuildStatus.RUNNING:
            self._look_at_run(stored)

    def _begin(self, stored: Stored[Rebuild]) -> None:
        """A run that starts builds on what the base is then, so one that would come too late or too early waits."""
        rebuild = stored.record
        others = self._others(rebuild)
        if is_overtaken(rebuild, self._book.of(rebuild.base_repository, rebuild.base_tag)):
            detail = f"{rebuild.base_repository}:{rebuild.base_tag} moved on before the run began"
            self._end(stored, RebuildStatus.OVERTAKEN, detail)
        elif any(other.status is RebuildStatus.RUNNING for other in others):
            self._progress.again(stored, LONGEST_LOOK)
        elif may_be_built(rebuild, others) and self._is_built(rebuild):
            detail = "a run that began meanwhile built it on this digest"
            self._end(stored, RebuildStatus.UP_TO_DATE, detail)
        else:
            self._start(stored)

    def _end(self, stored: Stored[Rebuild], status: RebuildStatus, detail: str) -> None:
        ended = follow(stored.record, status, self._progress.clock(), pause=timedelta(0), detail=detail)
        self._progress.save(stored, ended)

    def _others(self, rebuild: Rebuild) -> tuple[Rebuild, ...]:
        found = self._progress.records.current(task_prefix(rebuild))
        return tuple(one.record for one in found if one.record.id != rebuild.id)

    def _start(self, stored: Stored[Rebuild]) -> None:
        rebuild = stored.record
        now = self._progress.clock()
        started = follow(rebuild, RebuildStatus.RUNNING, now, pause=LEASE, runs=rebuild.runs + 1, detail="")
        claimed = self._progress.claim(stored, started)
        if claimed is not None:
            self._runs_of(rebuild).start_task(rebuild_run_name(started), rebuild.task_id)
            self._progress.again(claimed, pause_before_look(timedelta(0)))

    def _look_at_own_trigger(self, stored: Stored[Rebuild]) -> None:
        rebuild = stored.record
        now = self._progress.clock()
        if self._is_built(rebuild):
            detail = "ACR's own base image trigger rebuilt it; switch that trigger off to leave reruns to Tidegate"
            self._progress.save(stored, follow(rebuild, RebuildStatus.UP_TO_DATE, now, pause=LEASE, detail=detail))
        elif now - rebuild.since < OWN_TRIGGER_GRACE:
            self._progress.again(stored, OWN_TRIGGER_LOOK)
        else:
            detail = "ACR's own base image trigger did not rebuild it"
            wanted = follow(rebuild, RebuildStatus.WANTED, now, pause=timedelta(0), detail=detail)
            self._progress.save(stored, wanted)

    def _is_built(self, rebuild: Rebuild) -> bool:
        dependency, _ = self._as_it_is(rebuild)
        return dependency is not None and dependency.digest == rebuild.base_digest

    def _as_it_is(self, rebuild: Rebuild) -> tuple[Dependency | None, bool]:
        """What the task is built on by now, and whether its own trigger is on."""
        for task in self._runs_of(rebuild).tasks():
            if task.name.lower() == rebuild.task.lower():
                dependency = depends_on(task, self._login_server, rebuild.base_repository, rebuild.base_tag)
                return dependency, task.own_trigger
        return None, False

    def _look_at_run(self, stored: Stored[Rebuild]) -> None:
        rebuild = stored.record
        runs = self._runs_of(rebuild)
        name = rebuild_run_name(rebuild)
        run = runs.find(name) or runs.start_task(name, rebuild.task_id)
        if run.status in UNDER_WAY:
            self._progress.again(stored, pause_before_look(self._progress.clock() - rebuild.since))
        else:
            self._conclude(stored, run, runs)

    def _runs_of(self, rebuild: Rebuild) -> Runs:
        runs = self._runs.get(rebuild.registry)
        if runs is None:
            raise Refused(f"{rebuild.registry} is not in APPLICATION_REGISTRY_IDS any more, so its tasks are not run")
        return runs

    def _conclude(self, stored: Stored[Rebuild], run: Run, runs: Runs) -> None:
        rebuild = stored.record
        end = outcome(run.status) or (RebuildStatus.FAILED if rebuild.runs >= MOST_RUNS else RebuildStatus.WANTED)
        if run.status is not RunStatus.SUCCEEDED:
            self._evidence.keep(rebuild.id, f"rebuild-{rebuild.runs}.log", runs.log(run.run_id).encode())
        pause = timedelta(0) if end is not RebuildStatus.WANTED else pause_before_retry(rebuild.runs)
        detail = f"run {run.run_id} ended as {run.status.value} ({rebuild.runs} of at most {MOST_RUNS})"
        now = self._progress.clock()
        self._progress.save(stored, follow(rebuild, end, now, pause=pause, run_id=run.run_id, detail=detail))

    def _put_off(self, message: LookAtRebuild, error: ServiceError) -> None:
        """Read the record again: the step that failed may have claimed it."""
        stored = self._progress.records.get(message.rebuild)
        if stored is None or stored.record.step not in {message.step, message.step + 1}:
            return
        if isinstance(error, MayNotRun) and stored.record.failures + 1 >= most_attempts(error):
            self._do_without(stored, error)
        else:
            self._progress.save(stored, put_off_rebuild(stored.record, error, self._progress.clock()))

    def _do_without(self, stored: Stored[Rebuild], refusal: MayNotRun) -> None:
        """Say who rebuilds a task that the app's identity may not run; the next signal finds out anew."""
        rebuild, now = stored.record, self._progress.clock()
        try:
            status, meaning = without_us(rebuild, *self._as_it_is(rebuild))
        except ServiceError as error:
            self._progress.save(stored, put_off_rebuild(rebuild, error, now))
            return
        detail = f"{meaning}; {refusal}"
        if status in WITHOUT_RIGHT:
            self._activity.append(Event(f"task:{rebuild.registry}/{rebuild.task}", "task-not-permitted", now, detail))
        self._progress.save(stored, follow(rebuild, status, now, pause=timedelta(0), detail=detail))


def _first(task: ApplicationTask, built_on: Dependency | None, digest: str) -> tuple[RebuildStatus, str, timedelta]:
    if built_on is not None and built_on.digest == digest:
        return RebuildStatus.UP_TO_DATE, "the task was already built on this digest", timedelta(0)
    if not task.enabled:
        return RebuildStatus.FAILED, "the task is disabled: enable it and run it to build on the new base", timedelta(0)
    if task.own_trigger and (built_on is None or built_on.watched):
        return RebuildStatus.LEFT_TO_ACR, "the task's own base image trigger is on", OWN_TRIGGER_LOOK
    return RebuildStatus.WANTED, "", timedelta(0)
