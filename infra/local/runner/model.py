"""The records that go into a run and come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.runner.vault import Vault, no_vault

Status = Literal["Succeeded", "Failed", "Canceled", "Timeout", "Error"]


@dataclass(frozen=True)
class RunRequest:
    """One run to execute.

    Attributes:
        run_id: the run's name as ACR gives it, for example ``cab``; also names its folder below ``workdir``.
        registry_name: what ``$RegistryName`` becomes.
        login_server: host of the registry that owns the run; what ``$Registry`` becomes.
        registries: host as it stands in image references → ``host:port`` of the plain-http registry behind it.
        steps_yaml: the task, not yet rendered.
        values: what ``{{.Values.x}}`` becomes.
        source: gzipped tar archive that fills ``/workspace``, or ``None`` for an empty one.
        task_name: what ``$TaskName`` becomes; ``None`` for a run that belongs to no task.
        timeout: seconds the whole run may take.
        workdir: folder for the runs' own folders. A run deletes its own when it ends.
        rights: what the run may do with the registry that owns it: ``pull``, ``push``.
        login: the token by which tools in steps sign in to that registry; empty for none.
        vault: hands out the secrets that the task asks for.
    """

    run_id: str
    registry_name: str
    login_server: str
    registries: Mapping[str, str]
    steps_yaml: str
    values: Mapping[str, str]
    source: Path | None
    task_name: str | None
    timeout: float
    workdir: Path
    rights: frozenset[str] = frozenset({"pull", "push"})
    login: str = ""
    vault: Vault = no_vault


@dataclass(frozen=True)
class Image:
    """An image the run pushed, as ARM's ``outputImages`` names it."""

    registry: str
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True)
class Dependency:
    """A base of an image the run built, as ARM's ``baseImageDependencies`` names it.

    ``digest`` is what the tag pointed at when the run first used it, and empty for an image built in the same run.
    """

    type: Literal["Runtime", "BuildTime"]
    registry: str
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True)
class RunResult:
    """How a run ended. Images and dependencies are reported by runs that succeeded only, as ACR does."""

    status: Status
    output_images: tuple[Image, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    error: str = ""
