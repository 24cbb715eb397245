"""``python -m infra.local.twin up|down|status|run``: the twin from a shell."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from pathlib import Path
from typing import get_args

from infra.local.microsoft_host.found import HostMissingError
from infra.local.microsoft_host.launch import EnvironmentMissingError
from infra.local.topology import Topology
from infra.local.twin.api_key import api_key
from infra.local.twin.parts import ROOT, HostKind, PartMissingError
from infra.local.twin.ports import DEFAULT_BASE_PORT, PortsTakenError, new_topology
from infra.local.twin.processes import PartFailedError
from infra.local.twin.records import alive, stop_recorded
from infra.local.twin.twin import Twin

_STOP_SECONDS = 8.0
_STATE = ROOT / ".twin"
_FAILURES = (PartFailedError, PartMissingError, PortsTakenError)


def main() -> int:
    """Run one command and return its exit status."""
    arguments = _parse()
    state = Path(arguments.state).resolve()
    if arguments.command == "down":
        return _down(state)
    if arguments.command == "status":
        return _status(state)
    try:
        topology = new_topology(
            state,
            arguments.base_port,
            event_grid=arguments.event_grid,
            abac=arguments.abac,
            application_tasks=tuple(arguments.application_task or ["shop"]),
        )
        twin = Twin(topology, in_memory=False, host=arguments.host)
        return _up(twin, stay=arguments.command == "run")
    except (*_FAILURES, HostMissingError, EnvironmentMissingError) as error:
        print(f"twin: {error}", file=sys.stderr)
        return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.twin", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "run"], help="run = up, until Ctrl-C")
    parser.add_argument("--state", default=str(_STATE), help="the twin's folder")
    parser.add_argument("--base-port", type=int, default=DEFAULT_BASE_PORT, help="first of the twin's forty ports")
    parser.add_argument("--event-grid", action="store_true", help="Event Grid tells of pushes instead of webhooks")
    parser.add_argument("--host", choices=get_args(HostKind), help="the Functions host; see README.md here")
    parser.add_argument("--abac", action="store_true", help="the staging registry gives rights by repository")
    told = "a task of the application registry that the product may run; may be given again (the demo's: shop)"
    parser.add_argument("--application-task", action="append", metavar="NAME", help=told)
    return parser.parse_args()


def _up(twin: Twin, *, stay: bool) -> int:
    # A terminated `run` must clean up just as an interrupted one does; and one that was started in the background,
    # where shells let Ctrl-C be ignored, may still be interrupted on purpose.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        twin.start()
        twin.start_host()
        print(addresses(twin.topology))
        if stay:
            signal.pause()
    except KeyboardInterrupt:
        twin.stop()
        return 0 if stay else 130
    except BaseException:
        twin.stop()
        raise
    return 0


def _down(state: Path) -> int:
    stopped = stop_recorded(state, _STOP_SECONDS)
    print(f"stopped: {', '.join(stopped)}" if stopped else "no twin is up")
    return 0


def _status(state: Path) -> int:
    running = alive(state)
    print(json.dumps(running, indent=1) if running else "no twin is up")
    return 0 if running else 1


def addresses(topology: Topology) -> str:
    """The twin's addresses, and how to ask the product for a check now."""
    host = topology.http("host")
    lines = [
        ("product", f"{host}/api/health"),
        ("Azurite", "  ".join(f"{name} {topology.http(f'azurite_{name}')}" for name in ("blob", "queue", "table"))),
        ("Docker Hub", f"{topology.https('docker_hub_registry')}  behind it {topology.http('backing_docker_hub')}"),
        ("MCR", f"{topology.https('mcr')}  behind it {topology.http('backing_mcr')}"),
        ("any other", f"{topology.https('other')}  behind it {topology.http('backing_other')}"),
        ("staging", f"{topology.https('staging')}  behind it {topology.http('backing_staging')}"),
        ("base", f"{topology.https('base')}  behind it {topology.http('backing_base')}"),
        ("applications", f"{topology.https('applications')}  behind it {topology.http('backing_applications')}"),
        ("ARM", topology.https("arm")),
        ("emulator", f"{topology.http('control')}/health"),
        ("logs", str(topology.state / "logs")),
    ]
    listed = "\n".join(f"  {name:<13}{address}" for name, address in lines)
    check = f"curl -X POST -H 'x-api-key: {api_key(topology)}' {host}/api/check"
    return f"The twin is up.\n{listed}\ncheck every image now:\n  {check}\nstop it:\n  {_stopping(topology.state)}"


def _stopping(state: Path) -> str:
    """The command that stops the twin of this folder, and no other."""
    return "make down" if state == _STATE else f"python -m infra.local.twin down --state {shlex.quote(str(state))}"


if __name__ == "__main__":
    sys.exit(main())
