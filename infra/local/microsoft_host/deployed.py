"""The app in the folder that Microsoft's host serves: what a deployment uploads, and nothing else of the repository."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

Ignore = Callable[[str, list[str]], set[str]]


def lay_out(source: Path, target: Path, extensions: Path) -> None:
    """Lay out an app for the host, in place of what lay there.

    Arguments:
        source: the folder with the app, its ``host.json`` and, if it has one, its ``.funcignore``.
        target: the folder to serve; made anew.
        extensions: the host's extensions; in Azure they come in a bundle that is downloaded.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=_left_out(source / ".funcignore"))
    (target / "bin").symlink_to(extensions)
    description = target / "host.json"
    description.write_text(json.dumps(_without_bundle(json.loads(description.read_text())), indent=1))


def _without_bundle(host_json: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in host_json.items() if name != "extensionBundle"}


def _left_out(funcignore: Path) -> Ignore:
    """Read patterns of names, which count at any depth, as those without a slash do in gitignore(5)."""
    lines = funcignore.read_text().split() if funcignore.is_file() else ["__pycache__"]
    kept = [line[1:] for line in lines if line.startswith("!")]
    left = [line for line in lines if not line.startswith("!")]
    return lambda _, names: {name for name in names if _any(name, left) and not _any(name, kept)}


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
