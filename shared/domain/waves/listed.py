"""What the watch list says is built on an entry's tags: on those that it names, or took by a pattern. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.target import Target
from shared.domain.watching.selection import exact_tags
from shared.domain.watching.watch_list import Image, WatchList
from shared.domain.waves.builders import Base, Builder, HowKnown, of_target


def listed_builders(watch_list: WatchList, server: str, targets: Iterable[Target]) -> Iterator[Builder]:
    """Return all that a list names under ``rebuilds``, each with what it is built on.

    Args:
        watch_list: it.
        server: login server of the base registry.
        targets: tags that entries may have taken by a pattern, of which the list says no name.
    """
    taken: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in targets:
        taken[one.origin.image, one.repository].add(one.tag)
    for image in watch_list.base_images:
        bases = _bases(image, server, taken) if image.rebuilds else ()
        for target in image.rebuild_targets:
            yield of_target(target, bases)


def _bases(image: Image, server: str, taken: defaultdict[tuple[str, str], set[str]]) -> tuple[Base, ...]:
    tags = {*exact_tags(image.rules).values(), *taken[image.name, image.target]}
    name = base_name(server, image.target)
    return tuple(Base(name, tag, known=HowKnown.LISTED, watched=False) for tag in sorted(tags))
