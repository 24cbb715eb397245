"""Knows where the base registry has what builds take from elsewhere: by the targets, and by what the list names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from shared.domain.references import Repository, Tag
from shared.domain.watching.selection import exact_tags
from shared.domain.watching.watch_list import Image, WatchList
from shared.domain.waves.leaving import Here, Ours
from shared.target_ports import Targets


class Instead:
    """Puts it together.

    Args:
        targets: what the base registry's tags are.
        watch_list: gives the list in force.
        registry: the base registry's name.
        base: its login server.
        hosts: login servers of all registries that the settings name.
    """

    def __init__(
        self, targets: Targets, watch_list: Callable[[], WatchList], registry: str, base: str, hosts: Iterable[str]
    ) -> None:
        self._targets = targets
        self._watch_list = watch_list
        self._registry = registry
        self._base = base
        self._hosts = frozenset(one.lower().removesuffix(":443") for one in hosts)

    def known_of(self, repositories: Iterable[Repository]) -> Ours:
        """Return what is known of some upstream repositories: a transaction for each that they go to.

        Raises:
            WatchListError: there is no watch list to go by.
            ServiceError: the targets cannot be read.
        """
        watch_list = self._watch_list()
        entries = [one for name in sorted(set(repositories)) for one in watch_list.of_repository(name)]
        images = [one for one in entries if not one.is_tool]
        here = {(name, tag): one for name, tag, one in self._named(images)}
        here |= {(name, tag): one for name, tag, one in self._seen({one.target for one in images})}
        return Ours(self._hosts, self._base, here, frozenset(one.repository for one in images))

    @staticmethod
    def _named(images: Iterable[Image]) -> Iterator[tuple[Repository, Tag, Here]]:
        """What is named exactly may have no target yet."""
        for image in images:
            for tag, to in exact_tags(image.rules).items():
                yield image.repository, tag, Here(f"{image.target}:{to}", image.name)

    def _seen(self, repositories: Iterable[str]) -> Iterator[tuple[Repository, Tag, Here]]:
        for repository in sorted(repositories):
            for stored in self._targets.of_repository(self._registry, repository):
                one = stored.record
                if one.let_go is None:
                    yield one.origin.source, one.origin.source_tag, Here(str(one.place), one.origin.image, one.seen)
