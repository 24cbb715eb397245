"""A task as read from its YAML: every default filled in, every name resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

WORKSPACE = PurePosixPath("/workspace")  # where containers see the source


@dataclass(frozen=True)
class Build:
    """``build``: what ``docker build`` would be told. Paths are relative to the step's working directory."""

    tags: tuple[str, ...]
    dockerfile: str | None
    arguments: tuple[tuple[str, str], ...]
    target: str | None
    context: str


@dataclass(frozen=True)
class Push:
    """``push``: references to push, each once."""

    images: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """``cmd``: an image and what follows it."""

    image: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Nested:
    """``cmd`` of an image whose client is told ``docker run``: that image, and the container that it asks for."""

    client: str
    image: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    entry_point: str | None


@dataclass(frozen=True)
class Network:
    """``networks``: one that is made for the run; ``exists`` says that it is there already, so nothing is made."""

    name: str
    driver: str
    exists: bool
    default: bool


@dataclass(frozen=True)
class Secret:
    """``secrets``: one that ``{{.Secrets.id}}`` stands for; ``identity`` is the client id of who reads it."""

    id: str
    address: str
    identity: str


@dataclass(frozen=True)
class Volume:
    """``volumes``: a folder with files, the content of each in base64."""

    name: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        id: given, or ``acb_step_<index>``.
        action: what it does.
        after: ids of the steps that must have ended well before this one starts.
        timeout: seconds for all attempts together.
        retries: attempts after the first; ``retry_delay`` seconds lie between them.
        environment: task and step variables merged, the step's winning.
        working_directory: below ``/workspace`` unless absolute.
        use_image_directory: leave the container in the image's own working directory.
        buildkit: whether the step's own environment asks for BuildKit; ACR builds with the classic builder otherwise.
        network: the name of the one its container is on; empty for docker's own.
        detach: the step ends well as soon as its container has started, which then goes on until the run ends.
        keep: its container is not removed when it ends, so that its name stays taken.
        start_delay: seconds before it begins.
        repeat: how often it is done again after the first time, however that went.
        user: as whom its container runs, in place of the image's.
        mounts: where in its container each of the task's volumes is that it names.
    """

    id: str
    action: Build | Push | Command | Nested
    after: tuple[str, ...]
    timeout: int
    retries: int
    retry_delay: int
    ignore_errors: bool
    environment: tuple[tuple[str, str], ...]
    entry_point: str | None
    working_directory: str
    use_image_directory: bool
    buildkit: bool = False
    network: str = ""
    detach: bool = False
    keep: bool = False
    start_delay: int = 0
    repeat: int = 0
    user: str | None = None
    mounts: tuple[tuple[str, str], ...] = ()

    @property
    def container_directory(self) -> PurePosixPath:
        """The working directory as the container sees it."""
        return WORKSPACE / self.working_directory


@dataclass(frozen=True)
class Task:
    """A whole task."""

    steps: tuple[Step, ...]
    networks: tuple[Network, ...] = ()
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
