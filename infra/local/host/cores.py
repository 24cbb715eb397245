"""The share of a core that an instance has, by the kernel's control groups, where this machine lets us set one.

https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files and
https://docs.kernel.org/scheduler/sched-bwc.html for the first version.
"""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.host.member import ChildProcess

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
# Where new groups are made, the file that takes the share, which only the kernel makes, and what it is told.
_KINDS = ((_ROOT, "cpu.max", f"{{quota}} {_PERIOD}"), (_ROOT / "cpu", "cpu.cfs_quota_us", "{quota}"))


class Confined:
    """A process with a share of a core.

    Args:
        process: the process, already running.
        cores: its share.

    Raises:
        OSError: this machine lets us set none.
    """

    def __init__(self, process: ChildProcess, cores: float) -> None:
        self._process = process
        self._group = _group(f"tidegate-{os.getpid()}-{process.pid}", cores)
        (self._group / "cgroup.procs").write_text(str(process.pid))

    @property
    def pid(self) -> int | None:
        """Its number."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def join(self) -> None:
        """Wait for its end."""
        self._process.join()
        self._group.rmdir()


def can_be_shared() -> bool:
    """Whether this machine lets us give a process a share of a core."""
    try:
        _group(f"tidegate-{os.getpid()}-probe", 1).rmdir()
    except OSError:
        return False
    return True


def _group(name: str, cores: float) -> Path:
    problem = OSError("there is no control group for processors")
    for folder, file, text in _KINDS:
        group = folder / name
        try:
            group.mkdir()
        except OSError as error:
            problem = error
            continue
        try:
            with (group / file).open("r+") as share:
                share.write(text.format(quota=round(cores * _PERIOD)))
        except OSError as error:
            group.rmdir()
            problem = error
        else:
            return group
    raise problem
