"""Takes what stands in the base registry as it is when an entry of the watch list first speaks of it."""

from __future__ import annotations

import logging

from shared.domain.promotion.adopting import adopted, to_be_replaced
from shared.domain.promotion.reconciling import scheduled
from shared.domain.promotion.rulings import begun_as
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.references import Digest, Tag
from shared.errors import ServiceError
from shared.ports import Registry
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.adoption")


class Adopter:
    """Adopts tags of the base registry.

    Args:
        book: where targets are.
        base: the base registry.
    """

    def __init__(self, book: TargetBook, base: Registry) -> None:
        self._book = book
        self._base = base

    def adopt(self, repository: str, tag: Tag, origin: Origin, sighting: Sighting) -> Digest | ServiceError | None:
        """Make a tag's first record of what it points at, if there is no record yet and the tag is there.

        Args:
            repository: in the base registry.
            tag: in the base registry.
            origin: for which entry of the watch list.
            sighting: what its source points at.

        Returns:
            What was adopted; or why the base registry could not be read: nothing may be imported before it was.
            ``None`` if nothing stands there, or there was no need to look.

        Raises:
            ServiceError: the storage account failed.
        """
        if self._book.of(repository, tag) is not None:
            return None
        try:
            found = self._base.digest(repository, tag)
        except ServiceError as error:
            log.warning("%s:%s cannot be begun before the base registry can be read: %s", repository, tag, error)
            return error
        if found is not None:
            fresh = Target(registry=self._book.registry, repository=repository, tag=tag, origin=origin)
            first = adopted(fresh, found, sighting, self._book.clock())
            self._book.change(fresh.id, lambda known: begun_as(known, first))
            log.info("%s:%s stands in the base registry as %s, and is adopted", repository, tag, found)
        return found

    def give_up(self, repository: str, tag: Tag) -> None:
        """Let what was adopted be replaced by what its source bears, once that has passed; the sweep goes on."""
        now = self._book.clock()

        def replace(known: Target | None) -> Target | None:
            if known is None or known.adopted is None:
                return None
            return scheduled(to_be_replaced(known, now), now)

        self._book.change(target_id(self._book.registry, repository, tag), replace)
