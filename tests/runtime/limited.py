"""A hard limit on the memory of a process, by the kernel's control groups, where this machine lets us set one.

Both versions: https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
# The folder that new groups are made in, and the file that takes the limit, which only the kernel makes, of either.
_KINDS = ((_ROOT, "memory.max"), (_ROOT / "memory", "memory.limit_in_bytes"))


@contextmanager
def limited(megabytes: int) -> Iterator[list[str]]:
    """Yield a command to put before another, which is killed if it ever takes more; empty where no limit can be set."""
    group = next((made for kind in _KINDS if (made := _made(*kind, megabytes))), None)
    if group is None:
        yield []
        return
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "limited"]
    finally:
        group.rmdir()


def peak_mb(pid: int) -> float:
    """Return the most that a process ever had resident, in megabytes (proc(5), ``VmHWM`` in kB)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _made(folder: Path, file: str, megabytes: int) -> Path | None:
    group = folder / f"tidegate-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        with (group / file).open("r+") as limit:
            limit.write(str(megabytes * 1024 * 1024))
    except OSError:
        group.rmdir()
        return None
    return group
