"""Which of Microsoft's own Functions hosts this machine has: Core Tools, or the host itself as an archive.

The archive is optional and no part of this repository: the host of Azure/azure-functions-host, built, with the .NET
runtime, the queue extension and the Python worker that it needs, and a program ``run APP PORT PYTHON`` that starts it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SETTING = "FUNCTIONS_HOST"
CACHE = ROOT / ".cache" / "functions-host"
_ARCHIVE = Path("tools/functions-host/functions-host.tar.xz")
_BESIDE = ROOT.parent / "shared" / _ARCHIVE


class HostMissingError(Exception):
    """Microsoft's host is not on this machine; the message says where it was looked for."""


@dataclass(frozen=True)
class CoreTools:
    """Azure Functions Core Tools: the program ``func``."""

    program: str


@dataclass(frozen=True)
class BuiltHost:
    """The host itself: a folder, unpacked, or the archive it is unpacked from when it is first started."""

    source: Path

    def folder(self) -> Path:
        """Return the folder with the program ``run``, unpacked into the cache unless that is done."""
        return self.source if self.source.is_dir() else _unpacked(self.source)


def find_host() -> CoreTools | BuiltHost:
    """Return Microsoft's host: ``func`` on PATH, else what ``FUNCTIONS_HOST`` names, else the archive beside.

    Raises:
        HostMissingError: none of them is there.
    """
    if program := shutil.which("func"):
        return CoreTools(program)
    named = os.environ.get(SETTING)
    source = Path(named) if named else _BESIDE
    if source.is_file() or (source / "run").is_file():
        return BuiltHost(source.resolve())
    looked = f"{SETTING} names {named}, where it is not" if named else f"{SETTING} is not set"
    raise HostMissingError(
        f"Microsoft's Functions host is not here: no `func` on PATH, and {looked} "
        f"(a {_ARCHIVE.name}, or the folder it was unpacked to)"
    )


def _unpacked(archive: Path) -> Path:
    stamp = CACHE / ".stamp"
    mark = f"{archive.stat().st_size} {archive.stat().st_mtime_ns}"
    if stamp.is_file() and stamp.read_text() == mark:
        return CACHE
    CACHE.parent.mkdir(exist_ok=True)
    # Made elsewhere and renamed, so that an interrupted or a simultaneous start never sees half of it.
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as made:
        # Without tarfile's filter, which is newer than Debian 12's Python: whoever names the archive trusts it.
        shutil.unpack_archive(archive, made, "xztar")
        (folder,) = Path(made).iterdir()
        (folder / ".stamp").write_text(mark)
        shutil.rmtree(CACHE, ignore_errors=True)
        folder.rename(CACHE)
    return CACHE
