"""Runs that are played: everything of a run but its containers, for when hundreds go on at once on two cores.

The task is read, its bases are looked up, rights are asked for, and the log speaks as ever. Builds and commands succeed
at once; nothing is pulled, built or executed, and pushed only where that is asked for.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from infra.local.runner.engine import ContainerOptions, Engine
from infra.local.runner.execute import execute
from infra.local.runner.model import RunRequest, RunResult
from infra.local.runner.networks import MACHINE
from infra.local.runner.places import Places
from infra.local.runner.task import Task
from infra.local.twin.images import layer_of, push_layers

# What a gate's test is given, to say in its first and its last word (docs/gates.md).
_NONCE = "TIDEGATE_NONCE"
# What the last step of a scan is told of it (shared/domain/scan/run_log.py says how it answers).
_SCANNED, _PLATFORMS = "TIDEGATE_SCANNED", "TIDEGATE_PLATFORMS"
# In place of a Dockerfile that a command would have written, as the first step does of a gate that brings its files.
_DOCKERFILE = "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"


class PlayedEngine(Engine):
    """Does nothing, and says it went well."""

    def places(self, task: Task, _: Iterable[str]) -> AbstractContextManager[Places]:
        """Have every step where it does nothing to anybody."""
        return nullcontext(Places(dict.fromkeys((step.id for step in task.steps), MACHINE)))

    def pull(self, *_: Any) -> None:
        """Pull nothing; whoever asks has looked the digest up."""

    def build(self, *_: Any) -> int:
        """Build nothing."""
        return 0

    def run(self, _image: str, _: Any, options: ContainerOptions, output: Callable[[str], None], *__: Any) -> int:
        """Run nothing; a test that was given a nonce says both its words, and a scan that it found nothing."""
        self._leave_dockerfile()
        told = dict(options.environment)
        nonce = told.get(_NONCE, "")
        if nonce and _SCANNED in told:
            for number, row in enumerate(_clean(told[_SCANNED], told.get(_PLATFORMS, "").split(",")), 1):
                output(f"{nonce} {number} {row}")
            return 0
        for word in ("begin", "passed") if nonce else ():
            output(f"tidegate: {word} {nonce}")
        return 0

    def push(self, *_: Any) -> str:
        """Push nothing: an image that is not there has no digest."""
        return ""

    def _leave_dockerfile(self) -> None:
        path = self._folder.workspace / "Dockerfile"
        if not path.exists():
            path.write_text(_DOCKERFILE)


class PushingEngine(PlayedEngine):
    """Pushes all the same: a small image, another one each time, so that what is built on it is built anew."""

    def push(self, image: str, address: str, *_: Any) -> str:
        """Push an image that nobody can run; return its digest."""
        server, _, named = address.partition("/")
        repository, _, tag = named.rpartition(":")
        layer = layer_of({"/etc/played": f"{image} {uuid.uuid4().hex}\n"})
        return push_layers(f"http://{server}", repository, tag, [layer]).digest


def _clean(digest: str, platforms: Iterable[str]) -> Iterator[str]:
    """Yield the rows of a scan that looked at a small Debian with a database of today, and found nothing."""
    yield f"begin 1 {digest}"
    yield f"database {json.dumps({'Version': 2, 'UpdatedAt': datetime.now(UTC).isoformat()})}"
    for platform in platforms:
        yield f"platform {platform}"
        for name, value in _about(digest, platform):
            yield f"about {name} {json.dumps(value)}"
        yield from ("count os-pkgs 1 88 0", "count lang-pkgs 0 0 0", "count others 0 0 0", "done 0 0")
    yield "end"


def _about(digest: str, platform: str) -> Iterator[tuple[str, str | int]]:
    system, machine, variant = (*platform.split("/"), "", "")[:3]
    played = f"played@{digest}"
    yield from (("SchemaVersion", 2), ("trivy.Version", "0.76.0"), ("ArtifactName", played))
    yield from (("ArtifactType", "container_image"), ("os.Family", "debian"), ("os.Name", "12.12"), ("digest", played))
    yield from (("config.os", system), ("config.architecture", machine))
    if variant:
        yield "config.variant", variant


def play(request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
    """Play a run; as ``execute`` in everything else."""
    return execute(request, log, cancelled, PlayedEngine)


def play_pushing(request: RunRequest, log: Callable[[str], None], cancelled: threading.Event) -> RunResult:
    """Play a run that pushes."""
    return execute(request, log, cancelled, PushingEngine)
