"""How much memory the host takes, over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_EVERY = 5.0


def resident_mb(pid: int | None) -> float | None:
    """Return the resident memory of a process in megabytes; ``None`` if it is gone (proc(5), ``VmRSS`` in kB)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = next((line for line in status.splitlines() if line.startswith("VmRSS:")), None)
    return int(found.split()[1]) / 1024 if found else None


class Series:
    """Looks at a process every few seconds; a new process id in it is a restart.

    Args:
        pid: tells which process that is by now.
    """

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid = pid
        self._began = time.monotonic()
        self._ended = threading.Event()
        self.samples: list[tuple[float, int, float]] = []

    def begin(self) -> None:
        """Begin to look, in a thread of its own."""
        threading.Thread(target=self._run, name="memory", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def now(self) -> str:
        """Return what the process takes now, for people."""
        found = resident_mb(self._pid())
        return f"{found:.0f} MB" if found is not None else "not running"

    def save(self, file: Path) -> None:
        """Write the series: seconds since it began, process id, megabytes."""
        lines = [f"{at:.0f},{pid},{taken:.1f}" for at, pid, taken in self.samples]
        file.write_text("\n".join(["seconds,pid,megabytes", *lines, ""]))

    def _run(self) -> None:
        while not self._ended.wait(_EVERY):
            pid = self._pid()
            taken = resident_mb(pid)
            if pid is not None and taken is not None:
                self.samples.append((time.monotonic() - self._began, pid, taken))
