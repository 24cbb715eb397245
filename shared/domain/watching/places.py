"""Which entry of the watch list writes a tag of the base registry: by the list, and where it has patterns, by what is
known of the upstream's tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.domain.references import Repository, Tag
from shared.domain.watching.observation import Observation, Presence
from shared.domain.watching.selection import choose, exact_tags
from shared.domain.watching.watch_list import Image

Observed = Mapping[Tag, Observation]


class Places:
    """Who writes the tags of one repository of the base registry.

    Args:
        images: the entries of the watch list whose target the repository is.
        observed: what is known of the upstream repositories of those that have patterns.
    """

    def __init__(self, images: Iterable[Image], observed: Mapping[Repository, Observed]) -> None:
        self._exact: dict[Tag, Image] = {}
        self._patterns: list[tuple[Image, Observed, frozenset[Tag]]] = []
        for image in images:
            for tag in exact_tags(image.rules).values():
                self._exact.setdefault(tag, image)
            if image.needs_listing:
                known = observed.get(image.repository, {})
                self._patterns.append((image, known, _targets(image, _present(known))))

    def entry_of(self, tag: Tag, source: Repository, source_tag: Tag) -> Image | None:
        """Return the entry that writes a tag, or ``None`` if none does.

        Args:
            tag: in the base registry.
            source: the upstream repository that it came from.
            source_tag: the upstream tag; what upstream deleted is kept, so it still counts for its own tag.
        """
        if tag in self._exact:
            return self._exact[tag]
        for image, known, targets in self._patterns:
            gone = image.repository == source and source_tag not in _present(known)
            if tag in targets or (gone and tag in _targets(image, (*_present(known), source_tag))):
                return image
        return None


def _present(known: Observed) -> tuple[Tag, ...]:
    return tuple(tag for tag, seen in known.items() if seen.presence is Presence.PRESENT)


def _targets(image: Image, tags: Iterable[Tag]) -> frozenset[Tag]:
    return frozenset(choice.target for choice in choose(image.rules, tags) if choice.target is not None)
