"""Asks probes one after the other, within a time, and cleans up whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from infra.live_check.ground import Ground
from infra.live_check.probe import Probe, Seen, undecided
from infra.live_check.report import Asked


def ask_all(ground: Ground, probes: Sequence[Probe], minutes: float, tell: Callable[[str], None]) -> list[Asked]:
    """Ask probes, and delete everything that they made.

    Args:
        ground: where they work.
        probes: in the order in which they are asked.
        minutes: after which no other is begun.
        tell: is told what goes on.

    Returns:
        What was seen, probe by probe; what broke off is undecided, with the reason. What could not be deleted is in
        ``ground.made.left``.
    """
    asked: list[Asked] = []
    deadline = time.monotonic() + minutes * 60
    try:
        for probe in probes:
            tell(f"{probe.number}. {probe.asks}")
            began = time.monotonic()
            seen = _ask(ground, probe) if began < deadline else undecided(f"not asked: {minutes:.0f} minutes were over")
            asked.append(Asked(probe, seen, time.monotonic() - began))
            tell(f"   {seen.verdict.value}: {seen.text}")
    except KeyboardInterrupt:
        tell("broken off; what was made is deleted")
    finally:
        ground.made.clean(tell)
    return asked


def _ask(ground: Ground, probe: Probe) -> Seen:
    try:
        return probe.ask(ground)
    except Exception as error:  # noqa: BLE001  one probe's trouble must not keep the others from being asked
        return undecided(f"broke off: {type(error).__name__}: {error}")
