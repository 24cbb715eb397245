"""How Azure is in a burst: ARM's limits alone, or with agents and imports that are few."""

from __future__ import annotations

from typing import Any

from infra.local.emulator.times import drawn, import_work, run_work
from infra.local.topology import BASE, STAGING
from tests.burst.oracle import Limits
from tests.burst.plan import Move
from tests.burst.stage import moved, target_of

PROFILES = {
    "arm": Limits(),
    "agents": Limits(imports=50, agents=100),
    "few": Limits(imports=50, agents=25),
}
# Medians and spreads in seconds, as measured by others: an import 20, a gate 90.
IMPORT_SECONDS, IMPORT_SPREAD = 20.0, 0.3
GATE_SECONDS, GATE_SPREAD = 90.0, 0.2
_ANY_NUMBER = 10_000
# ARM's: tokens, and tokens a second. https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
_READS = (250.0, 25.0)


def settings_of(limits: Limits, seed: int, scale: float, run_seconds: float = GATE_SECONDS) -> dict[str, Any]:
    """Return the emulator's settings for a burst.

    Args:
        limits: what Azure grants.
        seed: the times of imports and runs are drawn with it.
        scale: ARM's bucket of reads is multiplied by it, as those of the limits are already.
        run_seconds: how long a gate's or a scan's run takes; the median.
    """
    writes = (limits.write_bucket, limits.writes_a_second)
    reads = tuple(number * scale for number in _READS)
    return {
        "arm_buckets": {"reads": reads, "writes": writes, "deletes": writes},
        "import_seconds": IMPORT_SECONDS,
        "import_spread": IMPORT_SPREAD,
        "imports_at_once": limits.imports or _ANY_NUMBER,
        "imports_played": True,
        "run_seconds": run_seconds,
        "run_spread": GATE_SPREAD,
        "agents": limits.agents or _ANY_NUMBER,
        "runs_played": True,
        "times_seed": seed,
    }


def seconds_of(move: Move, stage: str, seed: int, run_seconds: float = GATE_SECONDS) -> float:
    """Return how long a stage of an update takes on the twin, the same as its emulator draws."""
    digest = moved(move).digest
    if stage == "scan":
        return drawn(seed, run_work(STAGING, None, f"TIDEGATE_SCANNED={digest}"), run_seconds, GATE_SPREAD)
    if stage == "gate":
        return drawn(seed, run_work(STAGING, None, digest), run_seconds, GATE_SPREAD)
    registry, image = (STAGING, move.repository) if stage == "import" else (BASE, target_of(move))
    return drawn(seed, import_work(registry, f"{image}@{digest}"), IMPORT_SECONDS, IMPORT_SPREAD)
