"""What the watch list says is built on tags and no registry knows of, and who is asked for it, by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shared.dispatch_ports import Dispatchers
from shared.domain.policy.rebuilding import ACR
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import BuilderKind
from shared.domain.promotion.target import Target
from shared.domain.references import Tag
from shared.domain.watching.rebuild_targets import RebuildTarget
from shared.domain.watching.watch_list import WatchList
from shared.domain.waves.builders import Builder
from shared.domain.waves.listed import listed_builders
from shared.wave_ports import BuiltElsewhere


class Elsewhere:
    """Knows it.

    Args:
        watch_list: gives the list in force.
        dispatchers: gives those of the settings.
        server: login server of the base registry.
    """

    def __init__(
        self, watch_list: Callable[[], WatchList], dispatchers: Callable[[], Dispatchers], server: str
    ) -> None:
        self._watch_list = watch_list
        self._dispatchers = dispatchers
        self._server = server

    def on(self, repository: str, tag: Tag, target: Target | None) -> tuple[BuiltElsewhere, ...]:
        """Return what is built on a tag of the base registry itself, whoever pushes that.

        Args:
            repository: in the base registry.
            tag: the tag.
            target: its record; ``None`` if it is none.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        name = base_name(self._server, repository)
        found = (one.id for one in self._all(target) if any((base.name, base.tag) == (name, tag) for base in one.bases))
        return tuple(self.named(one) for one in dict.fromkeys(found))

    def builders(self, target: Target) -> tuple[Builder, ...]:
        """Return all that the list names, with what it is built on; a target's tag may be known by a pattern alone.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        return tuple(self._all(target))

    def named(self, name: str) -> BuiltElsewhere:
        """Return who is asked for a build, by its id."""
        dispatcher, _, place = name.partition(":")
        if dispatcher == ACR:
            return BuiltElsewhere(name, dispatcher, place, BuilderKind.ACR_TASK)
        known = self._dispatchers().get(dispatcher)
        return BuiltElsewhere(name, dispatcher, place, known.kind if known is not None else None)

    def unknown(self, watch_list: WatchList) -> Mapping[str, tuple[str, ...]]:
        """Return the dispatchers that a list names and the settings do not, each with the entries that name it."""
        known = self._dispatchers()
        return {name: images for name, images in self.asked(watch_list).items() if name not in known}

    @staticmethod
    def asked(watch_list: WatchList) -> Mapping[str, tuple[str, ...]]:
        """Return all dispatchers that a list names, each with the entries that name it."""
        found: dict[str, list[str]] = {}
        for image in watch_list.base_images:
            for name in sorted({_dispatcher(one) for one in image.rebuild_targets} - {ACR}):
                found.setdefault(name, []).append(image.name)
        return {name: tuple(images) for name, images in found.items()}

    def _all(self, target: Target | None) -> Iterator[Builder]:
        return listed_builders(self._watch_list(), self._server, (target,) if target is not None else ())


def _dispatcher(one: RebuildTarget) -> str:
    return one.target.partition(":")[0]
