"""In-memory doubles of the ports of what travels with images."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.domain.references import Tag
from shared.domain.travel.companions import Companions, parts_of_companions
from shared.errors import Conflict
from shared.travel_ports import NamedDigest, StoredCompanions
from tests.doubles.storage import Hook, OneAtATime


class InMemoryCompanions(OneAtATime):
    """``CompanionRecords`` in a dictionary. Rows are kept as JSON, as the table does."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._versions = itertools.count(1)
        self._rows: dict[str, tuple[bytes, str]] = {}

    def get(self, companions_id: str) -> StoredCompanions | None:
        """See ``CompanionRecords.get``."""
        self._raise_scripted("get")
        parts_of_companions(companions_id)
        with self._lock:
            row = self._rows.get(companions_id)
        return _stored(row) if row else None

    def insert(self, companions: Companions) -> StoredCompanions:
        """See ``CompanionRecords.insert``."""
        with self._change("insert"):
            if companions.id in self._rows:
                raise Conflict(f"{companions.id} is there already")
            return self._put(companions)

    def replace(self, stored: StoredCompanions, companions: Companions) -> StoredCompanions:
        """See ``CompanionRecords.replace``."""
        with self._change("replace"):
            if companions.id not in self._rows or self._rows[companions.id][1] != stored.etag:
                raise Conflict(f"{companions.id} was changed by another worker")
            return self._put(companions)

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.of_repository``."""
        found = self._all("of_repository")
        return (one for one in found if (one.record.registry, one.record.repository) == (registry, repository))

    def every(self, registry: str) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.every``."""
        return (one for one in self._all("every") if one.record.registry == registry)

    def due(self, moment: datetime) -> Iterator[StoredCompanions]:
        """See ``CompanionRecords.due``."""
        found = self._all("due")
        return (one for one in found if one.record.look_at is not None and one.record.look_at <= moment)

    def _all(self, method: str) -> list[StoredCompanions]:
        self._raise_scripted(method)
        with self._lock:
            return [_stored(row) for _, row in sorted(self._rows.items())]

    def _put(self, companions: Companions) -> StoredCompanions:
        self._rows[companions.id] = (msgspec.json.encode(companions), f"companions:{next(self._versions)}")
        return _stored(self._rows[companions.id])


class InMemoryUniqueNames(OneAtATime):
    """``UniqueNames`` in a dictionary."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._names: dict[tuple[str, str, Tag], NamedDigest] = {}

    def claim(self, named: NamedDigest) -> NamedDigest:
        """See ``UniqueNames.claim``."""
        with self._change("claim"):
            return self._names.setdefault((named.registry, named.repository, named.name), named)

    def get(self, registry: str, repository: str, name: Tag) -> NamedDigest | None:
        """See ``UniqueNames.get``."""
        self._raise_scripted("get")
        return self._names.get((registry, repository, name))

    def of_repository(self, registry: str, repository: str) -> Iterator[NamedDigest]:
        """See ``UniqueNames.of_repository``."""
        self._raise_scripted("of_repository")
        found = sorted(self._names.items())
        return (one for (of, path, _), one in found if (of, path) == (registry, repository))


def _stored(row: tuple[bytes, str]) -> StoredCompanions:
    return StoredCompanions(msgspec.json.decode(row[0], type=Companions), row[1])
