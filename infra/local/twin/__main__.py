"""``python -m infra.local.twin COMMAND``: the twin from a shell, and its playground."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import get_args

from infra.local.demo.watching import SceneFailed
from infra.local.microsoft_host.found import HostMissingError
from infra.local.microsoft_host.launch import EnvironmentMissingError
from infra.local.playground import commands, ground, told
from infra.local.playground.ground import Playground
from infra.local.playground.references import NotUpstreamError
from infra.local.twin.parts import HostKind, PartMissingError, is_own_host
from infra.local.twin.ports import DEFAULT_BASE_PORT, PortsTakenError, new_topology
from infra.local.twin.processes import PartFailedError
from infra.local.twin.records import alive, stop_recorded
from infra.local.twin.twin import Twin

_STOP_SECONDS = 8.0
_FAILURES = (PartFailedError, PartMissingError, PortsTakenError, HostMissingError, EnvironmentMissingError)
_PLAYING = (commands.NoTwinError, NotUpstreamError, SceneFailed, OSError)


def main() -> int:
    """Run one command and return its exit status."""
    arguments = _parse()
    state = Path(arguments.state).resolve()
    if arguments.command == "down":
        return _down(state)
    if arguments.command == "status":
        return _status(state)
    if arguments.command in {"up", "run"}:
        return _begin(state, arguments)
    return _play(state, arguments)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.twin", description=__doc__)
    every = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _of_starting(every.add_parser("up", help="start, lay the playground out, leave it running"))
    _of_starting(every.add_parser("run", help="up, until Ctrl-C"))
    every.add_parser("down", help="stop it all")
    every.add_parser("status", help="names and process ids of what runs")
    push = every.add_parser("push", help="publish a new release under an upstream tag")
    push.add_argument("--broken", action="store_true", help="the playground's gate rejects it")
    for named in (push, every.add_parser("digest", help="print what an upstream tag points at")):
        named.add_argument("reference", metavar="TAG", help="such as node:22-alpine")
    listing = every.add_parser("list", help="print the watch list as it is stored, or upload another")
    listing.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the one to upload")
    every.add_parser("notices", help="print what people were told by the stand-in for Teams")
    every.add_parser("shop", help="run the application's image and print what it says")
    for each in every.choices.values():
        each.add_argument("--state", default=str(told.STATE), help="the twin's folder")
    return parser.parse_args()


def _of_starting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--empty", action="store_true", help="no playground: empty registries and no watch list")
    parser.add_argument("--base-port", type=int, default=DEFAULT_BASE_PORT, help="first of the twin's forty ports")
    parser.add_argument("--event-grid", action="store_true", help="Event Grid tells of pushes instead of webhooks")
    parser.add_argument("--host", choices=get_args(HostKind), help="the Functions host; see README.md here")
    scale = "the twin's own host, in one process or by instances as Flex Consumption has them; see its README.md"
    parser.add_argument("--scale", choices=("one", "flex"), default="one", help=scale)
    parser.add_argument("--abac", action="store_true", help="the staging registry gives rights by repository")
    parser.add_argument("--locks", action="store_true", help="the product may lock images in the base registry")
    task = "a task of the application registry that the product may run; may be given again (the playground's: shop)"
    parser.add_argument("--application-task", action="append", metavar="NAME", help=task)


def _begin(state: Path, arguments: argparse.Namespace) -> int:
    if alive(state):
        return _failed(f"a twin is up in {state} already; this stops it: {told.stopping(state)}")
    try:
        topology = new_topology(
            state,
            arguments.base_port,
            event_grid=arguments.event_grid,
            abac=arguments.abac,
            locks=arguments.locks,
            application_tasks=tuple(arguments.application_task or ["shop"]),
        )
        # No other host than the twin's own scales.
        host: HostKind | None = "own" if arguments.scale == "flex" else arguments.host
        # Others hand on whoever a request claims to be from, and one listens beyond this machine.
        signs_in = is_own_host(host) and not arguments.empty
        settings = None if arguments.empty else ground.settings(topology, signs_in=signs_in)
        people = [f"--person={person}" for person in ground.PEOPLE if signs_in]
        twin = Twin(topology, settings, in_memory=False, host=host, host_options=("--scale", arguments.scale, *people))
        return _up(twin, empty=arguments.empty, stay=arguments.command == "run")
    except _FAILURES as error:
        return _failed(error)


def _up(twin: Twin, *, empty: bool, stay: bool) -> int:
    # A terminated `run` must clean up just as an interrupted one does; and one that was started in the background,
    # where shells let Ctrl-C be ignored, may still be interrupted on purpose.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        twin.start()
        status = _start_empty(twin) if empty else _lay_out(twin)
        if stay:
            signal.pause()
    except KeyboardInterrupt:
        twin.stop()
        return 0 if stay else 130
    except BaseException:
        twin.stop()
        raise
    return status


def _start_empty(twin: Twin) -> int:
    twin.start_host()
    print(told.addresses(twin.topology), flush=True)
    return 0


def _lay_out(twin: Twin) -> int:
    """A playground that did not come to its first promotion is left running, to see why."""
    missing: SceneFailed | None = None
    try:
        Playground(twin.topology, say=lambda what: print(what, flush=True)).lay_out(twin)
    except SceneFailed as error:
        missing = error
    print(f"{told.playground(twin.topology)}\n\n{told.addresses(twin.topology)}", flush=True)
    return _failed(f"up, but not all of the playground is there: {missing}") if missing else 0


def _play(state: Path, arguments: argparse.Namespace) -> int:
    try:
        print(_played(state, arguments))
    except _PLAYING as error:
        return _failed(error)
    return 0


def _played(state: Path, arguments: argparse.Namespace) -> str:
    topology = commands.running(state)
    if arguments.command == "push":
        return commands.push(topology, arguments.reference, broken=arguments.broken)
    if arguments.command == "digest":
        return commands.digest(topology, arguments.reference)
    if arguments.command == "notices":
        return commands.notices(topology)
    if arguments.command == "shop":
        return commands.run_application(topology)
    return commands.change_list(topology, arguments.file) if arguments.file else commands.shown_list(topology)


def _failed(error: object) -> int:
    print(f"twin: {error}", file=sys.stderr)
    return 1


def _down(state: Path) -> int:
    stopped = stop_recorded(state, _STOP_SECONDS)
    print(f"stopped: {', '.join(stopped)}" if stopped else "no twin is up")
    return 0


def _status(state: Path) -> int:
    running = alive(state)
    print(json.dumps(running, indent=1) if running else "no twin is up")
    return 0 if running else 1


if __name__ == "__main__":
    sys.exit(main())
