"""Looks at runs of gates and scans: by the id that is known, else by the name; and keeps the log of what has ended."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shared.domain.gate.verdict import UNDER_WAY
from shared.domain.gate.words import Words
from shared.ports import Evidence
from shared.run_ports import Run, Runs


class Sought(msgspec.Struct, frozen=True):
    """The run that is meant.

    Attributes:
        name: under which it was asked for.
        words: what is said in it.
        live_run: the registry's id, from when it is known.
    """

    name: str
    words: Words
    live_run: str


class RunLooks:
    """Looks at runs of one kind.

    Args:
        runs: ACR Tasks of the staging registry.
        find: finds a run of this kind by its name; one in which other words are said is strange.
        evidence: where logs are kept.
    """

    def __init__(self, runs: Runs, find: Callable[[str, Words], Run | None], evidence: Evidence) -> None:
        self._runs = runs
        self._find = find
        self._evidence = evidence

    def look(self, sought: Sought, record: str, log_name: str) -> tuple[Run | None, str | None]:
        """Look at a run once.

        Args:
            sought: which.
            record: the id of the record for which it is run.
            log_name: what its log is kept as.

        Returns:
            The run, or ``None`` if there is none under its name; and once it has ended its log, which is kept by then.

        Raises:
            ServiceError: the look could not be made, or the log not be kept.
        """
        run = self.find(sought)
        if run is None or run.strange or run.status in UNDER_WAY:
            return run, None
        log = self._runs.log(run.run_id)
        self._evidence.keep(record, log_name, log.encode())
        return run, log

    def find(self, sought: Sought) -> Run | None:
        """Return a run, or ``None``: whoever claimed it may have died before it was asked for.

        Raises:
            ServiceError: the look could not be made.
        """
        if sought.live_run and (followed := self._runs.look(sought.live_run)):
            return followed
        return self._find(sought.name, sought.words)


def ask_to_end(runs: Runs, known: str, find: Callable[[], Run | None]) -> str:
    """Ask for the end of a run that nobody wants any more; return what is told of that.

    Args:
        runs: where it is.
        known: its id; empty if whoever claimed it may have died, or been overtaken, before it was written down.
        find: finds it by its name then.

    Raises:
        ServiceError: it could not be found, or not be asked.
    """
    found = None if known else find()
    run_id = known or (found.run_id if found is not None else "")
    if not run_id:
        return "none of its runs is known to be under way"
    runs.cancel(run_id)
    return f"run {run_id} was asked to end"
