"""Follow one rebuild: run its application task once, and see the run to its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import msgspec

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.chains import with_built
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
    without_us,
)
from shared.domain.promotion.schedule import (
    LEASE,
    MOST_RUNS,
    most_attempts,
    pause_before_retry,
)
from shared.domain.promotion.turns import next_look
from shared.domain.promotion.usual_times import rebuild_kind
from shared.errors import MayNotRun, Paced, ServiceError
from shared.ports import Activity, Event, Evidence, Stored
from shared.rules.progress import Progress
from shared.rules.rebuild_beginning import Beginning, Careful
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
        self._beginning = Beginning(progress, book, runs, base_login_server, most, waves, self._began)
        self._progress = progress
        self._evidence = evidence
        self._activity = activity

    def look(self, stored: Stored[Rebuild]) -> None:
        """Do the next thing about a rebuild.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        try:
            self._step(stored)
        except ServiceError as error:
            self._put_off(stored.record, error)

    def begin(self, waiting: Sequence[Stored[Rebuild]], careful: Careful, waits: Callable[[], bool]) -> None:
        """Begin rebuilds that wait, if their turn has come.

        Args:
            waiting: they, in their order.
            careful: made around all that is done about one.
            waits: whether nothing more is to begin for now.
        """

        @contextmanager
        def putting_off(stored: Stored[Rebuild]) -> Iterator[None]:
            with careful(stored):
                try:
                    yield
                except ServiceError as error:
                    self._put_off(stored.record, error)

        for registry in dict.fromkeys(one.record.registry for one in waiting):
            some = [one for one in waiting if one.record.registry == registry]
            self._beginning.begin(some, putting_off, waits)

    def _step(self, stored: Stored[Rebuild]) -> None:
        status = stored.record.status
        if status is RebuildStatus.WANTED:
            self._beginning.begin([stored], lambda _: nullcontext(), lambda: False)
        elif status is RebuildStatus.LEFT_TO_ACR:
            self._look_at_own_trigger(stored)
        elif status is RebuildStatus.RUNNING:
            self._look_at_run(stored)

    def _began(self, claimed: Stored[Rebuild], run: Run) -> None:
        self._again(claimed, run, timedelta(0))

    def _again(self, stored: Stored[Rebuild], run: Run, running_for: timedelta) -> None:
        """Look at a run again, by its id from when it is known: so it is looked at with all others."""
        rebuild, now = stored.record, self._progress.clock()
        usual = self._times.usual(rebuild_kind(rebuild.registry))
        known = {"look_at": next_look(rebuild, now, running_for, usual), "live_run": run.run_id or rebuild.live_run}
        self._progress.later(stored, msgspec.structs.replace(rebuild, **known))

    def _look_at_own_trigger(self, stored: Stored[Rebuild]) -> None:
        rebuild = stored.record
        now = self._progress.clock()
        task = self._beginning.runs_of(rebuild).task(rebuild.task)
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
        dependency = self._beginning.dependency(task, rebuild)
        return dependency is not None and dependency.digest == rebuild.base_digest

    def _as_it_is(self, rebuild: Rebuild) -> tuple[Dependency | None, bool]:
        """What the task is built on by now, and whether its own trigger is on."""
        task = self._beginning.runs_of(rebuild).task(rebuild.task)
        return self._beginning.dependency(task, rebuild), task is not None and task.own_trigger

    def _look_at_run(self, stored: Stored[Rebuild]) -> None:
        """Whoever claimed the run may have died before scheduling it."""
        rebuild, now = stored.record, self._progress.clock()
        runs = self._beginning.runs_of(rebuild)
        run = (rebuild.live_run and runs.look(rebuild.live_run)) or runs.find(rebuild_run_name(rebuild))
        if run is None:
            self._beginning.begin_at_last(stored)
        elif run.status in UNDER_WAY:
            self._again(stored, run, now - (rebuild.asked_at or rebuild.since))
        else:
            self._conclude(stored, run, runs)

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
        self._progress.later(stored, follow(rebuild, end, now, pause=pause, **told))

    def _reported(self, rebuild: Rebuild, end: RebuildStatus) -> dict[str, Any]:
        """What a wave goes by: the registry says on what a run that succeeded was built.

        It is asked of canaries, and of whoever is built on images between. Of all others the tag says it.
        """
        asked = bool(rebuild.wave) and (rebuild.canary or bool(rebuild.middles))
        if not asked or end is not RebuildStatus.SUCCEEDED:
            return {}
        task = self._beginning.runs_of(rebuild).task(rebuild.task)
        dependency = self._beginning.dependency(task, rebuild)
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
