"""What is built on each tag of the base registry, and on which of its digests, by the tasks as they were kept. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.references import Digest

Places = Mapping[tuple[str, str], Mapping[str, str]]


class Built(msgspec.Struct, frozen=True):
    """How many applications are built on a tag, and how many of them on what it is to be."""

    tasks: int = 0
    current: int = 0


NOTHING_BUILT = Built()


class Dependant(msgspec.Struct, frozen=True):
    """A task that is built on a tag: its registry and name, and the digest that it was last built on."""

    task: str
    digest: str


class Dependants(msgspec.Struct, frozen=True):
    """What is built on one tag.

    Attributes:
        place: the tag, such as ``base/node:22``.
        target: its id; empty if it is no target.
        wanted: what it is to be; empty if that is not known.
        tasks: what is built on it, by name.
    """

    place: str
    target: str
    wanted: str
    tasks: tuple[Dependant, ...]

    @property
    def behind(self) -> int:
        """How many are built on another digest than what is wanted."""
        return sum(one.digest != self.wanted for one in self.tasks)


def by_place(tasks: Iterable[ApplicationTask], login_server: str) -> Places:
    """Return the digest that each task was last built on, by repository and tag of the base registry, and task.

    Args:
        tasks: of the application registries.
        login_server: of the base registry.
    """
    found: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    host = base_name(login_server, "x").removesuffix("x")
    for task in tasks:
        for one in task.dependencies:
            whole = base_name(one.registry, one.repository)
            if host and whole.startswith(host):
                found[whole.removeprefix(host), one.tag][f"{task.registry}/{task.name}"] = one.digest
    return found


def counted(on: Mapping[str, str], wanted: Digest) -> Built:
    """Return how many tasks are built on a tag, and how many on what it is to be."""
    return NOTHING_BUILT if not on else Built(len(on), sum(digest == wanted for digest in on.values()))


def dependants(place: str, target: str, wanted: str, on: Mapping[str, str]) -> Dependants:
    """Return what is built on one tag."""
    return Dependants(place, target, wanted, tuple(Dependant(task, on[task]) for task in sorted(on)))
