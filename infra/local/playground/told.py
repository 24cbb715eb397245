"""What is printed once the twin is up: its addresses, the API key, and commands that work as they are printed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from infra.local.demo.stage_set import APPLICATION, NODE_TARGET
from infra.local.topology import BASE, Topology
from infra.local.twin.api_key import api_key
from infra.local.twin.parts import ROOT

STATE = ROOT / ".twin"
_WHY = """-d '{"why": "only trying"}'"""


def addresses(topology: Topology) -> str:
    """Return where everything listens, how to ask for a check now, and how to stop the twin."""
    lines = [
        ("pages", f"{topology.http('host')}/api/pages"),
        ("product", f"{topology.http('host')}/api/health"),
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
    key = f"API key, an operator's ({topology.state / 'api-key'}):\n  {api_key(topology)}"
    check = f"check every image now:\n  {_curl(topology, 'check', '-X POST')}"
    return f"The twin is up.\n{listed}\n{key}\n{check}\nstop it:\n  {stopping(topology.state)}"


def playground(topology: Topology) -> str:
    """Return what stands on the playground and the commands to play with it."""
    target = f"{BASE}~{NODE_TARGET.replace('/', '~')}~22-alpine"
    mine = shlex.quote(str(_own_list(topology.state)))
    commands = [
        ("publish a new release upstream", command(topology.state, "push node:22-alpine")),
        ("and one that its gate rejects", command(topology.state, "push node:20-alpine --broken")),
        ("how each tag stands", _curl(topology, "images")),
        ("what is under way or has ended", _curl(topology, "candidates")),
        ("what happened", _curl(topology, "activity")),
        ("what people were told, at the stand-in for Teams", command(topology.state, "notices")),
        ("which applications were built again", _curl(topology, "rebuilds")),
        (f"run the application {APPLICATION}", command(topology.state, APPLICATION)),
        ("take the watch list, change it, upload it", command(topology.state, f"list > {mine}")),
        ("", command(topology.state, f"list {mine}")),
        (
            "go back to the digest before, once there is one; a newer release is taken again",
            _curl(topology, f"targets/{target}/rollback", _WHY),
        ),
        (
            "refuse a digest, wherever it comes from: that of the tag upstream",
            _curl(topology, f'digests/"$({command(topology.state, "digest node:22-alpine")})"/block', _WHY),
        ),
    ]
    listed = "\n".join(f"{f'{what}:{chr(10)}' if what else ''}  {line}" for what, line in commands)
    return f"Commands, from the folder {ROOT}; docs/playground.md walks through them:\n{listed}"


def _own_list(state: Path) -> Path:
    """Where a person's copy of the list may stand, kept out of the repository."""
    file = state / "images.yaml"
    return file.relative_to(ROOT) if state == STATE else file


def command(state: Path, words: str) -> str:
    """Return a command line of the twin of this folder, and of no other."""
    python = Path(sys.executable)
    program = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    verb, _, rest = words.partition(" ")
    of_state = "" if state == STATE else f" --state {shlex.quote(str(state))}"
    return f"{shlex.quote(str(program))} -m infra.local.twin {verb}{of_state}{rest and f' {rest}'}"


def _curl(topology: Topology, path: str, options: str = "") -> str:
    address = f"{topology.http('host')}/api/{path}"
    return " ".join(filter(None, ("curl -s", options, f"-H 'x-api-key: {api_key(topology)}'", address)))


def stopping(state: Path) -> str:
    """Return the command that stops the twin of this folder."""
    return "make down" if state == STATE else command(state, "down")
