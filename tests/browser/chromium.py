"""Asks the browser: runs ``look.mjs`` and ``act.mjs`` by Node, over Debian's Chromium."""

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
    told: list[Any] = _run("look.mjs", {"base": base, "pages": list(pages), "modes": list(modes), **more})
    return told


def act(base: str, mode: str, start: str, way: Sequence[str], name: str, why: str) -> dict[str, Any]:
    """Do something by the keyboard alone.

    Args:
        base: where the pages are.
        mode: how they are looked at.
        start: the page that is asked for first, by nobody.
        way: the pages that links lead to, one from the other; the last one has the form.
        name: of the act.
        why: the reason that is typed.

    Returns:
        Where the keyboard was, and what was said in the end.
    """
    asked = {"base": base, "mode": mode, "start": start, "way": list(way), "act": name, "why": why}
    told: dict[str, Any] = _run("act.mjs", asked)
    return told


def _run(script: str, asked: dict[str, Any]) -> Any:
    program = next(path for path in map(shutil.which, _PROGRAMS) if path)
    done = subprocess.run(
        ["node", str(FOLDER / script), json.dumps({"chromium": program, **asked})],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
