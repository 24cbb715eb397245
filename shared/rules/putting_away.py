"""Put away what ended long ago: many records at a time, and the names of their runs before them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Generic

from shared.errors import RateLimited, TidegateError
from shared.ports import R, Stored
from shared.run_ports import Runs

log = logging.getLogger("tidegate.sweep")

# What is put away in a sweep, and the names of runs that are deleted for it; what is left waits for the next. Records
# go many at a time, but each name is a request to Azure Resource Manager.
MOST_ARCHIVED, MOST_FORGOTTEN = 400, 100


class PuttingAway(Generic[R]):
    """What one sweep puts away.

    Args:
        away: moves records to where they are kept, or deletes them; returns what kept some where they were, by id.
        names: gives the registry of a record's runs and their names. There is none for a registry that is not in the
            settings any more, which we may not be allowed to reach.
    """

    def __init__(
        self,
        away: Callable[[Sequence[Stored[R]]], Mapping[str, TidegateError]],
        names: Callable[[R], tuple[Runs | None, tuple[str, ...]]],
    ) -> None:
        self._away: Callable[[Sequence[Stored[R]]], Mapping[str, TidegateError]] = away
        self._names: Callable[[R], tuple[Runs | None, tuple[str, ...]]] = names
        self._found: list[Stored[R]] = []
        self._forgotten = 0
        self._busy: set[Runs] = set()

    def take(self, ended: Stored[R]) -> None:
        """Take a record, if there is room for one and its runs have no names any more.

        The names go first: once a record is in the archive nobody looks for them.
        """
        if len(self._found) < MOST_ARCHIVED and self._has_no_names(ended.record):
            self._found.append(ended)

    def finish(self) -> int:
        """Move what was taken away, and return how many could be moved."""
        try:
            problems = self._away(self._found) if self._found else {}
        except TidegateError as error:
            log.warning("%d records could not be put away, the next sweep tries again: %s", len(self._found), error)
            return 0
        for record_id, problem in problems.items():
            _tell(record_id, problem)
        return len(self._found) - len(problems)

    def _has_no_names(self, record: R) -> bool:
        runs, names = self._names(record)
        if runs is None or not names:
            return True
        if runs in self._busy or self._forgotten >= MOST_FORGOTTEN:
            return False
        try:
            for name in names:
                runs.forget(name)
        except TidegateError as error:
            if isinstance(error, RateLimited):  # whatever else this registry would be asked for has to wait, too
                self._busy.add(runs)
            _tell(record.id, error)
            return False
        self._forgotten += len(names)
        return True


def _tell(record_id: str, error: TidegateError) -> None:
    log.warning("%s could not be put away, the next sweep tries again: %s", record_id, error)
