"""``python -m tests.bench``: measure, and print one table. Never a test: machines differ."""

from __future__ import annotations

import tempfile
from pathlib import Path

from infra.local.twin.ports import new_topology
from infra.local.twin.settings import product_settings
from tests.bench import (
    base,
    dependants,
    following,
    impact,
    lists,
    moving,
    reading,
    scans,
    signatures,
    start_up,
    travelling,
    updates,
    verdicts,
    waves,
)
from tests.bench.table import shown


def main() -> None:
    """Run every benchmark."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = product_settings(new_topology(Path(folder)))
        rows = [
            *start_up.rows(settings),
            *lists.rows(),
            *verdicts.rows(Path(folder) / "verdicts"),
            *signatures.rows(),
            *updates.rows(Path(folder)),
            *following.rows(),
            *travelling.rows(Path(folder) / "travelling"),
            *scans.rows(Path(folder) / "scans"),
            *base.rows(Path(folder) / "base"),
            *dependants.rows(Path(folder) / "dependants"),
            *impact.rows(),
            *waves.rows(),
            *moving.rows(Path(folder) / "moving"),
            *reading.rows(Path(folder) / "reading"),
        ]
    print(shown(rows))


if __name__ == "__main__":
    main()
