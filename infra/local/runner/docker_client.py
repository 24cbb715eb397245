"""The arguments of the docker client, where a step runs one: ``docker run`` without network, and nothing else of it.

https://docs.docker.com/reference/cli/docker/container/run/
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.local.runner.errors import TaskRefused
from infra.local.runner.task import Nested

DOCKER = "docker"  # the entry point of a step that is the client
_VALUED = ("--network", "--env", "--entrypoint")


def parse_docker(client: str, arguments: Sequence[str], place: str) -> Nested:
    """Read ``run --rm --network none``, any ``--env NAME=value``, one ``--entrypoint``, the image and its arguments.

    Args:
        client: image that holds the client.
        arguments: what the client is told.
        place: where that stands, for errors.

    Raises:
        TaskRefused: any other command or option, or one of the first two is missing.
    """
    command, *rest = arguments or ("",)
    if command != "run":
        raise TaskRefused(f"{place}: of the docker client this twin knows `docker run`, not `docker {command}`")
    options: dict[str, list[str]] = {}
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        options.setdefault(_known(option, place), []).append(rest.pop(0) if option in _VALUED and rest else "")
    if not rest or "--rm" not in options or options.get("--network") != ["none"]:
        raise TaskRefused(f"{place}: of `docker run` this twin knows `--rm --network none <image>`, with both options")
    entry_point = options.get("--entrypoint", [""])[-1] or None
    environment = tuple(_pair(text, place) for text in options.get("--env", []))
    return Nested(client, rest[0], tuple(rest[1:]), environment, entry_point)


def _known(option: str, place: str) -> str:
    if option not in {"--rm", *_VALUED}:
        known = ", ".join(("--rm", *_VALUED))
        told = f"of `docker run` this twin knows {known}, each value a word of its own; not {option}"
        raise TaskRefused(f"{place}: {told}")
    return option


def _pair(text: str, place: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise TaskRefused(f"{place}: --env {text!r} of docker run: expected NAME=value")
    return name, value
