"""The options by which the host scales as Flex Consumption does; see README.md for what each stands for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import get_args

from infra.local.host.platform_polls import Hidden


@dataclass(frozen=True)
class ScaleOptions:
    """How instances come and go.

    Attributes:
        most_instances: ``maximumInstanceCount``, of all scale groups together.
        http_concurrency: HTTP requests an instance takes at once.
        hidden: whether messages that nobody can receive yet count as work.
        poll_seconds: between two looks of the platform at a queue.
        idle_seconds: after how long without work an instance goes.
        start_seconds: the least and the most an instance takes to start.
        drain_seconds: the least and the most that an instance's calls have to end once it is to go.
        timer_lease_seconds: how long a timer's lease lasts; it is renewed half-way.
        memory_mb: an instance's size, for its GB-seconds.
        cores: an instance's share of a core; 0 sets none.
        seed: what starts and drains are drawn from.
    """

    most_instances: int = 10
    http_concurrency: int = 1
    hidden: Hidden = "counted"
    poll_seconds: float = 10.0
    idle_seconds: float = 30.0
    start_seconds: tuple[float, float] = (3.0, 10.0)
    drain_seconds: tuple[float, float] = (1.0, 3.0)
    timer_lease_seconds: int = 60
    memory_mb: int = 512
    cores: float = 0.0
    seed: int = 0


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--scale`` and what belongs to it."""
    parser.add_argument("--scale", choices=("one", "flex"), default="one", help="one process, or instances as Flex has")
    group = parser.add_argument_group("with --scale flex", "see infra/local/host/README.md")
    usual = ScaleOptions()
    for name in ("most_instances", "http_concurrency", "timer_lease_seconds", "memory_mb", "seed"):
        group.add_argument(_flag(name), type=int, default=getattr(usual, name), metavar="N")
    for name, metavar in (("poll_seconds", "S"), ("idle_seconds", "S"), ("cores", "SHARE")):
        group.add_argument(_flag(name), type=float, default=getattr(usual, name), metavar=metavar)
    for name in ("start_seconds", "drain_seconds"):
        metavar = ("LEAST", "MOST")
        group.add_argument(_flag(name), type=float, nargs=2, default=getattr(usual, name), metavar=metavar)
    group.add_argument("--hidden", choices=get_args(Hidden), default=usual.hidden)


def scale_options(arguments: argparse.Namespace) -> ScaleOptions:
    """Return what was asked for."""
    given = {name: getattr(arguments, name) for name in ScaleOptions.__dataclass_fields__}
    return ScaleOptions(**{**given, **{name: tuple(given[name]) for name in ("start_seconds", "drain_seconds")}})


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
