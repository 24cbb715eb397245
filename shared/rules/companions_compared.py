"""What lies beside digests compared with what should: names and referrers that are gone are brought again.

Two listings a repository: of its tags, which are listed anyway, and of its manifests, where anything has come to lie
beside an image that is in force.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.travel.changes import lost
from shared.domain.travel.companions import Companions
from shared.domain.travel.referrers import ReferrerState
from shared.errors import ServiceError
from shared.rules.companion_book import CompanionBook
from shared.travel_ports import StoredCompanions, TravelRegistry

log = logging.getLogger("tidegate.companions")


class CompanionsCompared:
    """Compares what lies beside the digests of a repository.

    Args:
        book: where companions are.
        base: the base registry.
    """

    def __init__(self, book: CompanionBook, base: TravelRegistry) -> None:
        self._book = book
        self._base = base

    def compare(self, repository: str, tags: Mapping[Tag, Digest], targets: Iterable[Target]) -> None:
        """Have brought again what is gone from beside what is in force; what cannot be listed says nothing.

        Args:
            repository: in the base registry.
            tags: as they were just listed.
            targets: those of the repository that are on the list.

        Raises:
            ServiceError: the storage account did not answer.
        """
        in_force = {target.wanted for target in targets if target.reached == target.number}
        found = [
            stored
            for stored in self._book.records.of_repository(self._book.registry, repository)
            if stored.record.digest in in_force
        ]
        held = self._held(repository, [stored.record for stored in found])
        for stored in found:
            self._put_right(stored, tags, held)

    def _held(self, repository: str, found: Collection[Companions]) -> frozenset[Digest] | None:
        """Return what the registry has by digest; ``None`` if that is not known, or nothing is to be compared by it."""
        if not any(_beside(one) for one in found):
            return None
        try:
            return self._base.digests(repository)
        except ServiceError as error:
            log.warning("the manifests of %s could not be listed, which says nothing of them: %s", repository, error)
            return None

    def _put_right(self, stored: StoredCompanions, tags: Mapping[Tag, Digest], held: frozenset[Digest] | None) -> None:
        known, now = stored.record, self._book.clock()
        names = frozenset(
            one.name for one in known.unique if _is_settled(one.landed_at, now) and tags.get(one.name) != known.digest
        )
        gone = frozenset(_beside(known, now)) - (held if held is not None else frozenset(_beside(known, now)))
        if not names and not gone:
            return
        log.warning("%s lost %s beside it, which is brought again", known.id, ", ".join(sorted({*names, *gone})))
        after = self._book.step(stored, lambda record: lost(record, gone, names, now))
        if after is not None:
            self._book.wake(after.record)


def _beside(known: Companions, now: datetime | None = None) -> list[Digest]:
    """Return what the registry should have of an image, but for what came just now: a listing may lag."""
    arrived = [
        one.digest
        for one in known.referrers
        if one.state is ReferrerState.ARRIVED and (now is None or _is_settled(one.arrived_at, now))
    ]
    return [known.digest, *arrived] if arrived else []


def _is_settled(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at >= LAG_PATIENCE
