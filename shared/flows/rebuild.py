"""Follow one rebuild: run its application task once, and see the run to its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.chains import built_on, with_built
from shared.domain.promotion.rebuilds import (
    OWN_TRIGGER_GRACE,
    OWN_TRIGGER_LOOK,
    WITHOUT_RIGHT,
    ApplicationTask,
    Dependency,
    EndKind,
    Rebuild,
    RebuildStatus,
    follow,
    outcome,
    put_off_rebuild,
    rebuild_run_name,
    registry_prefix,
    task_prefix,
    without_us,
)
from shared.domain.promotion.schedule import (
    LEASE,
    LONGEST_LOOK,
    LONGEST_WAIT,
    MOST_RUNS,
    SHORTEST_LOOK,
    most_attempts,
    pause_before_retry,
)
from shared.domain.promotion.turns import WITHDRAWN, ahead_of, failed_alike, is_overtaken, pause_of, waits_for_canary
from shared.domain.promotion.usual_times import rebuild_kind
from shared.errors import MayNotRun, Paced, Refused, ServiceError
from shared.ports import Activity, Event, Evidence, Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.rules.timekeeping import Timekeeper
from shared.run_ports import Run, Runs
from shared.wave_ports import Rolls

log = logging.getLogger("tidegate.rebuild")


class Rebuilder:
    """Rebuilds what was found to be built on a base image.

    Args:
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        runs: ACR Tasks of the application registries, by the registry's name.
        evidence: where the log of a failed run is kept.
        base_login_server: as application tasks name the base registry.
        activity: is told of tasks that the app's identity may not run.
        most: how many rebuilds run at once in a registry.
        waves: knows which of them go on.
        times: knows how long runs usually take.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        runs: Mapping[str, Runs],
        evidence: Evidence,
        base_login_server: str,
        activity: Activity,
        most: int,
        waves: Rolls,
        times: Timekeeper,
    ) -> None:
        self._times = times
        self._waves = waves
        self._progress = progress
        self._book = book
        self._runs = runs
        self._evidence = evidence
        self._login_server = base_login_server
        self._activity = activity
        self._most = most

    def look(self, stored: Stored[Rebuild]) -> None:
        """Do the next thing about a rebuild.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        try:
            self._step(stored)
        except ServiceError as error:
            self._put_off(stored.record, error)

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
        around = self._around(rebuild)
        others = _of_task(rebuild, around)
        if is_overtaken(rebuild, self._book.of(rebuild.base_repository, rebuild.base_tag)):
            detail = f"{rebuild.base_repository}:{rebuild.base_tag} moved on before the run began"
            self._end(stored, RebuildStatus.OVERTAKEN, detail)
        elif _is_running(others) or waits_for_canary(rebuild, others):
            self._progress.again(stored, LONGEST_LOOK)
        elif (ahead := ahead_of(rebuild, around)) >= self._most:
            self._wait(stored, ahead)
        else:
            self._start_unless_built(stored, None if rebuild.canary else failed_alike(rebuild, others))

    def _wait(self, stored: Stored[Rebuild], ahead: int) -> None:
        """Whoever has more before it looks more rarely, so that hundreds that wait do not read each other all day."""
        rebuild, now = stored.record, self._progress.clock()
        pause = min(LONGEST_LOOK * (ahead // self._most), LONGEST_WAIT)
        detail = f"waits for its turn: at most {self._most} rebuilds run at once in {rebuild.registry}"
        if rebuild.detail == detail:
            self._progress.again(stored, pause)
        else:
            self._progress.save(stored, follow(rebuild, RebuildStatus.WANTED, now, pause=pause, detail=detail))

    def _start_unless_built(self, stored: Stored[Rebuild], failed: Rebuild | None) -> None:
        """The task is read just before its run: whoever built it meanwhile, another run would build nothing new."""
        rebuild = stored.record
        task = self._runs_of(rebuild).task(rebuild.task)
        dependency = self._dependency(task, rebuild)
        if task is None:
            self._end(stored, RebuildStatus.FAILED, "the task is gone")
        elif not rebuild.anew and dependency is not None and dependency.digest == rebuild.base_digest:
            detail, between = "the task is built on this digest by now", with_built(task, rebuild)
            self._end(stored, RebuildStatus.UP_TO_DATE, detail, middles=between)
        elif self._is_left_to_acr(rebuild, task, dependency):
            detail = "the task's own base image trigger is on"
            now = self._progress.clock()
            left = follow(rebuild, RebuildStatus.LEFT_TO_ACR, now, pause=OWN_TRIGGER_LOOK, detail=detail)
            self._progress.save(stored, left)
        elif not task.enabled:
            detail = "the task is disabled: enable it and run it to build on the new base"
            self._end(stored, RebuildStatus.FAILED, detail)
        elif failed is not None:
            detail = f"run {failed.run_id}, which began after this base had moved, built on it and failed: {failed.id}"
            self._end(stored, RebuildStatus.FAILED, detail, EndKind.BUILD)
        elif self._waves.called_off(rebuild.wave):
            self._end(stored, RebuildStatus.WITHDRAWN, WITHDRAWN)
        else:
            self._start(stored)

    def _end(
        self, stored: Stored[Rebuild], status: RebuildStatus, detail: str, by: EndKind = EndKind.PLATFORM, **known: Any
    ) -> None:
        now = self._progress.clock()
        ended = follow(stored.record, status, now, pause=timedelta(0), detail=detail, ended_by=by, **known)
        self._progress.save(stored, ended)

    def _around(self, rebuild: Rebuild) -> tuple[Rebuild, ...]:
        """The other current rebuilds of its registry; one that cannot be read ends none of the others."""
        others: list[Rebuild] = []
        try:
            found = self._progress.records.current(registry_prefix(rebuild))
            others.extend(one.record for one in found if one.record.id != rebuild.id)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("%s goes on without what cannot be read of %s: %s", rebuild.id, rebuild.registry, error)
        return tuple(others)

    def _is_left_to_acr(self, rebuild: Rebuild, task: ApplicationTask, built_on: Dependency | None) -> bool:
        in_time = self._progress.clock() - rebuild.since < OWN_TRIGGER_GRACE
        left = task.own_trigger and (built_on is None or built_on.watched) and not rebuild.anew
        return in_time and task.enabled and left

    def _start(self, stored: Stored[Rebuild]) -> None:
        now, runs = self._progress.clock(), stored.record.runs + 1
        asked = {"runs": runs, "asked_at": now, "live_run": "", "detail": ""}
        self._schedule(stored, follow(stored.record, RebuildStatus.RUNNING, now, pause=LEASE, **asked))

    def _schedule(self, stored: Stored[Rebuild], started: Rebuild) -> None:
        """Claim a run before it is scheduled: under its name it is one, but after a failure it would be another.

        Two rebuilds of one task, or one too many, may be claimed at the same moment. Each is written before the others
        are read, so that at least one sees the other, and goes back.
        """
        self._runs_of(started).take_task_turn()
        claimed = self._progress.claim(stored, started)
        if claimed is None:
            return
        running = tuple(one for one in self._around(started) if one.status is RebuildStatus.RUNNING)
        if _of_task(started, running) or len(running) >= self._most:
            self._go_back(claimed, running)
        else:
            run = self._runs_of(started).start_task(rebuild_run_name(started), started.task_id)
            self._again(claimed, run, self._pause(started, timedelta(0)))

    def _pause(self, rebuild: Rebuild, running_for: timedelta) -> timedelta:
        return pause_of(rebuild, running_for, self._times.usual(rebuild_kind(rebuild.registry)))

    def _again(self, stored: Stored[Rebuild], run: Run, pause: timedelta) -> None:
        """Look at a run again, by its id from when it is known: so it is looked at with all others."""
        self._progress.again(stored, pause, live_run=run.run_id or stored.record.live_run)

    def _go_back(self, claimed: Stored[Rebuild], running: tuple[Rebuild, ...]) -> None:
        """The name of the run that was not scheduled is used again. Of two that both go back one comes first."""
        rebuild = claimed.record
        first = all(rebuild.id < other.id for other in running)
        pause = SHORTEST_LOOK if first else LONGEST_LOOK
        detail = "waits for a run that was claimed at the same moment"
        waits = follow(
            rebuild, RebuildStatus.WANTED, self._progress.clock(), pause=pause, runs=rebuild.runs - 1, detail=detail
        )
        self._progress.save(claimed, waits)

    def _look_at_own_trigger(self, stored: Stored[Rebuild]) -> None:
        rebuild = stored.record
        now = self._progress.clock()
        task = self._runs_of(rebuild).task(rebuild.task)
        if self._is_built(task, rebuild):
            detail = "ACR's own base image trigger rebuilt it; switch that trigger off to leave reruns to Tidegate"
            known = {"detail": detail, "middles": with_built(task, rebuild)}
            self._progress.save(stored, follow(rebuild, RebuildStatus.UP_TO_DATE, now, pause=LEASE, **known))
        elif now - rebuild.since < OWN_TRIGGER_GRACE:
            self._progress.again(stored, OWN_TRIGGER_LOOK)
        else:
            detail = "ACR's own base image trigger did not rebuild it"
            wanted = follow(rebuild, RebuildStatus.WANTED, now, pause=timedelta(0), detail=detail)
            self._progress.save(stored, wanted)

    def _is_built(self, task: ApplicationTask | None, rebuild: Rebuild) -> bool:
        dependency = self._dependency(task, rebuild)
        return dependency is not None and dependency.digest == rebuild.base_digest

    def _as_it_is(self, rebuild: Rebuild) -> tuple[Dependency | None, bool]:
        """What the task is built on by now, and whether its own trigger is on."""
        task = self._runs_of(rebuild).task(rebuild.task)
        return self._dependency(task, rebuild), task is not None and task.own_trigger

    def _dependency(self, task: ApplicationTask | None, rebuild: Rebuild) -> Dependency | None:
        return built_on(task, rebuild, self._login_server)

    def _look_at_run(self, stored: Stored[Rebuild]) -> None:
        """Whoever claimed the run may have died before scheduling it."""
        rebuild, now = stored.record, self._progress.clock()
        runs = self._runs_of(rebuild)
        run = (rebuild.live_run and runs.look(rebuild.live_run)) or runs.find(rebuild_run_name(rebuild))
        if run is None:
            self._schedule(stored, follow(rebuild, RebuildStatus.RUNNING, now, pause=LEASE, asked_at=now, live_run=""))
        elif run.status in UNDER_WAY:
            self._again(stored, run, self._pause(rebuild, now - (rebuild.asked_at or rebuild.since)))
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
        if run.status is RunStatus.SUCCEEDED and rebuild.asked_at is not None:
            self._times.took(rebuild_kind(rebuild.registry), self._progress.clock() - rebuild.asked_at)
        now, by = self._progress.clock(), EndKind.BUILD if outcome(run.status) else EndKind.PLATFORM
        told = {"run_id": run.run_id, "detail": detail, "ended_by": by, **self._reported(rebuild, end)}
        self._progress.save(stored, follow(rebuild, end, now, pause=pause, **told))

    def _reported(self, rebuild: Rebuild, end: RebuildStatus) -> dict[str, Any]:
        """What a wave goes by: the registry says on what a run that succeeded was built.

        It is asked of canaries, and of whoever is built on images between. Of all others the tag says it.
        """
        asked = bool(rebuild.wave) and (rebuild.canary or bool(rebuild.middles))
        if not asked or end is not RebuildStatus.SUCCEEDED:
            return {}
        task = self._runs_of(rebuild).task(rebuild.task)
        dependency = self._dependency(task, rebuild)
        known = dependency.digest if dependency is not None else ""
        return {"reported": known, "middles": with_built(task, rebuild)}

    def _put_off(self, before: Rebuild, error: ServiceError) -> None:
        """Read the record again: the step that failed may have claimed it."""
        stored = self._progress.records.get(before.id)
        if stored is None or stored.record.step not in {before.step, before.step + 1}:
            return
        if isinstance(error, Paced) and stored.record == before:
            raise error
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


def _is_running(others: Iterable[Rebuild]) -> bool:
    return any(other.status is RebuildStatus.RUNNING for other in others)


def _of_task(rebuild: Rebuild, others: Iterable[Rebuild]) -> tuple[Rebuild, ...]:
    return tuple(other for other in others if other.id.startswith(task_prefix(rebuild)))
