"""One budget for each upstream, whoever asks: taken from the table that all instances share, corrected by answers."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from shared.budget_ports import Budgets, StoredBudget
from shared.domain.watching.budget import Budget, Grant, Learned, Purpose, Refusal, grant, learn, turn
from shared.errors import Conflict
from shared.ports import Clock

T = TypeVar("T")

_TRIES = 16
# A budget is read once for many grants in a row. What others take meanwhile shows when it is written; a lockout that
# another instance met is seen so much later.
_READ_ANEW_AFTER = timedelta(seconds=10)


def _untold(upstream: str, refusal: Refusal) -> None:
    """Nobody listens."""


class Ledger:
    """Grants requests, and remembers what answers said until it is written down.

    Args:
        budgets: the table.
        clock: tells the time.
        tell: is told of every request that is put off, with the upstream and why.
    """

    def __init__(self, budgets: Budgets, clock: Clock, tell: Callable[[str, Refusal], None] = _untold) -> None:
        self._budgets = budgets
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._learned: defaultdict[str, list[Learned]] = defaultdict(list)
        self._writing: dict[str, threading.Lock] = {}
        self._read: dict[str, tuple[StoredBudget, datetime]] = {}

    def grant(self, upstream: str, wanted: int, purpose: Purpose) -> Grant:
        """Take requests from an upstream's budget: a transaction if it has a limit, and one now and then to read it.

        What answers said until now is written down with it, so that whoever asks next is not sent into a 429.

        Raises:
            Conflict: too many others take from it at this moment; the message is delivered again.
        """
        return self.take(upstream, wanted, 0, purpose)[0]

    def take(self, upstream: str, wanted: int, spare: int, purpose: Purpose) -> tuple[Grant, int]:
        """Take requests, and as many of some to spare as there are: as ``grant``; return how many of these there were.

        Raises:
            Conflict: as ``grant``.
        """
        given = self._corrected(upstream, lambda budget: grant(budget, wanted + spare, purpose, self._clock()))
        if given is None:
            raise Conflict(f"the budget of {upstream} is taken from by too many at once; it is tried again")
        if given.requests >= wanted > 0:
            return Grant(wanted), given.requests - wanted
        if given.refusal is not None:
            self._tell(upstream, given.refusal)
        return given, 0

    def is_locked_out(self, upstream: str) -> bool:
        """Whether an answer said so that is not written down yet."""
        with self._lock:
            return any(one.locked_for is not None for one in self._learned.get(upstream, ()))

    def turns(self, upstream: str) -> Callable[[int], timedelta]:
        """Return what tells how long a look waits for its turn after so many others: one transaction at most."""
        budget, now = self._stored(upstream).budget, self._clock()
        return lambda before: turn(budget, before, now)

    def learned(self, upstream: str, learned: Learned) -> None:
        """Take note of what an answer said; this is the ``Meter`` that adapters are given."""
        with self._lock:
            self._learned[upstream].append(learned)

    def settle(self) -> None:
        """Write down what was learned since the last time."""
        for upstream in tuple(self._learned):
            self._corrected(upstream, lambda budget: (True, budget))

    def _corrected(self, upstream: str, change: Callable[[Budget], tuple[T, Budget]]) -> T | None:
        """Change a budget that says what answers said; they are kept for the next time if that fails."""
        with self._lock:
            answers = self._learned.pop(upstream, [])
        outcome = None
        try:
            outcome = self._changed(upstream, lambda budget: change(_told(budget, answers, self._clock())))
        finally:
            if outcome is None:
                with self._lock:
                    self._learned[upstream] = [*answers, *self._learned[upstream]]
        return outcome

    def _changed(self, upstream: str, change: Callable[[Budget], tuple[T, Budget]]) -> T | None:
        """Change a budget, and return what came of it; ``None`` if others were faster every time.

        Whoever meets somebody else waits for the others of this instance, so that in the end only instances compete.
        """
        writing = self._writing.setdefault(upstream, threading.Lock())
        outcome = None if writing.locked() else self._try(upstream, change)
        if outcome is None:
            with writing:
                tries = (self._try(upstream, change) for _ in range(_TRIES))
                outcome = next((tried for tried in tries if tried is not None), None)
        return outcome

    def _try(self, upstream: str, change: Callable[[Budget], tuple[T, Budget]]) -> T | None:
        stored = self._stored(upstream)
        outcome, budget = change(stored.budget)
        if budget == stored.budget:
            return outcome
        try:
            self._keep(self._budgets.replace(stored, budget))
        except Conflict:
            self._read.pop(upstream, None)
            return None
        return outcome

    def _stored(self, upstream: str) -> StoredBudget:
        kept = self._read.get(upstream)
        if kept is not None and self._clock() - kept[1] < _READ_ANEW_AFTER:
            return kept[0]
        return self._keep(self._budgets.get(upstream))

    def _keep(self, stored: StoredBudget) -> StoredBudget:
        self._read[stored.budget.upstream] = (stored, self._clock())
        return stored


def _told(budget: Budget, answers: list[Learned], now: datetime) -> Budget:
    """Return a budget as answers correct it: of many numbers the last counts, and every lockout."""
    for answer in (*(answer for answer in answers if answer.locked_for is not None), *answers[-1:]):
        budget = learn(budget, answer, now)
    return budget
