"""Asking somebody else for a build: written first, posted once, and never again while the answer is not clear."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from shared.dispatch_ports import Dispatcher, Dispatchers, Off, Switches
from shared.domain.dispatch.builds import Sent, asked_of, is_busy
from shared.domain.promotion.rebuilds import BUSY, Rebuild, RebuildStatus, follow, registry_prefix, task_prefix
from shared.domain.promotion.schedule import (
    LEASE,
    LONGEST_LOOK,
    SHORTEST_LOOK,
    most_attempts,
    pause_before_look,
    pause_before_retry,
)
from shared.errors import (
    InvalidReference,
    NotFound,
    NotPermitted,
    NotTaken,
    RateLimited,
    Refused,
    ServiceError,
    SwitchedOff,
    TidegateError,
)
from shared.ports import Activity, Event, Stored
from shared.rules.dispatch_allowance import Allowance
from shared.rules.progress import Progress

log = logging.getLogger("tidegate.dispatch")

# Whoever builds clearly said no, and began nothing.
_CLEAR = (InvalidReference, NotTaken, RateLimited, NotPermitted, NotFound, Refused)


class Asking:
    """Asks for builds.

    Args:
        progress: where rebuilds are kept and how they go on.
        dispatchers: those of the settings.
        switches: which of them want to be asked nothing more.
        allowance: how often they may be asked.
        activity: is told of one that wants to be asked nothing more.
        server: login server of the base registry, as images are named to builders.
        most: how many builds of one dispatcher are under way at once.
    """

    def __init__(
        self,
        progress: Progress[Rebuild],
        dispatchers: Dispatchers,
        switches: Switches,
        allowance: Allowance,
        activity: Activity,
        server: str,
        most: int,
    ) -> None:
        self._progress = progress
        self._dispatchers = dispatchers
        self._switches = switches
        self._allowance = allowance
        self._activity = activity
        self._server = server
        self._most = most

    def dispatcher_of(self, rebuild: Rebuild) -> Dispatcher:
        """Return who builds.

        Raises:
            Refused: the settings name it no more.
        """
        dispatcher = self._dispatchers.get(rebuild.registry)
        if dispatcher is None or dispatcher.kind is not rebuild.kind:
            kind, setting = rebuild.kind.value, setting_of(rebuild.registry)
            raise Refused(f"{setting} names no dispatcher of the kind {kind} any more: {rebuild.target} is not built")
        return dispatcher

    def around(self, rebuild: Rebuild) -> tuple[Rebuild, ...]:
        """Return the other current rebuilds by its dispatcher; one that cannot be read ends none of the others.

        Raises:
            ServiceError: they cannot be read for now.
        """
        others: list[Rebuild] = []
        try:
            found = self._progress.records.current(registry_prefix(rebuild))
            others.extend(one.record for one in found if one.record.id != rebuild.id)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("%s goes on without what cannot be read of %s: %s", rebuild.id, rebuild.registry, error)
        return tuple(others)

    def claim(self, stored: Stored[Rebuild]) -> None:
        """Write that a build is asked for before it is, and ask: whoever reads that asks for none.

        Two rebuilds of one place, or one too many, may be claimed at the same moment. Each is written before the others
        are read, so that at least one sees the other, and goes back before it has asked for anything.

        Raises:
            Refused: its dispatcher is gone or off.
            ServiceError, Conflict: nothing was asked for.
        """
        dispatcher = self._willing(stored.record)
        if self._waits(stored):
            return
        claimed = self._progress.claim(stored, self._claimed(stored.record))
        if claimed is None:
            return
        busy = tuple(one for one in self.around(claimed.record) if one.status in BUSY)
        if is_busy(of_place(claimed.record, busy)) or len(busy) >= self._most:
            first = all(claimed.record.id < other.id for other in busy)
            detail = "waits for a build that was claimed at the same moment"
            self._take_back(claimed, SHORTEST_LOOK if first else LONGEST_LOOK, detail)
        else:
            self._ask(claimed, dispatcher)

    def repeat(self, stored: Stored[Rebuild], dispatcher: Dispatcher) -> None:
        """Send the same request again to whoever knows it by its id."""
        if self._waits(stored):
            return
        rebuild, now = stored.record, self._progress.clock()
        claimed = self._progress.claim(stored, follow(rebuild, RebuildStatus.ASKED, now, pause=LEASE))
        if claimed is not None:
            self._ask(claimed, dispatcher, again=True)

    def _claimed(self, rebuild: Rebuild) -> Rebuild:
        """What was refused before counts on, as long as nothing was accepted."""
        now = self._progress.clock()
        counts = {"failures": rebuild.failures, "waits": rebuild.waits, "runs": rebuild.runs + 1}
        anew = {"asked_at": now, "live_run": "", "link": "", "detail": ""}
        return follow(rebuild, RebuildStatus.ASKED, now, pause=LEASE, **counts, **anew)

    def _willing(self, rebuild: Rebuild) -> Dispatcher:
        dispatcher = self.dispatcher_of(rebuild)
        off = self._switches.off(dispatcher.name, dispatcher.fingerprint)
        if off is not None:
            raise Refused(f"{dispatcher.name} is off since {off.at:%Y-%m-%d %H:%M} UTC: {off.why}")
        return dispatcher

    def _waits(self, stored: Stored[Rebuild]) -> bool:
        again_at = self._allowance.take(stored.record.registry)
        if again_at is not None:
            self._progress.again(stored, max(again_at - self._progress.clock(), SHORTEST_LOOK))
        return again_at is not None

    def _take_back(self, claimed: Stored[Rebuild], pause: timedelta, detail: str, **counts: int) -> None:
        """Nothing was begun: the attempt's number and its correlation are used again."""
        rebuild, now = claimed.record, self._progress.clock()
        back = {"runs": rebuild.runs - 1, "detail": detail, "failures": rebuild.failures, **counts}
        self._progress.save(claimed, follow(rebuild, RebuildStatus.WANTED, now, pause=pause, **back))

    def _ask(self, claimed: Stored[Rebuild], dispatcher: Dispatcher, *, again: bool = False) -> None:
        """Post once. What is not clear is left as it was claimed; nor does a no unsay what was asked for before."""
        rebuild = claimed.record
        try:
            sent = dispatcher.ask(asked_of(rebuild, self._server))
        except _CLEAR as error:
            self._note(rebuild, dispatcher, error)
            if not again:
                self._refused(claimed, error)
            elif error.temporary:
                self._unclear(claimed, error)
            else:
                self._end(claimed, RebuildStatus.UNDECIDED, f"it may have been begun, and cannot be asked for: {error}")
        except ServiceError as error:
            self._unclear(claimed, error)
        else:
            self._accepted(claimed, sent)

    def _accepted(self, claimed: Stored[Rebuild], sent: Sent) -> None:
        """An answer without a build's id says only that the request was taken."""
        rebuild, now = claimed.record, self._progress.clock()
        status = RebuildStatus.RUNNING if sent.run else RebuildStatus.ACCEPTED
        pause = pause_before_look(timedelta(0))
        known = {"live_run": sent.run, "link": sent.link, "detail": ""}
        self._progress.save(claimed, follow(rebuild, status, now, pause=pause, **known))

    def _unclear(self, claimed: Stored[Rebuild], error: TidegateError) -> None:
        rebuild, now = claimed.record, self._progress.clock()
        log.warning("%s: whether a build was begun is not clear, so it is looked for: %s", rebuild.id, error)
        pause = pause_before_retry(rebuild.failures + 1, error.retry_after)
        detail = f"whether it was begun is not clear, so it is not asked for anew: {error}"
        known = {"detail": detail, "failures": rebuild.failures + 1}
        self._progress.save(claimed, follow(rebuild, RebuildStatus.ASKED, now, pause=pause, **known))

    def _refused(self, claimed: Stored[Rebuild], error: TidegateError) -> None:
        rebuild = claimed.record
        failures, waits = rebuild.failures + 1, rebuild.waits + 1
        if isinstance(error, RateLimited):
            self._take_back(claimed, pause_before_retry(waits, error.retry_after), str(error), waits=waits)
        elif error.temporary and failures < most_attempts(error):
            self._take_back(claimed, pause_before_retry(failures), str(error), failures=failures)
        else:
            self._end(claimed, RebuildStatus.FAILED, f"the build was not begun: {error}")

    def _note(self, rebuild: Rebuild, dispatcher: Dispatcher, error: TidegateError) -> None:
        """What is about the dispatcher, and not about this rebuild."""
        if isinstance(error, RateLimited):
            self._allowance.refused(rebuild.registry, error.retry_after)
        if isinstance(error, SwitchedOff):
            now = self._progress.clock()
            why = f"{error}. It is asked again once {setting_of(dispatcher.name)} says something else"
            self._switches.switch_off(Off(dispatcher.name, dispatcher.fingerprint, now, why))
            self._activity.append(Event(f"dispatcher:{dispatcher.name}", "dispatcher-off", now, why))

    def _end(self, claimed: Stored[Rebuild], status: RebuildStatus, detail: str) -> None:
        ended = follow(claimed.record, status, self._progress.clock(), pause=timedelta(0), detail=detail)
        self._progress.save(claimed, ended)


def of_place(rebuild: Rebuild, others: Iterable[Rebuild]) -> tuple[Rebuild, ...]:
    """Return those of others that are of the same place."""
    return tuple(one for one in others if one.id.startswith(task_prefix(rebuild)))


def setting_of(dispatcher: str) -> str:
    """Return the app setting that names a dispatcher."""
    return f"DISPATCH_{dispatcher.upper().replace('-', '_')}"
