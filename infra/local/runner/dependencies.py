"""What a run's images were built from, for the result and for the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from infra.local.runner.model import Dependency
from infra.local.runner.reference import Reference


@dataclass(frozen=True)
class Base:
    """A base and the digest it was built at."""

    reference: Reference
    digest: str

    @property
    def name(self) -> str:
        """The name storage has it under."""
        return self.reference.tagged if self.reference.tag else self.reference.at(self.digest)


@dataclass(frozen=True)
class Built:
    """What one build step made: an image under some tags, from a base (``None`` for scratch) and the other stages'."""

    tags: tuple[Reference, ...]
    runtime: Base | None
    build_time: tuple[Base, ...]


def dependencies(builds: Iterable[Built]) -> tuple[Dependency, ...]:
    """Return each dependency once, in the order the builds met them."""
    return tuple(dict.fromkeys(dependency for build in builds for dependency in _of(build)))


def _of(build: Built) -> Iterator[Dependency]:
    if build.runtime:
        yield _dependency("Runtime", build.runtime)
    for base in build.build_time:
        yield _dependency("BuildTime", base)


def _dependency(role: Literal["Runtime", "BuildTime"], base: Base) -> Dependency:
    reference = base.reference
    return Dependency(role, reference.registry_in_acr, reference.repository, reference.tag, base.digest)


def report(builds: Iterable[Built], pushed: dict[Reference, str]) -> list[str]:
    """Return the log's dependency block: one entry for each tag, with the digest if it was pushed."""
    return [line for build in builds for tag in build.tags for line in _entry(Base(tag, pushed.get(tag, "")), build)]


def _entry(image: Base, build: Built) -> Iterator[str]:
    yield "- image:"
    yield from _fields(image, "    ")
    if build.runtime:
        yield "  runtime-dependency:"
        yield from _fields(build.runtime, "    ")
    if build.build_time:
        yield "  buildtime-dependency:"
    for base in build.build_time:
        first, *others = _fields(base, "    ")
        yield "  - " + first.strip()
        yield from others
    yield "  git: {}"


def _fields(base: Base, indent: str) -> Iterator[str]:
    yield f"{indent}registry: {base.reference.registry_in_acr}"
    yield f"{indent}repository: {base.reference.repository}"
    if base.reference.tag:
        yield f"{indent}tag: {base.reference.tag}"
    yield f"{indent}digest: {base.digest or chr(34) * 2}"
