"""One budget for each upstream, whoever asks: taken from the table that all instances share, corrected by answers."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from shared.domain.budget import Grant, Learned, Purpose, Refusal, grant, learn
from shared.errors import Conflict
from shared.ports import Budgets, Clock

_TRIES = 8


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

    def grant(self, upstream: str, wanted: int, purpose: Purpose) -> Grant:
        """Take requests from an upstream's budget: one transaction, and another if it has a limit.

        Raises:
            Conflict: too many others take from it at this moment; the message is delivered again.
        """
        given = self._grant(upstream, wanted, purpose)
        if given.refusal is not None:
            self._tell(upstream, given.refusal)
        return given

    def _grant(self, upstream: str, wanted: int, purpose: Purpose) -> Grant:
        for _ in range(_TRIES):
            stored = self._budgets.get(upstream)
            given, left = grant(stored.budget, wanted, purpose, self._clock())
            if left == stored.budget:
                return given
            try:
                self._budgets.replace(stored, left)
            except Conflict:
                continue
            return given
        raise Conflict(f"the budget of {upstream} is taken from by too many at once; it is tried again")

    def is_short(self, upstream: str, wanted: int) -> bool:
        """Whether an upstream would not grant looking as many requests as that: one transaction."""
        stored = self._budgets.get(upstream)
        given, _ = grant(stored.budget, wanted, Purpose.LOOK, self._clock())
        return given.refusal is not None

    def learned(self, upstream: str, learned: Learned) -> None:
        """Take note of what an answer said; this is the ``Meter`` that adapters are given."""
        with self._lock:
            self._learned[upstream].append(learned)

    def settle(self) -> None:
        """Write down what was learned since the last time; of many numbers the last counts, and any 429."""
        with self._lock:
            learned, self._learned = dict(self._learned), defaultdict(list)
        for upstream, answers in learned.items():
            self._correct(upstream, answers)

    def _correct(self, upstream: str, answers: list[Learned]) -> None:
        telling = [*(answer for answer in answers if answer.locked_for), answers[-1]]
        for _ in range(_TRIES):
            stored = self._budgets.get(upstream)
            budget = stored.budget
            for answer in telling:
                budget = learn(budget, answer, self._clock())
            if budget == stored.budget:
                return
            try:
                self._budgets.replace(stored, budget)
            except Conflict:
                continue
            return
