"""How the process of an instance is started."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Protocol

from infra.local.host.cores import Confined
from infra.local.host.instance import serve
from infra.local.host.instance_messages import Plan
from infra.local.host.keys import Keys
from infra.local.host.member import ChildProcess, Line
from infra.local.host.scale_options import ScaleOptions
from infra.local.host.scaling import ScaleGroup


class InstanceStart(Protocol):
    """How an instance's process is started."""

    def __call__(
        self, name: str, group: ScaleGroup, options: ScaleOptions, ready_at: float
    ) -> tuple[ChildProcess, Line]:
        """Start it and return it with the line to it; not before ``ready_at`` does it serve."""


def start_instance(
    app: str,
    host_json: Path,
    keys: Keys,
    invisible_seconds: float,
    name: str,
    group: ScaleGroup,
    options: ScaleOptions,
    ready_at: float,
) -> tuple[ChildProcess, Line]:
    """Start the process of an instance, forked from one that has the libraries loaded but nothing of the app.

    Arguments:
        app, host_json, keys, invisible_seconds: as the host was given them.
        name: of the instance.
        group: whose functions it runs.
        options: how the host scales.
        ready_at: not before this moment of the monotonic clock does it serve.

    Returns:
        The process and the line to it.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([serve.__module__])
    names = frozenset(function.name for function in group.functions)
    plan = Plan(name, names, app, host_json, keys, invisible_seconds, options.timer_lease_seconds, ready_at)
    ours, its = processes.Pipe()
    process = processes.Process(target=serve, args=(plan, its), name=name, daemon=True)
    process.start()
    # Only then does the line end when the instance does.
    its.close()
    return (Confined(process, options.cores) if options.cores else process), ours
