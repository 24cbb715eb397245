"""What housekeeping knows of what travels with images: unique tags by their names' records, and what is on its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.domain.housekeeping.companions import digests_of, is_on_its_way, let_go, without
from shared.domain.housekeeping.judging import Going, Unique
from shared.domain.housekeeping.reasons import Place
from shared.domain.references import Digest
from shared.domain.travel.companions import companions_id
from shared.errors import Conflict
from shared.ports import Clock
from shared.travel_ports import CompanionRecords, UniqueNames

_TRIES = 8


class RecordedTravel:
    """Reads the records of companions and of unique tags.

    Args:
        companions: what lies, or is to lie, beside digests in the base registry.
        names: which digest has which unique tag, for good.
        registry: name of the base registry.
        clock: tells the time.
    """

    def __init__(self, companions: CompanionRecords, names: UniqueNames, registry: str, clock: Clock) -> None:
        self._companions = companions
        self._names = names
        self._registry = registry.lower()
        self._clock = clock

    def uniques(self, repository: str) -> Iterable[Unique]:
        """See ``Travel.uniques``. A name is given once, and known to be ours for as long as its record is there."""
        found = self._names.of_repository(self._registry, repository)
        return tuple(Unique(one.name, one.digest, one.tag, one.at) for one in found)

    def needed(self, place: Place) -> Iterator[tuple[str, Digest]]:
        """See ``Travel.needed``."""
        now = self._clock()
        for companions in (stored.record for stored in self._companions.every(self._registry)):
            if is_on_its_way(companions, now):
                where = companions.staging if place is Place.STAGING else companions.repository
                yield from ((where, digest) for digest in digests_of(companions))

    def needs(self, repository: str, digest: Digest) -> bool:
        """See ``Travel.needs``."""
        stored = self._companions.get(companions_id(self._registry, repository, digest))
        return stored is not None and is_on_its_way(stored.record, self._clock())

    def let_go(self, repository: str, going: Going) -> None:
        """See ``Travel.let_go``.

        Raises:
            Conflict: others changed the record every time.
        """
        for _ in range(_TRIES):
            stored = self._companions.get(companions_id(self._registry, repository, going.digest))
            if stored is None:
                return
            known = stored.record
            try:
                self._companions.replace(stored, without(known, (going.tag,)) if going.tag else let_go(known))
            except Conflict:
                continue
            return
        raise Conflict(f"the companions of {repository}@{going.digest} change too fast; it is tried again")
