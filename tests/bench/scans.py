"""What a test and a scan side by side cost: time beside their runs, and requests to ARM an update.

A small burst of played runs is measured as ``make burst BURST=--scans`` measures a large one: with runs as long as they
are in Azure, and with runs so short that what is left is the product's own time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.table import Row
from tests.burst.burst import Asked, burst
from tests.burst.measure import Measured
from tests.burst.profiles import GATE_SECONDS

_UPDATES, _SEED, _LONGEST = 50, 7, 1200.0
# Seconds of a run, and the goal for the time from staged to decided that is not spent in it.
_RUNS = ((GATE_SECONDS, "10 s"), (2.0, "3 s"))
_ARM_GOAL = "7"


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the twins' state."""
    return [row for seconds, goal in _RUNS for row in shown(seconds, goal, _measured(seconds, folder / f"{seconds:g}"))]


def _measured(seconds: float, folder: Path) -> Measured:
    return burst(Asked("arm", _UPDATES, _SEED, 1.0, _LONGEST, scans=True, run_seconds=seconds), folder, _say)


def shown(seconds: float, goal: str, measured: Measured) -> list[Row]:
    """Return the rows of one burst.

    Args:
        seconds: how long its runs took, the median.
        goal: for the time beside the runs.
        measured: what the burst took.

    Raises:
        ValueError: an update was lost, or something was done twice: what it cost means nothing then.
    """
    if measured.lost or measured.doubled or measured.beside is None:
        raise ValueError(f"the burst with scans did not go well: {measured.line}")
    what = f"{measured.updates} updates at once with test and scan, runs of {seconds:g} s"
    return [
        Row(f"from staged to decided outside the runs, median; {what}", f"{measured.beside:.1f} s", goal),
        Row("  requests to ARM an update", f"{measured.arm:.1f}", _ARM_GOAL),
        Row("  storage transactions an update", f"{measured.storage:.1f}"),
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
