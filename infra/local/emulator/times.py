"""How long imports and runs take: different times, and for the same work always the same."""

from __future__ import annotations

import math
import random
import re
import threading
import time
from collections.abc import Callable

# A wait is looked at anew after a twentieth of what has passed of it, so that a change of the settings is soon felt.
_SHORTEST_LOOK, _PART = 0.05, 1 / 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What a scan is made with is the same for all of them.
_SCANNED = re.compile(r"TIDEGATE_SCANNED=sha256:[0-9a-f]{64}")


def drawn(seed: int, work: str, median: float, spread: float) -> float:
    """Return how many seconds a piece of work takes, drawn from a lognormal distribution.

    Args:
        seed: another one is another set of times.
        work: what is done; the same takes the same time, whenever and however often it is asked for.
        median: of the distribution, in seconds.
        spread: standard deviation of the times' logarithms; 0 for the median each time.
    """
    return median * math.exp(spread * random.Random(f"{seed}~{work}").gauss(0.0, 1.0))  # noqa: S311 - no secret


def import_work(registry: str, image: str) -> str:
    """Name an import for ``drawn``: what is imported, as the request says it, into which registry, under any tags."""
    return f"import {registry} {image}"


def run_work(registry: str, task: str | None, steps: str) -> str:
    """Name a run for ``drawn``: by its task, by what it scans, by the first digest in its steps, or by these."""
    found = _SCANNED.search(steps) or _DIGEST.search(steps)
    return f"run {registry} {task or (found[0] if found else steps)}"


def pass_time(seconds: Callable[[], float], stopped: threading.Event) -> bool:
    """Wait, and tell whether the time has passed; ``False`` if it was stopped before.

    Args:
        seconds: says how long, by now: whoever shortens it lets go of what waits.
        stopped: ends the wait.
    """
    began = time.monotonic()
    while (left := seconds() - (passed := time.monotonic() - began)) > 0:
        if stopped.wait(min(left, max(_SHORTEST_LOOK, passed * _PART))):
            return False
    return True
