"""Renovate, which looks up every pinned ``FROM`` line of a Dockerfile and changes nothing.

https://docs.renovatebot.com/modules/platform/local/
"""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench.check.content import TAGS
from tests.bench.check.ground import Ground, Result
from tests.bench.check.measure import run

FOLDER = Path(__file__).parent / "renovate"


def version() -> str:
    """Return the version that is installed."""
    package = json.loads((FOLDER / "node_modules" / "renovate" / "package.json").read_text())
    return str(package["version"])


def renovate(ground: Ground) -> Result:
    """Let Renovate look up every watched tag, by plain HTTP, with an empty cache.

    Raises:
        PeerFailedError: Renovate failed, or did not find exactly what has moved.
    """
    folder = ground.folder / "renovate"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    address = ground.address("plain")
    lines = (f"FROM {address}/{name}:{tag}@{ground.known[name][tag]}" for name, tag in product(ground.known, TAGS))
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    (folder / "config.json").write_text(json.dumps(_config(address)))
    mark = ground.registry.mark()
    usage = run([str(FOLDER / "node_modules" / ".bin" / "renovate")], folder, _environment(folder))
    requests = ground.registry.counts(mark)
    ground.require_seen("Renovate", _found(folder / "report.json"))
    return Result(f"Renovate {version()}", usage.seconds, requests, usage.cpu, usage.megabytes)


def _config(address: str) -> dict[str, Any]:
    return {
        "hostRules": [{"matchHost": address, "insecureRegistry": True}],
        "onboarding": False,
        "requireConfig": "optional",
        "enabledManagers": ["dockerfile"],
    }


def _environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "RENOVATE_PLATFORM": "local",
        "RENOVATE_DRY_RUN": "lookup",
        "RENOVATE_CONFIG_FILE": str(folder / "config.json"),
        "RENOVATE_BASE_DIR": str(folder / "base"),
        "RENOVATE_REPORT_TYPE": "file",
        "RENOVATE_REPORT_PATH": str(folder / "report.json"),
    }


def _found(report: Path) -> int:
    """Return how many lines have an update."""
    files = json.loads(report.read_text())["repositories"]["local"]["packageFiles"]["dockerfile"]
    return sum(bool(line["updates"]) for file in files for line in file["deps"])
