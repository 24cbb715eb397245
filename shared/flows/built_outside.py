"""Tell which builds still take images from outside, and of a Dockerfile which of its lines leave the organisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.listing import KnownTasks, known_tasks
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.references import Repository
from shared.domain.waves.builders import task_id
from shared.domain.waves.dockerfile import Named, NamedBy, images_of
from shared.domain.waves.leaving import Origin, Ours, Taken, taken, unclear
from shared.domain.waves.references import parse_reference
from shared.errors import InvalidReference
from shared.rules.instead import Instead
from shared.rules.listings import KeptListings


class BuildOutside(msgspec.Struct, frozen=True):
    """A task that was last built on images from outside.

    Attributes:
        id: such as ``acr:contosoapps/shop``.
        owner: whose it is; ``None`` if nobody says so.
        enabled: whether it may be run.
        takes: those images, and what is written instead of each.
    """

    id: str
    owner: str | None
    enabled: bool
    takes: tuple[Taken, ...]


class BuildsTold(msgspec.Struct, frozen=True):
    """Some tasks that are built on images from outside.

    Attributes:
        builds: they, by their ids.
        after: the id to go on after; empty if there are no more.
        tasks: how many tasks are known.
        outside: how many of them are built on images from outside.
        registries: how much is known of each application registry.
        problems: what could not be read.
    """

    builds: tuple[BuildOutside, ...]
    after: str
    tasks: int
    outside: int
    registries: tuple[KnownTasks, ...]
    problems: tuple[str, ...]


class LineTold(msgspec.Struct, frozen=True, kw_only=True):
    """An image that a Dockerfile names.

    Attributes:
        line: on which the instruction begins, from 1.
        by: what names it.
        written: as it stands there.
        platform: the platform that it is taken of, if the file says so.
        arguments: build arguments that it depends on; whoever builds may give others.
        leaves: whether it comes from a registry of the world.
        takes: what it is, and what is written instead.
    """

    line: int
    by: NamedBy
    written: str
    platform: str
    arguments: tuple[str, ...]
    leaves: bool
    takes: Taken


class DockerfileTold(msgspec.Struct, frozen=True):
    """What a Dockerfile takes.

    Attributes:
        images: what it names, in its order.
        leaving: how many of them leave the organisation.
        unclear: of how many nobody can say whether they do.
    """

    images: tuple[LineTold, ...]
    leaving: int
    unclear: int


class OutsideTeller:
    """Tells it.

    Args:
        listings: the tasks of the application registries.
        instead: knows what is written instead.
    """

    def __init__(self, listings: KeptListings, instead: Instead) -> None:
        self._listings = listings
        self._instead = instead

    def builds(self, *, after: str, limit: int) -> BuildsTold:
        """Tell of tasks that were last built on images from outside; what is too old is listed anew meanwhile.

        Args:
            after: the id of the last one that was told of before; empty to begin.
            limit: how many at most.

        Raises:
            WatchListError: there is no watch list to go by.
            ServiceError: the storage account did not answer.
        """
        listed = self._listings.known(renew=True)
        bases = {one for task in listed.tasks for one in map(_image, task.dependencies) if one}
        ours = self._instead.known_of(_repositories(bases))
        said = {one: taken(one, ours) for one in bases}
        found = sorted(_outside(listed.tasks, said), key=lambda one: one.id)
        part = tuple(islice((one for one in found if one.id > after), limit + 1))
        return BuildsTold(
            builds=part[:limit],
            after=part[limit - 1].id if len(part) > limit else "",
            tasks=len(listed.tasks),
            outside=len(found),
            registries=tuple(map(known_tasks, listed.listings)),
            problems=listed.problems,
        )

    def dockerfile(self, content: bytes) -> DockerfileTold:
        """Tell of a Dockerfile which of its images leave the organisation; nothing is fetched.

        Raises:
            MalformedInput: it is none, or too large.
            WatchListError: there is no watch list to go by.
            ServiceError: the storage account did not answer.
        """
        named = images_of(content)
        ours = self._instead.known_of(_repositories(one.image for one in named if one.image))
        lines = tuple(_line(one, ours) for one in named)
        unknown = sum(one.takes.origin in {Origin.UNCLEAR, Origin.NOT_KNOWN} for one in lines)
        return DockerfileTold(lines, sum(one.leaves for one in lines), unknown)


def _repositories(images: Iterable[str]) -> Iterator[Repository]:
    for one in images:
        try:
            yield parse_reference(one).repository
        except InvalidReference:
            continue


def _image(one: Dependency) -> str:
    """ACR tells the tag and the digest that it was; a digest without a tag was written so."""
    name = base_name(one.registry, one.repository)
    if not name:
        return ""
    return f"{name}:{one.tag}" if one.tag else f"{name}@{one.digest}" if one.digest else name


def _outside(tasks: Iterable[ApplicationTask], said: dict[str, Taken]) -> Iterator[BuildOutside]:
    for task in tasks:
        images = sorted({image for one in task.dependencies if (image := _image(one))})
        takes = tuple(said[one] for one in images if said[one].origin is not Origin.OURS)
        if takes:
            yield BuildOutside(task_id(task.registry, task.name), task.owner or None, task.enabled, takes)


def _line(one: Named, ours: Ours) -> LineTold:
    takes = taken(one.image, ours) if one.image else unclear(one.written, one.unclear)
    return LineTold(
        line=one.line,
        by=one.by,
        written=one.written,
        platform=one.platform,
        arguments=one.arguments,
        leaves=takes.leaves,
        takes=takes,
    )
