"""Begin rebuilds that wait: some of one registry together, by the same reading of what is around them.

1. What is current in their registry is read, and of each is decided whether its turn has come.
2. Those are claimed, in one transaction. Who dies here leaves claims whose time passes; then their runs are looked for.
3. What runs in their registry is read once more: of two that were claimed at one moment each sees the other.
4. The run of each is scheduled, under a name that makes scheduling it twice the same as once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import msgspec

from shared.domain.promotion.chains import built_on, other_bases, with_built
from shared.domain.promotion.rebuilds import (
    OWN_TRIGGER_GRACE,
    OWN_TRIGGER_LOOK,
    ApplicationTask,
    Dependency,
    EndKind,
    Rebuild,
    RebuildStatus,
    follow,
    rebuild_run_name,
    registry_prefix,
    task_prefix,
)
from shared.domain.promotion.schedule import LEASE, LONGEST_LOOK, LONGEST_WAIT, SHORTEST_LOOK
from shared.domain.promotion.target import Target
from shared.domain.promotion.turns import WITHDRAWN, ahead_of, built_since, failed_alike, is_overtaken, waits_for_canary
from shared.errors import Conflict, Refused, ServiceError, TidegateError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.rebuilds_around import Around
from shared.rules.targets import TargetBook
from shared.run_ports import Run, Runs
from shared.wave_ports import Rolls

log = logging.getLogger("tidegate.rebuild")

# Made around all that is done about one rebuild: it sees to what goes wrong with it, so that others go on.
Careful = Callable[[Stored[Rebuild]], AbstractContextManager[None]]


class Beginning:
    """Begins rebuilds.

    Args:
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        runs: ACR Tasks of the application registries, by the registry's name.
        login_server: as application tasks name the base registry.
        most: how many rebuilds run at once in a registry.
        waves: knows which of them go on.
        began: says of a run that was just scheduled when it is looked at.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        book: TargetBook,
        runs: Mapping[str, Runs],
        login_server: str,
        most: int,
        waves: Rolls,
        began: Callable[[Stored[Rebuild], Run], None],
    ) -> None:
        self.progress = progress
        self.book = book
        self._runs = runs
        self._login_server = login_server
        self.most = most
        self.waves = waves
        self._began = began

    def begin(self, waiting: Sequence[Stored[Rebuild]], careful: Careful, waits: Callable[[], bool]) -> None:
        """Begin those whose turn has come, and have the others wait.

        Args:
            waiting: rebuilds of one registry that wait, in their order.
            careful: made around all that is done about one.
            waits: whether nothing more is to begin for now.
        """
        turn = _Turn(self)
        for stored in waiting:
            if waits():
                break
            with careful(stored):
                turn.decide(stored)
        self.schedule(turn.going(careful), careful)

    def begin_at_last(self, stored: Stored[Rebuild]) -> None:
        """Begin a run that was claimed, and is not there: whoever claimed it died, or was not heard.

        By now it would build on what the base has moved to meanwhile.
        """
        if _Turn(self).may_begin_at_last(stored):
            self.runs_of(stored.record).take_task_turn()
            self.schedule([stored], lambda _: nullcontext())

    def schedule(self, ready: Sequence[Stored[Rebuild]], careful: Careful) -> None:
        """Claim runs before they are scheduled: under its name each is one, but after a failure it would be another.

        Two rebuilds of one task, or one too many, may be claimed at the same moment. All are written before the others
        are read, so that at least one sees the other, and goes back.
        """
        claimed = self.progress.claim_all([(one, self._started(one.record)) for one in ready])
        around = Around(lambda: self.read_around(ready[0].record))
        for stored, written in zip(ready, claimed, strict=True):
            with careful(stored):
                if isinstance(written, Stored):
                    self._run(written, around)
                else:
                    _raise_unless_taken(written)

    def _run(self, claimed: Stored[Rebuild], around: Around) -> None:
        rebuild = claimed.record
        running = tuple(one for one in around.of(rebuild) if one.status is RebuildStatus.RUNNING)
        if of_task(rebuild, running) or len(running) >= self.most:
            around.note(self._go_back(claimed, running))
        else:
            run = self.runs_of(rebuild).start_task(rebuild_run_name(rebuild), rebuild.task_id)
            self._began(claimed, run)

    def _started(self, rebuild: Rebuild) -> Rebuild:
        """Whose run was claimed and is not there is run under the same name."""
        now = self.progress.clock()
        runs = rebuild.runs if rebuild.status is RebuildStatus.RUNNING else rebuild.runs + 1
        asked = {"runs": runs, "asked_at": now, "live_run": ""}
        detail = {} if rebuild.status is RebuildStatus.RUNNING else {"detail": ""}
        return follow(rebuild, RebuildStatus.RUNNING, now, pause=LEASE, **asked, **detail)

    def _go_back(self, claimed: Stored[Rebuild], running: tuple[Rebuild, ...]) -> Rebuild:
        """The name of the run that was not scheduled is used again. Of two that both go back one comes first."""
        rebuild = claimed.record
        first = all(rebuild.id < other.id for other in running)
        pause = SHORTEST_LOOK if first else LONGEST_LOOK
        detail = "waits for a run that was claimed at the same moment"
        waits = follow(
            rebuild, RebuildStatus.WANTED, self.progress.clock(), pause=pause, runs=rebuild.runs - 1, detail=detail
        )
        self.progress.save(claimed, waits)
        return waits

    def read_around(self, rebuild: Rebuild) -> Mapping[str, Rebuild]:
        """Return the current rebuilds of its registry; one that cannot be read ends none of the others."""
        found: dict[str, Rebuild] = {}
        try:
            for one in self.progress.records.current(registry_prefix(rebuild)):
                found[one.record.id] = one.record
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("%s goes on without what cannot be read of %s: %s", rebuild.id, rebuild.registry, error)
        return found

    def runs_of(self, rebuild: Rebuild) -> Runs:
        """Return the runs of a rebuild's registry.

        Raises:
            Refused: the app knows no such registry any more.
        """
        runs = self._runs.get(rebuild.registry)
        if runs is None:
            raise Refused(f"{rebuild.registry} is not in APPLICATION_REGISTRY_IDS any more, so its tasks are not run")
        return runs

    def in_canaries(self, task: ApplicationTask | None, rebuild: Rebuild) -> str:
        """Return another base of a task that it would be built on before canaries were; empty if there is none."""
        others = other_bases(task, rebuild, self._login_server) if task is not None else ()
        return next((f"{name}:{tag}" for name, tag in others if self.waves.in_canaries(name, tag)), "")

    def dependency(self, task: ApplicationTask | None, rebuild: Rebuild) -> Dependency | None:
        """Return what a task was last built on of a rebuild's base."""
        return built_on(task, rebuild, self._login_server)


