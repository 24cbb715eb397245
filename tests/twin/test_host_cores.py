"""An instance has the share of a core that the host was told, where the machine lets it set one."""

from __future__ import annotations

import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from infra.local.host.cores import Confined, can_be_shared

pytestmark = pytest.mark.skipif(not can_be_shared(), reason="no control groups of processors can be made here")
SECONDS = 1.0


def _busy(told: Connection) -> None:
    told.recv()
    before, ends = time.process_time(), time.monotonic() + SECONDS
    while time.monotonic() < ends:
        pass
    told.send(time.process_time() - before)


def used_by(cores: float) -> float:
    """Return the processor seconds that a busy process gets within a second."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_busy, args=(its,), daemon=True)
    process.start()
    confined = Confined(process, cores)
    ours.send("begin")
    used = float(ours.recv())
    confined.join()
    return used


def test_a_busy_instance_with_a_tenth_of_a_core_gets_no_more() -> None:
    assert 0 < used_by(0.1) < 0.3


def test_the_group_of_an_instance_is_gone_when_the_instance_is() -> None:
    before = set(_groups())
    used_by(0.5)
    assert set(_groups()) == before


def _groups() -> list[Path]:
    mine = f"tidegate-{os.getpid()}-*"
    return [*Path("/sys/fs/cgroup").glob(mine), *Path("/sys/fs/cgroup/cpu").glob(mine)]
