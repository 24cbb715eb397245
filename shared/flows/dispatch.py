"""Follow one rebuild that is not ACR's: ask for it once, find it again, and see it to its end.

Asking is idempotent nowhere. So what is about to be asked is written first, and posted once by whoever wrote it; from
then on, whether the answer was lost, unclear or never asked for, the build is only looked for, by its correlation. Only
when none has been found for long, or one ended and decided nothing, is it asked for anew, by another correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.dispatch_ports import Dispatcher
from shared.domain.dispatch.builds import (
    BUILD_LIFE,
    LOOKED_FOR,
    End,
    Found,
    Outcome,
    asked_of,
    in_order,
    is_busy,
)
from shared.domain.promotion.rebuilds import BUSY, EndKind, Rebuild, RebuildStatus, follow
from shared.domain.promotion.schedule import (
    LONGEST_LOOK,
    LONGEST_WAIT,
    MOST_RUNS,
    SHORTEST_LOOK,
    most_attempts,
    pause_before_look,
    pause_before_retry,
)
from shared.domain.promotion.turns import WITHDRAWN, ahead_of, built_since, failed_alike, is_overtaken, waits_for_canary
from shared.errors import InvalidReference, ServiceError, TidegateError
from shared.ports import Stored
from shared.rules.dispatch_asking import Asking, of_place
from shared.rules.late_builds import LateBuilds, words
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.wave_ports import Rolls


class Dispatching:
    """Asks those who build elsewhere for what was found to be built on a base image.

    Args:
        asking: asks for builds, each once.
        progress: where rebuilds are kept and how they go on.
        book: tells the decision that the base registry follows.
        late: looks for builds of requests that were given up.
        server: login server of the base registry, as images are named to builders.
        most: how many builds of one dispatcher are under way at once.
        waves: knows which of them go on.
    """

    def __init__(
        self,
        asking: Asking,
        progress: Progress[Rebuild],
        book: TargetBook,
        late: LateBuilds,
        server: str,
        most: int,
        waves: Rolls,
    ) -> None:
        self._waves = waves
        self._asking = asking
        self._progress = progress
        self._book = book
        self._late = late
        self._server = server
        self._most = most

    def look(self, stored: Stored[Rebuild]) -> None:
        """Do the next thing about a rebuild."""
        try:
            self._step(stored)
        except (ServiceError, InvalidReference) as error:
            self._put_off(stored, error)

    def _step(self, stored: Stored[Rebuild]) -> None:
        status = stored.record.status
        if status is RebuildStatus.WANTED:
            self._begin(stored)
        elif status is RebuildStatus.ASKED:
            self._look_for(stored)
        elif status is RebuildStatus.ACCEPTED:
            self._wait_for(stored)
        elif status is RebuildStatus.RUNNING:
            self._look_at(stored)

    # Before it is asked for.

    def _begin(self, stored: Stored[Rebuild]) -> None:
        """A build reads its base when it begins, so one that would come too late or too early waits."""
        rebuild = stored.record
        around = self._asking.around(rebuild)
        others = of_place(rebuild, around)
        if self._is_overtaken(rebuild):
            self._overtaken(stored, "the build was asked for")
        elif is_busy(others) or waits_for_canary(rebuild, others):
            self._progress.again(stored, LONGEST_LOOK)
        elif (ahead := ahead_of(rebuild, around)) >= self._most:
            self._wait(stored, ahead)
        elif self._waves.called_off(rebuild.wave):
            self._end(stored, RebuildStatus.WITHDRAWN, WITHDRAWN)
        elif rebuild.canary:
            self._asking.claim(stored)
        elif (other := built_since(rebuild, others)) is not None:
            detail = f"build {other.run_id}, asked for after this base had moved, built on it: {other.id}"
            self._end(stored, RebuildStatus.UP_TO_DATE, detail)
        elif (failed := failed_alike(rebuild, others)) is not None:
            detail = f"build {failed.run_id}, asked for after this base had moved, built on it and failed: {failed.id}"
            self._end(stored, RebuildStatus.FAILED, detail, EndKind.BUILD)
        else:
            self._asking.claim(stored)

    def _is_overtaken(self, rebuild: Rebuild) -> bool:
        return is_overtaken(rebuild, self._book.of(rebuild.base_repository, rebuild.base_tag))

    def _overtaken(self, stored: Stored[Rebuild], what: str) -> None:
        base = f"{stored.record.base_repository}:{stored.record.base_tag}"
        self._end(stored, RebuildStatus.OVERTAKEN, f"{base} moved on before {what}")

    def _wait(self, stored: Stored[Rebuild], ahead: int) -> None:
        """Whoever has more before it looks more rarely, so that hundreds that wait do not read each other all day."""
        rebuild, now = stored.record, self._progress.clock()
        pause = min(LONGEST_LOOK * (ahead // self._most), LONGEST_WAIT)
        detail = f"waits for its turn: at most {self._most} builds are under way at once by {rebuild.registry}"
        if rebuild.detail == detail:
            self._progress.again(stored, pause)
        else:
            self._progress.save(stored, follow(rebuild, RebuildStatus.WANTED, now, pause=pause, detail=detail))

    # Looking, without asking.

    def _look_for(self, stored: Stored[Rebuild]) -> None:
        """Whoever repeats a request under its id asks for the same again; all others are only searched."""
        dispatcher = self._asking.dispatcher_of(stored.record)
        if dispatcher.repeats:
            self._repeat(stored, dispatcher)
        elif not self._found(stored, dispatcher):
            self._missing(stored)

    def _repeat(self, stored: Stored[Rebuild], dispatcher: Dispatcher) -> None:
        """Who was not heard the first time would build on what the base has moved to meanwhile."""
        if self._is_overtaken(stored.record):
            self._overtaken(stored, "anybody clearly took the request")
        elif self._waves.called_off(stored.record.wave):
            self._end(stored, RebuildStatus.WITHDRAWN, WITHDRAWN)
        elif self._waited(stored.record) >= (dispatcher.tells or BUILD_LIFE):
            detail = f"nobody answered clearly in time: {stored.record.detail}"
            self._end(stored, RebuildStatus.UNDECIDED, detail)
        else:
            self._asking.repeat(stored, dispatcher)

    def _wait_for(self, stored: Stored[Rebuild]) -> None:
        """What was accepted shows up as a build, or its end is told."""
        rebuild, dispatcher = stored.record, self._asking.dispatcher_of(stored.record)
        if dispatcher.tells is None:
            if not self._found(stored, dispatcher):
                self._missing(stored)
        elif self._waited(rebuild) >= dispatcher.tells:
            detail = f"it was accepted, and how it ended was not told within {_hours(dispatcher.tells)}"
            self._end(stored, RebuildStatus.UNDECIDED, detail)
        else:
            left = dispatcher.tells - self._waited(rebuild)
            self._progress.again(stored, max(min(left, LONGEST_WAIT), SHORTEST_LOOK))

    def _found(self, stored: Stored[Rebuild], dispatcher: Dispatcher) -> bool:
        """Adopt the build that bears the correlation; of two the first is followed, and the second is told."""
        found = in_order(dispatcher.find(asked_of(stored.record, self._server)))
        if found:
            self._adopt(stored, found)
        return bool(found)

    def _adopt(self, stored: Stored[Rebuild], found: Sequence[Found]) -> None:
        rebuild, now = stored.record, self._progress.clock()
        first, *others = found
        detail = f"build {first.run} was found by its name" + (f"; {words(others)}" if others else "")
        if others:
            self._late.tell(rebuild, others, first.run)
        known = {"live_run": first.run, "link": first.link, "detail": detail}
        running = follow(rebuild, RebuildStatus.RUNNING, now, pause=pause_before_look(timedelta(0)), **known)
        self._progress.save(stored, running)

    def _missing(self, stored: Stored[Rebuild]) -> None:
        """What was clearly accepted is not asked for anew: it is as likely that the build does not show its name."""
        waited, minutes = self._waited(stored.record), int(LOOKED_FOR.total_seconds() // 60)
        detail = f"no build that bears {_name(stored.record)} in its name was found in {minutes} minutes"
        if waited < LOOKED_FOR:
            self._progress.again(stored, pause_before_look(waited))
        elif stored.record.status is RebuildStatus.ACCEPTED:
            told = f"{detail}, though it was accepted: check that {stored.record.task} shows it"
            self._end(stored, RebuildStatus.UNDECIDED, told)
        elif late := self._late.find(stored.record):
            self._adopt(stored, late)
        else:
            self._undecided(stored, detail, lost=(*stored.record.lost, stored.record.runs))

    def _look_at(self, stored: Stored[Rebuild]) -> None:
        rebuild, dispatcher = stored.record, self._asking.dispatcher_of(stored.record)
        outcome = dispatcher.follow(asked_of(rebuild, self._server), rebuild.live_run)
        if outcome is None:
            self._undecided(stored, f"build {rebuild.live_run} is gone")
        elif outcome.end is not None:
            self._conclude(stored, outcome)
        elif self._waited(rebuild) >= BUILD_LIFE:
            detail = f"build {rebuild.live_run} has not ended in {_hours(BUILD_LIFE)} ({outcome.words})"
            self._end(stored, RebuildStatus.UNDECIDED, detail)
        else:
            self._progress.again(stored, pause_before_look(self._waited(rebuild)))

    # The end.

    def _conclude(self, stored: Stored[Rebuild], outcome: Outcome) -> None:
        rebuild, now = stored.record, self._progress.clock()
        detail = f"build {rebuild.live_run} ended as {outcome.words} (attempt {rebuild.runs} of at most {MOST_RUNS})"
        if outcome.end is End.UNDECIDED and outcome.covered_by:
            told = (
                f"build {rebuild.live_run} was {outcome.words}; build {outcome.covered_by}, which is later, covers it"
            )
            pause = pause_before_look(timedelta(0))
            covered = {"live_run": outcome.covered_by, "link": "", "detail": told}
            self._progress.save(stored, follow(rebuild, RebuildStatus.RUNNING, now, pause=pause, **covered))
        elif outcome.end is End.UNDECIDED:
            self._undecided(stored, detail)
        else:
            status = RebuildStatus.SUCCEEDED if outcome.end is End.BUILT else RebuildStatus.FAILED
            known = {"run_id": rebuild.live_run, "link": outcome.link or rebuild.link, "built_on": outcome.built_on}
            detail += self._late.at_the_end(rebuild)
            ended = follow(rebuild, status, now, pause=timedelta(0), detail=detail, ended_by=EndKind.BUILD, **known)
            self._progress.save(stored, ended)

    def _undecided(self, stored: Stored[Rebuild], detail: str, **known: tuple[int, ...]) -> None:
        """Three attempts, each by a correlation of its own; after that nobody knows."""
        rebuild, now = stored.record, self._progress.clock()
        if rebuild.runs >= MOST_RUNS:
            self._end(stored, RebuildStatus.UNDECIDED, detail)
            return
        pause = pause_before_retry(rebuild.runs)
        again = {"run_id": rebuild.live_run, "live_run": "", "detail": detail, **known}
        self._progress.save(stored, follow(rebuild, RebuildStatus.WANTED, now, pause=pause, **again))

    def _end(self, stored: Stored[Rebuild], status: RebuildStatus, detail: str, by: EndKind = EndKind.PLATFORM) -> None:
        rebuild, now = stored.record, self._progress.clock()
        run, detail = rebuild.live_run or rebuild.run_id, detail + self._late.at_the_end(rebuild)
        ended = follow(rebuild, status, now, pause=timedelta(0), detail=detail, run_id=run, ended_by=by)
        self._progress.save(stored, ended)

    def _waited(self, rebuild: Rebuild) -> timedelta:
        return self._progress.clock() - (rebuild.asked_at or rebuild.since)

    def _put_off(self, before: Stored[Rebuild], error: TidegateError) -> None:
        """A look that failed is made again; after a request its build may live, so its end is looked for as long."""
        stored = self._progress.records.get(before.record.id)
        if stored is None or stored.record.step != before.record.step:
            return  # what was claimed is looked at when its lease ends
        rebuild, now = stored.record, self._progress.clock()
        failures = rebuild.failures + 1
        busy = rebuild.status in BUSY
        lasts = self._waited(rebuild) < BUILD_LIFE if busy else failures < most_attempts(error)
        if error.temporary and lasts:
            pause = pause_before_retry(failures, error.retry_after)
            again = {"detail": str(error), "failures": failures}
            self._progress.save(stored, follow(rebuild, rebuild.status, now, pause=pause, **again))
        else:
            self._end(stored, RebuildStatus.UNDECIDED if busy else RebuildStatus.FAILED, str(error))


def _name(rebuild: Rebuild) -> str:
    return asked_of(rebuild, "").correlation


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:g} h"