class _Turn:
    """Decides of some rebuilds of one registry which are to be run now. What is read for one is read for all."""

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        self._progress = beginning.progress
        self._around: Around | None = None
        self._targets: dict[tuple[str, str], Target | None] = {}
        self._called_off: dict[str, bool] = {}
        self._ready: list[Stored[Rebuild]] = []

    def decide(self, stored: Stored[Rebuild]) -> None:
        """A run that starts builds on what the base is then, so one that would come too late or too early waits."""
        rebuild, most = stored.record, self._beginning.most
        around = self._others(rebuild)
        others = of_task(rebuild, around)
        if is_overtaken(rebuild, self._target(rebuild)):
            self._overtaken(stored)
        elif _is_running(others) or waits_for_canary(rebuild, others):
            self._later(stored, LONGEST_LOOK)
        elif (ahead := ahead_of(rebuild, around)) >= most:
            self._wait(stored, ahead)
        elif not rebuild.canary and not rebuild.middles and (other := built_since(rebuild, others)) is not None:
            detail = f"run {other.run_id}, which began after this base had moved, built on it: {other.id}"
            self._end(stored, RebuildStatus.UP_TO_DATE, detail)
        else:
            self._run_unless_built(stored, None if rebuild.canary else failed_alike(rebuild, others))

    def going(self, careful: Careful) -> list[Stored[Rebuild]]:
        """Return those that are to be run: what cannot be read, or was cancelled, does not begin."""
        going: list[Stored[Rebuild]] = []
        for stored in self._ready:
            with careful(stored):
                if self._is_called_off(stored.record.wave):
                    self._end(stored, RebuildStatus.WITHDRAWN, WITHDRAWN)
                else:
                    going.append(stored)
        return going

    def may_begin_at_last(self, stored: Stored[Rebuild]) -> bool:
        """Return whether what had its turn may still begin; where it may not, that is written."""
        rebuild = stored.record
        if is_overtaken(rebuild, self._target(rebuild)):
            self._overtaken(stored)
        elif self._is_called_off(rebuild.wave):
            self._end(stored, RebuildStatus.WITHDRAWN, WITHDRAWN)
        elif not rebuild.canary and (other := self._beginning.in_canaries(self._task(rebuild), rebuild)):
            self._stand_aside(stored, other, rebuild.runs - 1)
        else:
            return True
        return False

    def _task(self, rebuild: Rebuild) -> ApplicationTask | None:
        return self._beginning.runs_of(rebuild).task(rebuild.task)

    def _overtaken(self, stored: Stored[Rebuild]) -> None:
        base = f"{stored.record.base_repository}:{stored.record.base_tag}"
        self._end(stored, RebuildStatus.OVERTAKEN, f"{base} moved on before the run began")

    def _run_unless_built(self, stored: Stored[Rebuild], failed: Rebuild | None) -> None:
        """The task is read just before its run: whoever built it meanwhile, another run would build nothing new."""
        rebuild = stored.record
        task = self._task(rebuild)
        dependency = self._beginning.dependency(task, rebuild)
        if task is None:
            self._end(stored, RebuildStatus.FAILED, "the task is gone")
        elif not rebuild.anew and dependency is not None and dependency.digest == rebuild.base_digest:
            detail, between = "the task is built on this digest by now", with_built(task, rebuild)
            self._end(stored, RebuildStatus.UP_TO_DATE, detail, middles=between)
        elif self._is_left_to_acr(rebuild, task, dependency):
            self._leave_to_acr(stored)
        elif not task.enabled:
            detail = "the task is disabled: enable it and run it to build on the new base"
            self._end(stored, RebuildStatus.FAILED, detail)
        elif failed is not None:
            detail = f"run {failed.run_id}, which began after this base had moved, built on it and failed: {failed.id}"
            self._end(stored, RebuildStatus.FAILED, detail, EndKind.BUILD)
        elif not rebuild.canary and (other := self._beginning.in_canaries(task, rebuild)):
            self._stand_aside(stored, other, rebuild.runs)
        else:
            self._make_ready(stored)

    def _stand_aside(self, stored: Stored[Rebuild], other: str, runs: int) -> None:
        """It is ahead of nobody meanwhile, as if it had been asked to wait."""
        now, rebuild = self._progress.clock(), stored.record
        known = {"runs": runs, "waits": rebuild.waits + 1}
        detail = f"waits for what canaries say of {other}, on which it is built as well"
        aside = follow(rebuild, RebuildStatus.WANTED, now, pause=LONGEST_LOOK, detail=detail, **known)
        self._progress.later(stored, aside)
        self._note(aside)

    def _make_ready(self, stored: Stored[Rebuild]) -> None:
        """From here on it counts as one that runs, for those that come after it."""
        self._beginning.runs_of(stored.record).take_task_turn(len(self._ready) + 1)
        self._ready.append(stored)
        self._note(msgspec.structs.replace(stored.record, status=RebuildStatus.RUNNING))

    def _wait(self, stored: Stored[Rebuild], ahead: int) -> None:
        """Whoever has more before it looks more rarely, so that hundreds that wait do not read each other all day."""
        rebuild, most = stored.record, self._beginning.most
        pause = min(LONGEST_LOOK * (ahead // most), LONGEST_WAIT)
        detail = f"waits for its turn: at most {most} rebuilds run at once in {rebuild.registry}"
        if rebuild.detail == detail:
            self._later(stored, pause)
        else:
            now = self._progress.clock()
            self._progress.later(stored, follow(rebuild, RebuildStatus.WANTED, now, pause=pause, detail=detail))

    def _later(self, stored: Stored[Rebuild], pause: timedelta) -> None:
        look_at = self._progress.clock() + pause
        self._progress.later(stored, msgspec.structs.replace(stored.record, look_at=look_at))

    def _is_left_to_acr(self, rebuild: Rebuild, task: ApplicationTask, built_on: Dependency | None) -> bool:
        in_time = self._progress.clock() - rebuild.since < OWN_TRIGGER_GRACE
        left = task.own_trigger and (built_on is None or built_on.watched) and not rebuild.anew
        return in_time and task.enabled and left

    def _leave_to_acr(self, stored: Stored[Rebuild]) -> None:
        now, detail = self._progress.clock(), "the task's own base image trigger is on"
        left = follow(stored.record, RebuildStatus.LEFT_TO_ACR, now, pause=OWN_TRIGGER_LOOK, detail=detail)
        self._progress.later(stored, left)
        self._note(left)

    def _end(
        self, stored: Stored[Rebuild], status: RebuildStatus, detail: str, by: EndKind = EndKind.PLATFORM, **known: Any
    ) -> None:
        now = self._progress.clock()
        ended = follow(stored.record, status, now, pause=timedelta(0), detail=detail, ended_by=by, **known)
        self._progress.later(stored, ended)
        self._note(ended)

    def _others(self, rebuild: Rebuild) -> tuple[Rebuild, ...]:
        if self._around is None:
            self._around = Around(lambda: self._beginning.read_around(rebuild))
        return self._around.of(rebuild)

    def _note(self, rebuild: Rebuild) -> None:
        if self._around is not None:
            self._around.note(rebuild)

    def _target(self, rebuild: Rebuild) -> Target | None:
        place = (rebuild.base_repository, rebuild.base_tag)
        if place not in self._targets:
            self._targets[place] = self._beginning.book.of(rebuild.base_repository, rebuild.base_tag)
        return self._targets[place]

    def _is_called_off(self, wave: str) -> bool:
        if wave not in self._called_off:
            self._called_off[wave] = self._beginning.waves.called_off(wave)
        return self._called_off[wave]


def of_task(rebuild: Rebuild, others: Iterable[Rebuild]) -> tuple[Rebuild, ...]:
    """Return those of the same task."""
    return tuple(other for other in others if other.id.startswith(task_prefix(rebuild)))


def _is_running(others: Iterable[Rebuild]) -> bool:
    return any(other.status is RebuildStatus.RUNNING for other in others)


def _raise_unless_taken(written: TidegateError) -> None:
    if not isinstance(written, Conflict):
        raise written
