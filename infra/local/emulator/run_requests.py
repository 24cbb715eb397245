"""From the four kinds of run request, and the three kinds of task step, to one plan for the task runner.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
"""

from __future__ import annotations

import base64
import binascii
import shlex
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from infra.local.emulator.blobs import Sources
from infra.local.emulator.runs import Plan, Traits, UnusableRequestError

REQUEST_TYPES = ("EncodedTaskRunRequest", "DockerBuildRequest", "FileTaskRunRequest", "TaskRunRequest")
_DEFAULT_SECONDS = 3600
_OVERRIDES = {"contextPath": "contextPath", "file": "dockerFilePath", "target": "target"}


class Planner:
    """Makes plans for the run requests of one registry."""

    def __init__(self, sources: Sources, registry: str) -> None:
        self._sources = sources
        self._registry = registry

    def quick(self, request: Mapping[str, Any], folder: Path) -> Plan:
        """Plan a request that carries its own steps.

        Args:
            request: the body of ``scheduleRun`` or the ``runRequest`` of a task run.
            folder: where a source folder may be packed.

        Raises:
            UnusableRequestError: the request lacks what its type needs.
        """
        source = self._source(request.get("sourceLocation"), folder)
        if request["type"] == "DockerBuildRequest":
            return self._build(request, source, request)
        return self._steps(request, source, request)

    def task(self, task: Mapping[str, Any], overrides: Mapping[str, Any], folder: Path) -> Plan:
        """Plan a run of a task, its step changed by ``overrideTaskStepProperties``."""
        step = _override(task["step"], overrides)
        source = self._source(step.get("contextPath"), folder)
        if step["type"] == "Docker":
            return self._build(step, source, task)
        return self._steps(step, source, task)

    def _build(self, step: Mapping[str, Any], source: Path | None, limits: Mapping[str, Any]) -> Plan:
        return Plan(docker_build_steps(step), {}, source, _seconds(limits))

    def _steps(self, step: Mapping[str, Any], source: Path | None, limits: Mapping[str, Any]) -> Plan:
        """Plan steps given as YAML: in the request itself, or in a file of the source."""
        if "encodedTaskContent" in step:
            steps = _decode(step["encodedTaskContent"])
            defaults = _decode(step.get("encodedValuesContent") or "")
        else:
            steps = _member(source, step.get("taskFilePath") or "acb.yaml")
            values_file = step.get("valuesFilePath")
            defaults = _member(source, values_file) if values_file else ""
        values = (yaml.safe_load(defaults) or {}) | _pairs(step.get("values"))
        return Plan(steps, {name: str(value) for name, value in values.items()}, source, _seconds(limits))

    def _source(self, location: str | None, folder: Path) -> Path | None:
        """Return the source as a tar.gz: an upload by its relative path, or a file:// archive or folder."""
        if not location or location == "/dev/null":
            return None
        address = urlsplit(location)
        if address.scheme not in ("", "file"):
            raise UnusableRequestError(f"the source {location} cannot be reached: only uploads and file:// are local")
        path = Path(unquote(address.path)) if address.scheme else self._sources.path(self._registry, location)
        if path is None or not path.exists():
            raise UnusableRequestError(f"failed to download source code: {location} does not exist")
        return _pack(path, folder / "context.tar.gz") if path.is_dir() else path


def traits_of(request: Mapping[str, Any]) -> Traits:
    """Return what a run shows of its request, or of its task's properties."""
    own = Traits()
    platform = dict(own.platform) | {key: str(value) for key, value in (request.get("platform") or {}).items()}
    source = (request.get("credentials") or {}).get("sourceRegistry") or {}
    return Traits(
        platform=tuple(platform.items()),
        cpu=int((request.get("agentConfiguration") or {}).get("cpu") or own.cpu),
        archive=bool(request.get("isArchiveEnabled")),
        agent_pool=str(request.get("agentPoolName") or ""),
        source_auth=str(source.get("loginMode") or ""),
    )


def identity_of(request: Mapping[str, Any]) -> str:
    """Return as whom a run, or a task's runs, sign in to their own registry; empty where nothing is said."""
    source = (request.get("credentials") or {}).get("sourceRegistry") or {}
    return str(source.get("identity") or "")


def docker_build_steps(step: Mapping[str, Any]) -> str:
    """Return the task file that builds, and unless told otherwise pushes, what a Docker build request asks for."""
    images = [f"{{{{.Run.Registry}}}}/{name}" for name in step.get("imageNames") or []]
    words = ["-f", step.get("dockerFilePath") or "Dockerfile"]
    words += [word for image in images for word in ("-t", image)]
    words += [word for pair in _pairs(step.get("arguments")).items() for word in ("--build-arg", "=".join(pair))]
    words += ["--target", step["target"]] if step.get("target") else []
    words += ["--no-cache"] if step.get("noCache") else []
    steps: list[dict[str, Any]] = [{"build": " ".join([_quote(word) for word in words] + ["."])}]
    if images and step.get("isPushEnabled", True):
        steps.append({"push": images})
    return yaml.safe_dump({"version": "v1.1.0", "steps": steps}, sort_keys=False, width=10_000)


def _quote(word: str) -> str:
    """Quote a word for the shell, but leave the runner's ``{{...}}`` placeholders to be filled in."""
    return word if word.startswith("{{") else shlex.quote(word)


def _override(step: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(step)
    for name, own in _OVERRIDES.items():
        if overrides.get(name):
            changed[own if step["type"] == "Docker" or name == "contextPath" else "taskFilePath"] = overrides[name]
    for name in ("arguments", "values"):
        if overrides.get(name):
            merged = _pairs(step.get(name)) | _pairs(overrides[name])
            changed[name] = [{"name": key, "value": value} for key, value in merged.items()]
    return changed


def _pairs(entries: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(entry["name"]): str(entry["value"]) for entry in entries or []}


def _seconds(limits: Mapping[str, Any]) -> float:
    return float(limits.get("timeout") or _DEFAULT_SECONDS)


def _decode(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnusableRequestError(f"the task content is not base64 text: {error}") from error


def _member(source: Path | None, name: str) -> str:
    if source is None:
        raise UnusableRequestError(f"{name} is to be read from a source, and there is none")
    with tarfile.open(source) as archive:
        wanted = [member for member in archive.getmembers() if member.name.removeprefix("./") == name]
        content = archive.extractfile(wanted[0]) if wanted else None
        if content is None:
            raise UnusableRequestError(f"the source has no file {name}")
        return content.read().decode()


def _pack(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, arcname=".")
    return archive
