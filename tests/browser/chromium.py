"""Asks the browser: runs ``look.mjs`` by Node, over Debian's Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 1800


def why_not() -> str:
    """Return what is missing, in words; empty where the browser can be asked."""
    if not any(map(shutil.which, _PROGRAMS)):
        return "Chromium is not installed: infra/local/setup.sh browser"
    if shutil.which("node") is None or not (FOLDER / "node_modules" / "playwright-core").is_dir():
        return "playwright-core is not installed: infra/local/setup.sh browser"
    return ""


def look(base: str, pages: Sequence[str], modes: Sequence[str], **more: Any) -> list[Any]:
    """Look at each page in each mode, and return what was found."""
    program = next(path for path in map(shutil.which, _PROGRAMS) if path)
    asked = {"base": base, "chromium": program, "pages": list(pages), "modes": list(modes), **more}
    done = subprocess.run(
        ["node", str(FOLDER / "look.mjs"), json.dumps(asked)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told
