"""How long a program takes, what it uses, and how busy the machine is with other programs."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_CALM = 0.15
# Seconds between two glances at a running program: 100 a second cost the machine less than one in a hundred.
_GLANCE = 0.01
_PATIENCE = 30.0


class PeerFailedError(Exception):
    """A measured program failed, or its answer was wrong; the message carries the end of its output."""


@dataclass(frozen=True)
class Usage:
    """What one run of a program took.

    Attributes:
        seconds: from start to end.
        cpu: processor seconds, of the program and its children.
        megabytes: largest resident set of the program, without its children.
        output: standard output.
    """

    seconds: float
    cpu: float
    megabytes: float
    output: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a small environment: what programs need to run, and no proxy, which is for the world outside."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **(more or {})}


def run(argv: list[str], folder: Path, more: Mapping[str, str] | None = None, text: str = "") -> Usage:
    """Run a program to its end.

    Args:
        argv: program and arguments.
        folder: working directory.
        more: variables of its environment.
        text: its standard input.

    Raises:
        PeerFailedError: it ended with another status than 0.
    """
    began = time.perf_counter()
    with (folder / "input").open("w+") as given, (folder / "output").open("w+") as said:
        given.write(text)
        given.seek(0)
        process = subprocess.Popen(
            argv, cwd=folder, env=environment(more), stdin=given, stdout=said, stderr=subprocess.STDOUT
        )
        used, megabytes = _watched(process)
        seconds = time.perf_counter() - began
        said.seek(0)
        output = said.read()
    if process.returncode != 0:
        raise PeerFailedError(f"{argv[0]} ended with status {process.returncode}: {output[-2000:]}")
    return Usage(seconds, used.ru_utime + used.ru_stime, megabytes, output)


def _watched(process: subprocess.Popen[bytes]) -> tuple[resource.struct_rusage, float]:
    """Wait for a program's end, and return what it used and its largest resident set in megabytes.

    The kernel's own figure after the end (``ru_maxrss``) begins with the size of the process that started it.
    """
    megabytes = 0.0
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return used, megabytes
        megabytes = _largest_so_far(process.pid) or megabytes
        time.sleep(_GLANCE)


def _largest_so_far(pid: int) -> float:
    """Return the peak of a process's resident set in megabytes (proc(5), ``VmHWM``); 0 once it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def wait_for_calm() -> float:
    """Wait until other programs leave the machine alone, half a minute at most, and return the share they use of it."""
    deadline = time.monotonic() + _PATIENCE
    while (share := _busy_share()) > _CALM and time.monotonic() < deadline:
        print(f"  other programs use {share:.0%} of the machine; waiting", file=sys.stderr)
    return share


def _busy_share(seconds: float = 2.0) -> float:
    before = _jiffies()
    time.sleep(seconds)
    busy, idle = (after - earlier for after, earlier in zip(_jiffies(), before, strict=True))
    return busy / max(1, busy + idle)


def _jiffies() -> tuple[int, int]:
    """Return the busy and the idle time of all processors since the start (proc(5), /proc/stat)."""
    fields = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, idle
