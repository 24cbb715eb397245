"""``python -m tests.bench.cost``: what a month costs in Azure, from what was counted on the twin and from prices.

Writes ``docs/cost.md`` and what it was computed from, ``tests/bench/counted.json``. With ``--computed`` nothing is
counted anew, as after a change of prices or alert rules; with ``--people`` only what notices and pages cost is.
``--price NAME=VALUE`` replaces a price of ``tests/bench/prices.json``, ``--updates N`` the updates a month; then the
page is printed and not written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.cost_page import page
from tests.bench.deployed import deployed
from tests.bench.people import people
from tests.idle.counts import Counts
from tests.idle.idle import QUARTER, Asked, idle

ROOT = Path(__file__).resolve().parents[2]
PAGE, COUNTED = ROOT / "docs" / "cost.md", Path(__file__).with_name("counted.json")
PRICES = Path(__file__).with_name("prices.json")
WATCHED_TAGS, UPDATES = 1000, 200
# So many are counted, of which one is the mean.
_COUNTED_UPDATES = 2


def counted(folder: Path, seconds: int) -> dict[str, Any]:
    """Count everything, and say of what, when and where; ``folder`` is for the twin's state."""
    found = idle(Asked(WATCHED_TAGS, seconds, _COUNTED_UPDATES), folder, lambda text: print(text, flush=True))
    return {
        "when": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _git("rev-parse", "--short", "HEAD"),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "functions": dict(deployed().functions),
        "queues": deployed().queues,
        "idle": {
            "tags": WATCHED_TAGS,
            "cores": found.cores,
            "plain_seconds": found.plain_seconds,
            "check_seconds": found.check_seconds,
            "quarter": _rounded(found.quarter),
        },
        "update": {"updates": _COUNTED_UPDATES, "each": _rounded(found.update or {})},
        **people(folder),
    }


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _rounded(counts: Counts) -> dict[str, dict[str, float]]:
    return {subject: {kind: round(number, 2) for kind, number in kinds.items()} for subject, kinds in counts.items()}


def main() -> None:
    """Count, compute, and write or print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("--computed", action="store_true", help="take what was counted the last time")
    parser.add_argument("--people", action="store_true", help="count notices and pages anew, and nothing else")
    parser.add_argument("--seconds", type=int, default=QUARTER, help="as of python -m tests.idle")
    parser.add_argument("--price", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--updates", type=int, default=UPDATES)
    arguments = parser.parse_args()
    prices = json.loads(PRICES.read_text())
    for name, value in (text.split("=") for text in arguments.price):
        prices["per"][name]["price"] = float(value)
    if arguments.people:
        with tempfile.TemporaryDirectory(prefix="tidegate-cost-") as folder:
            anew = {**json.loads(COUNTED.read_text()), **people(Path(folder))}
        COUNTED.write_text(json.dumps(anew, indent=1) + "\n")
    elif not arguments.computed:
        with tempfile.TemporaryDirectory(prefix="tidegate-cost-") as folder:
            COUNTED.write_text(json.dumps(counted(Path(folder), arguments.seconds), indent=1) + "\n")
    text = page(json.loads(COUNTED.read_text()), prices, deployed(), arguments.updates)
    if arguments.price or arguments.updates != UPDATES:
        print(text)
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
