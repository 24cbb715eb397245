"""The probe about a container that a step starts beside itself, with nothing of what the engine gives the step."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError

from infra.live_check.ground import Ground
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.running import credentials, encoded, end_of, put_task_run, run_of

_STEPS = """\
version: v1.1.0
steps:
  - cmd: {command}
    entryPoint: {program}
    disableWorkingDirectoryOverride: true
"""
_RUN = "$Registry/{client} run --rm --network none --entrypoint sh $Registry/{client} -c '{script}'"
_SOCKET = "/var/run/docker.sock"
# Without a network the table of routes is its heading alone; interfaces besides the loopback may be there, and down.
_BARE = " && ".join(
    (
        "test -r /proc/net/route && ! grep -qv Iface /proc/net/route",
        *(f"test ! -e {path}" for path in (_SOCKET, "/acb/home", "/workspace")),
    )
)


def questions(client: str) -> dict[str, str]:
    """Return steps that end well if the answer is yes, by what they ask.

    Args:
        client: image with the Docker client and a shell, as ``repository@digest``.
    """
    socket = f"$Registry/{client} -c 'test -S {_SOCKET}'"
    started, bare = (_RUN.format(client=client, script=script) for script in ("exit 0", _BARE))
    return {
        "socket": _STEPS.format(command=socket, program="sh"),
        "started": _STEPS.format(command=started, program="docker"),
        "bare": _STEPS.format(command=bare, program="docker"),
    }


def a_container_apart(ground: Ground) -> Seen:
    """Ask in three task runs: is the socket there, does a container start by it, and has it nothing of the step."""
    if not ground.client:
        return undecided("needs CLIENT=<repository@sha256:…>, an image here with the Docker client and a shell")
    repository, _, digest = ground.client.partition("@")
    try:
        ground.data.get_manifest_properties(repository, digest)
    except (ResourceNotFoundError, ValueError):
        return undecided(f"CLIENT names {ground.client}, and {ground.login_server} has no such image")
    ends = {word: _end(ground, word, steps) for word, steps in questions(ground.client).items()}
    return found(set(ends.values()) == {"Succeeded"}, _told(ends), **ends)


def _told(ends: dict[str, str]) -> str:
    words = {
        "socket": ("the socket is there", "the socket was not seen"),
        "started": ("a container starts by it", "no container started by it"),
        "bare": ("it has neither network, socket, home nor source", "it was not seen to be without the step's things"),
    }
    return "; ".join(f"{words[word][end != 'Succeeded']} ({end})" for word, end in ends.items())


def _end(ground: Ground, word: str, steps: str) -> str:
    """Ask as a gate does."""
    name = ground.name(f"apart-{word}")
    answer = put_task_run(ground, name, encoded(steps, credentials=credentials(ground)), name)
    return end_of(ground, run_of(ground, name)) if answer.ok else f"refused: {answer.told()}"


PROBES = (
    Probe(
        20,
        "Can a step start a container without socket, home and network?",
        "runs the image that CLIENT names three times, twice of them its Docker client, which runs it once more",
        "three task runs, three runs",
        "shared/adapters/azure/gate_run.py: GATE_CLIENT_IMAGE, which stays off until then; docs/security.md",
        24,
        a_container_apart,
    ),
)
