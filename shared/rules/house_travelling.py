"""What housekeeping knows of what travels with images: unique tags by their names' records, and what is on its way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from shared.domain.housekeeping.companions import digests_of, forgotten, is_on_its_way, let_go, replaced_in, without
from shared.domain.housekeeping.judging import Going, Said, Unique
from shared.domain.housekeeping.reasons import Place
from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions, companions_id
from shared.domain.travel.locked import Released
from shared.domain.travel.locks import is_locking, ours_alone
from shared.errors import Conflict
from shared.ports import Clock
from shared.travel_ports import CompanionRecords, StoredCompanions, UniqueNames

_TRIES = 8

# Opens our locks of a name of a digest in a repository, or of the digest as a whole; see ``Locker.release``.
Release = Callable[[str, Digest, Tag | None], Released]


class RecordedTravel:
    """Reads the records of companions and of unique tags.

    Args:
        companions: what lies, or is to lie, beside digests in the base registry.
        names: which digest has which unique tag, for good.
        registry: name of the base registry.
        clock: tells the time.
        release: opens our locks.
    """

    def __init__(
        self, companions: CompanionRecords, names: UniqueNames, registry: str, clock: Clock, release: Release
    ) -> None:
        self._companions = companions
        self._names = names
        self._registry = registry.lower()
        self._clock = clock
        self._release = release

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

    def release(self, repository: str, going: Going) -> Released | None:
        """See ``Travel.release``.

        Raises:
            Conflict: others changed the record every time.
        """
        stored = self._companions.get(companions_id(self._registry, repository, going.digest))
        if stored is None:
            return None
        if is_locking(stored.record):
            return self._release(repository, going.digest, going.tag or None)
        self._change(stored.record.id, partial(self._without, going), stored)
        return None

    def let_go(self, repository: str, going: Going) -> None:
        """See ``Travel.let_go``.

        Raises:
            Conflict: others changed the record every time.
        """
        self._change(companions_id(self._registry, repository, going.digest), partial(self._without, going))

    def _without(self, going: Going, known: Companions) -> Companions:
        return without(known, (going.tag,)) if going.tag else let_go(known, self._clock())

    def said(self, repository: str) -> Said:
        """See ``Travel.said``."""
        every, now = [stored.record for stored in self._of(repository)], self._clock()
        return Said(frozenset(one for record in every for one in replaced_in(record, now)), ours_alone(every))

    def forget(self, repository: str, gone: Collection[Digest]) -> None:
        """See ``Travel.forget``.

        Raises:
            Conflict: others changed a record every time.
        """
        now = self._clock()
        for companions in (stored.record for stored in self._of(repository)):
            if not replaced_in(companions, now).isdisjoint(gone):
                self._change(companions.id, lambda known: forgotten(known, gone))

    def _of(self, repository: str) -> tuple[StoredCompanions, ...]:
        return tuple(self._companions.of_repository(self._registry, repository))

    def _change(
        self, of: str, change: Callable[[Companions], Companions], stored: StoredCompanions | None = None
    ) -> None:
        for _ in range(_TRIES):
            stored = stored or self._companions.get(of)
            if stored is None:
                return
            try:
                self._companions.replace(stored, change(stored.record))
            except Conflict:
                stored = None
                continue
            return
        raise Conflict(f"the companions {of} change too fast; it is tried again")
