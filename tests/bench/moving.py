"""What a minute of moving tags leaves behind: task runs for nothing, and memory that is not given back.

The stage is that of ``make chaos`` with nobody but the upstreams. A minute is not taken for an hour: for that there is
``make chaos SECONDS=3600 CHAOS='--players upstreams --memory memory.csv'``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.table import Row
from tests.chaos.judge import built_nothing_new
from tests.chaos.storm import Settings, Storm

_SEED, _SECONDS, _PACE = 1, 60, 10


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the twin's state."""
    with Storm(Settings(_SEED, _SECONDS, _PACE, ("upstreams",), folder, travels=False), _say) as storm:
        storm.begin()
        before = storm.memory.now()
        storm.rage()
        after = storm.memory.now()
        quiet = storm.quiet()
        runs, still = [run for run in storm.facts().runs if run.task], storm.memory.now()
    what = f"{_SECONDS} s of moving tags at {_PACE} times the pace"
    return [
        Row(f"task runs that build nothing new, {what}", f"{built_nothing_new(runs)} of {len(runs)}", "0"),
        Row(f"the host's resident memory before {what}", before),
        Row("  after them", after),
        Row(f"  after {quiet:.0f} s of quiet, when nothing was left to be done", still),
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
