"""Which TCP ports of the loopback address are free, and a topology made from them."""

from __future__ import annotations

import random
import secrets
import socket
from itertools import islice
from pathlib import Path

from infra.local.topology import Topology

BLOCK = 40
DEFAULT_BASE_PORT = 10000
# Below Linux's range for outgoing connections (32768 and up), so a free port stays free until it is bound.
_SEARCH = range(20000, 32000, BLOCK)


class PortsTakenError(Exception):
    """Another program listens on ports the twin needs; the message names them."""


def new_topology(
    state: Path,
    base_port: int | None = None,
    *,
    event_grid: bool = False,
    short_retry_after: int | None = 1,
    abac: bool = False,
    locks: bool = False,
    application_tasks: tuple[str, ...] = ("shop",),
) -> Topology:
    """Make a topology with fresh secrets.

    Arguments:
        state: the twin's folder; made absolute.
        base_port: first of forty ports; a free block is looked for when ``None``.
        event_grid, abac, locks: see ``Topology``.
        application_tasks: see ``Topology``; the demo's, unless others are named.
        short_retry_after: see ``Topology``; short unless ``None`` asks for Azure's own.
    """
    return Topology(
        state=state.resolve(),
        base_port=free_base_port() if base_port is None else base_port,
        identity_header=secrets.token_hex(20),
        function_key=secrets.token_hex(20),
        webhook_secret=secrets.token_hex(20),
        event_grid=event_grid,
        short_retry_after=short_retry_after,
        abac=abac,
        locks=locks,
        application_tasks=application_tasks,
    )


def free_base_port() -> int:
    """Return the first port of forty free ones; random, so that test runs side by side rarely ask for the same.

    Raises:
        PortsTakenError: no block is free.
    """
    return free_base_ports(1)[0]


def free_base_ports(number: int) -> list[int]:
    """Return the first ports of several blocks of forty free ones, each block another.

    Raises:
        PortsTakenError: there are not so many.
    """
    free = (base for base in random.sample(_SEARCH, len(_SEARCH)) if not taken_ports(base))
    found = list(islice(free, number))
    if len(found) < number:
        raise PortsTakenError(f"no {number} blocks of {BLOCK} free ports between {_SEARCH.start} and {_SEARCH.stop}")
    return found


def taken_ports(base_port: int) -> list[int]:
    """Return the ports of one block that another program holds."""
    return [port for port in range(base_port, base_port + BLOCK) if not _is_free(port)]


def require_free(base_port: int) -> None:
    """Raise ``PortsTakenError``, naming the ports, unless the whole block is free."""
    taken = taken_ports(base_port)
    if taken:
        listed = ", ".join(map(str, taken))
        raise PortsTakenError(f"these ports of 127.0.0.1 are taken: {listed} (is a twin already up? `make down`)")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of the last run that is still closing does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
