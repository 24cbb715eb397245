"""Requests of catalogues that the repositories of one check need, taken from a budget together: one write for many.

What a check takes and does not use comes back with the next window, which for a catalogue is a minute long. Where there
is not enough for all, as many go on as there is enough for, and each of the others hears for itself that it is put off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.references import Repository
from shared.domain.watching.budget import Grant, Purpose
from shared.domain.watching.questions import CATALOGUES
from shared.ports import Clock
from shared.rules.ledger import Ledger

# What others learn of an upstream meanwhile is seen so much later, as with a budget that was read.
_KEPT_FOR = timedelta(seconds=10)


class Purse:
    """Grants the looks of one check.

    Args:
        ledger: the upstreams' budgets.
        clock: tells the time.
        asked: the repositories that a catalogue will be asked about, once each.
    """

    def __init__(self, ledger: Ledger, clock: Clock, asked: Iterable[Repository]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._expected = Counter(CATALOGUES[one.registry] for one in asked if one.registry in CATALOGUES)
        self._kept: dict[str, tuple[int, datetime]] = {}

    def grant(self, host: str, wanted: int) -> Grant:
        """Grant requests to a host, from what is kept or else from its budget, with those that will be wanted soon.

        Raises:
            Conflict: too many others take from the budget at this moment; the message is delivered again.
        """
        self._expected[host] = max(self._expected[host] - wanted, 0)
        kept, until = self._kept.get(host, (0, self._clock()))
        if kept >= wanted and self._clock() < until and not self._ledger.is_locked_out(host):
            self._kept[host] = (kept - wanted, until)
            return Grant(wanted)
        given, spare = self._ledger.take(host, wanted, self._expected[host], Purpose.LOOK)
        self._kept[host] = (spare, self._clock() + _KEPT_FOR)
        return given
