"""buildah, as the runner uses it: pull, build, run a command, push.

Everything goes through ``--isolation chroot``, which needs root but neither cgroups nor a container engine.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from infra.local.runner.errors import EngineError
from infra.local.runner.folder import START, RunFolder
from infra.local.runner.limits import Limits
from infra.local.runner.networks import MACHINE, NONE
from infra.local.runner.places import Place, Places, places
from infra.local.runner.platforms import machines, remarks
from infra.local.runner.process import run
from infra.local.runner.task import WORKSPACE, Build, Task

_HOME = "/acb/home"
_TOOLS = "/acb/tools"
# What buildah itself prints about a command's exit status, after the command's own output.
_EXIT_REMARK = re.compile(r"(subprocess exited (with status|on) \S+|Error: exit status \d+)")


@dataclass(frozen=True)
class ContainerOptions:
    """How a command's container differs from its image.

    Attributes:
        environment: variables besides the image's.
        entry_point: in place of the image's.
        directory: where it starts; ``None`` to stay in the image's own.
        bare: without what the engine gives a step: workspace and home.
        place: which network it is on: a place of its own, ``host`` or ``none``.
        user: as whom it runs; ``None`` for whom the image says.
        marker: a line to write first, once the command is known to be there.
        mounts: volumes of the task's, by their names, and where each is.
    """

    environment: tuple[tuple[str, str], ...]
    entry_point: str | None
    directory: PurePosixPath | None
    bare: bool = False
    place: Place | str = MACHINE
    user: str | None = None
    marker: str = ""
    mounts: tuple[tuple[str, str], ...] = ()


class Engine:
    """buildah on one run's folder."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.home),
            "TMPDIR": str(folder.temporary),
            "BUILDAH_ISOLATION": "chroot",
        }

    def places(self, task: Task, registries: Iterable[str]) -> AbstractContextManager[Places]:
        """Make the places of a run's containers, for as long as it lasts; see ``places.places``."""
        return places(task, self._folder.temporary, registries)

    def pull(self, pinned: str, tagged: str, limits: Limits) -> None:
        """Pull ``pinned``, a reference with a digest; storage knows it as ``tagged`` too unless that is empty."""
        image = self._ask(["pull", "--quiet", "--retry=0", self._folder.signature_policy, pinned], limits).strip()
        if tagged:
            self._ask(["tag", image, tagged], limits)

    def build(
        self, build: Build, tags: Sequence[str], directory: Path, output: Callable[[str], None], limits: Limits
    ) -> int:
        """Build in ``directory`` under fully qualified ``tags``, and return buildah's exit status.

        What storage holds is not asked of a registry again: bases stay at the digests they were pulled at.
        Docker's own image format is used, for it is what ``docker build`` in ACR produces.
        """
        command = ["bud", "--format=docker", "--pull=false", self._folder.signature_policy]
        command += [f"--tag={tag}" for tag in tags]
        command += [f"--build-arg={name}={value}" for name, value in build.arguments]
        command += [f"--file={directory / build.dockerfile}"] if build.dockerfile else []
        command += [f"--target={build.target}"] if build.target else []
        return self._call([*command, "--", str(directory / build.context)], output, None, limits)

    def run(
        self,
        image: str,
        arguments: Sequence[str],
        options: ContainerOptions,
        output: Callable[[str], None],
        limits: Limits,
    ) -> int:
        """Run a command in a fresh container of ``image``, as ``docker run`` would, and return its exit status."""
        known = json.loads(self._ask(["inspect", "--type=image", image], limits))["OCIv1"]
        command = _command_line(image, known.get("config") or {}, arguments, options.entry_point)
        for remark in remarks(str(known.get("architecture") or "")):
            output(remark)
        container = self._ask(["from", "--pull-never", self._folder.signature_policy, image], limits).strip()
        flags = [] if options.bare else self._given_to_steps()
        flags += [f"--volume={self._folder.tools}:{_TOOLS}:ro"]
        flags += [f"--volume={self._folder.volumes / name}:{path}" for name, path in options.mounts]
        flags += [f"--env={name}={value}" for name, value in options.environment]
        flags += [f"--workingdir={options.directory}"] if options.directory else []
        flags += [f"--user={options.user}"] if options.user else []
        if isinstance(options.place, Place):
            flags += ["--no-hosts", f"--volume={options.place.names.file}:/etc/hosts:ro"]

        def write(line: str) -> None:
            if not _EXIT_REMARK.fullmatch(line):
                output(line)

        started = (f"{_TOOLS}/busybox", "sh", f"{_TOOLS}/{START}", options.marker, " ".join(machines().values()))
        line = ["run", *flags, container, "--", *started, *command]
        network = options.place.namespace if isinstance(options.place, Place) else options.place
        return self._call(line, write, None, limits, network=network)

    def has_program(self, image: str, program: str, limits: Limits) -> bool:
        """Whether a container of ``image`` would find ``program`` by its ``PATH``."""
        options = ContainerOptions((), f"{_TOOLS}/busybox", None, bare=True, place=NONE)
        return self.run(image, ("which", program), options, lambda _: None, limits) == 0

    def push(self, image: str, address: str, limits: Limits) -> str:
        """Push ``image`` to ``address``, ``host:port/repository:tag`` over plain http; return its digest there."""
        digest = self._folder.temporary / f"digest-{address.replace('/', '_')}"
        flags = ["--quiet", "--retry=0", "--tls-verify=false", f"--digestfile={digest}", self._folder.signature_policy]
        self._ask(["push", *flags, image, f"docker://{address}"], limits)
        return digest.read_text().strip()

    def _given_to_steps(self) -> list[str]:
        volumes = {self._folder.workspace: WORKSPACE, self._folder.home: _HOME}
        return [*(f"--volume={here}:{there}" for here, there in volumes.items()), f"--env=HOME={_HOME}"]

    def _ask(self, command: Sequence[str], limits: Limits) -> str:
        answer: list[str] = []
        trouble: list[str] = []
        if self._call(command, answer.append, trouble.append, limits) != 0:
            raise EngineError("\n".join(trouble) or f"buildah {command[0]} failed")
        return "\n".join(answer)

    def _call(
        self,
        command: Sequence[str],
        output: Callable[[str], None],
        errors: Callable[[str], None] | None,
        limits: Limits,
        *,
        network: Path | str = MACHINE,
    ) -> int:
        return run(
            ["buildah", *self._folder.buildah_flags(), *command],
            environment=self._environment,
            folder=self._folder.workspace,
            output=output,
            errors=errors,
            limits=limits,
            network=network,
        )


def _command_line(
    image: str, config: Mapping[str, Any], arguments: Sequence[str], entry_point: str | None
) -> list[str]:
    """Join entry point and command as docker does: an entry point that is given drops the image's command."""
    if entry_point:
        return [entry_point, *arguments]
    command = [*(config.get("Entrypoint") or []), *(arguments or config.get("Cmd") or [])]
    if not command:
        raise EngineError(f"no command specified, and {image} has none")
    return command
