"""Locks what travels with images: each lock is written down before it is closed or opened, and read back after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from shared.domain.references import Digest, Tag
from shared.domain.travel import lock_changes as changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import Attributes, Right
from shared.domain.travel.locks import Judged, Move, Others, judged, needs_others, next_lock, others_of, wants_locks
from shared.errors import Paced, ServiceError, TidegateError, Unavailable
from shared.rules.companion_book import CompanionBook
from shared.travel_ports import LockRegistry, StoredCompanions

log = logging.getLogger("tidegate.companions")

# Reads which platforms an image has.
Parts = Callable[[Companions], Sequence[Digest]]
_MOST_STEPS = 200


class Locker:
    """Closes and opens locks.

    Args:
        book: where companions are.
        base: the base registry.
        parts: reads of which platforms an image is: they are locked with its index.
    """

    def __init__(self, book: CompanionBook, base: LockRegistry, parts: Parts) -> None:
        self._book = book
        self._base = base
        self._parts = parts

    def step(self, stored: StoredCompanions) -> StoredCompanions | None:
        """See to the next lock of an image.

        Returns:
            What was written; ``None`` if somebody was faster.

        Raises:
            ServiceError: the storage account did not answer.
        """
        known, now = stored.record, self._book.clock()
        of = next_lock(known, now)
        if of is None:
            return stored
        if (wants_locks(known) or known.blocked) and not known.manifests:
            return self._part(stored, of)
        found = _asked(lambda: self._base.attributes(known.repository, of))
        if isinstance(found, ServiceError):
            return self._fell(stored, of, found)
        others = self._others(known, of, now) if needs_others(known, of, found, now) else Others()
        return self._do(stored, of, found, judged(known, of, found, others, now))

    def release(self, repository: str, digest: Digest, names: Collection[Tag]) -> bool:
        """Open our locks of names that are about to be deleted, and of their image where nothing else locks it.

        That they are to be locked no more is written down first, then each lock that is opened: whoever dies in
        between does the rest when it is asked again, or the image is looked at.

        Args:
            repository: in the base registry.
            digest: which keeps the names.
            names: the unique tags.

        Returns:
            Whether none of our locks is in the way any more; what others locked stays so.

        Raises:
            ServiceError: the storage account did not answer.
        """
        stored = self._book.read(repository, digest)
        if stored is None:
            return True
        now = self._book.clock()
        noted = self._book.step(stored, lambda record: changes.released(record, names, now))
        for _ in range(_MOST_STEPS):
            if noted is None or next_lock(noted.record, now) is None:
                break
            noted = self.step(noted)
        return noted is not None and not any(_is_in_the_way(noted.record, name) for name in names)

    def open_for(self, stored: StoredCompanions, of: str) -> bool:
        """Open what is ours of one lock at once, for an import that was refused for it.

        Returns:
            Whether it is open. Its record says first that it is about to be; nobody closes it for an hour.

        Raises:
            ServiceError: the storage account did not answer.
        """
        lock, now = stored.record.lock_of(of), self._book.clock()
        if lock is None or not lock.ours:
            return True
        claimed = self._book.step(stored, lambda record: changes.releasing(record, of, now))
        if claimed is None:
            return False
        found = _asked(lambda: self._base.unlock(stored.record.repository, of, lock.ours))
        if isinstance(found, ServiceError):
            return self._fell(claimed, of, found) is None
        return self._book.step(claimed, lambda record: changes.forgotten(record, of, now)) is not None

    def _part(self, stored: StoredCompanions, of: str) -> StoredCompanions | None:
        now = self._book.clock()
        try:
            parts = tuple(self._parts(stored.record))
        except Paced:
            raise
        except TidegateError as error:
            return self._fell(stored, of, error)
        return self._book.step(stored, lambda record: changes.known_parts(record, parts, now))

    def _others(self, known: Companions, of: str, now: datetime) -> Others:
        every = self._book.records.of_repository(known.registry, known.repository)
        return others_of((one.record for one in every), of, known.id, now)

    def _do(
        self, stored: StoredCompanions, of: str, found: Attributes | None, to_do: Judged
    ) -> StoredCompanions | None:
        known = stored.record
        if to_do.move is Move.CLOSE:
            claimed = self._noted(stored, lambda record, now: changes.claimed(record, of, to_do.ours, now))
            close = lambda: self._base.lock(known.repository, of, to_do.rights)  # noqa: E731
            return self._read_back(claimed, of, close) if claimed is not None else None
        if to_do.move is Move.OPEN:
            claimed = self._noted(stored, lambda record, now: changes.releasing(record, of, now))
            unlock = lambda: self._base.unlock(known.repository, of, to_do.rights)  # noqa: E731
            return self._read_back(claimed, of, unlock) if claimed is not None else None
        return self._settled(stored, of, found, to_do)

    def _read_back(
        self, claimed: StoredCompanions, of: str, call: Callable[[], Attributes | None]
    ) -> StoredCompanions | None:
        """A tag may have moved between its import and its lock: what the registry tells of it says that as well."""
        found = _asked(call)
        if isinstance(found, ServiceError):
            return self._fell(claimed, of, found)
        now = self._book.clock()
        to_do = judged(claimed.record, of, found, Others(), now)
        if to_do.move in {Move.CLOSE, Move.OPEN}:
            told = f"the registry was asked for the lock of {of}, and tells that it is as it was"
            return self._fell(claimed, of, Unavailable(told))
        return self._settled(claimed, of, found, to_do)

    def _settled(
        self, stored: StoredCompanions, of: str, found: Attributes | None, to_do: Judged
    ) -> StoredCompanions | None:
        if to_do.move is Move.KEEP and found is not None:
            closed = found.closed
            return self._noted(stored, lambda record, now: changes.kept(record, of, to_do.ours, closed, now))
        if to_do.move is Move.MOVED:
            log.warning("%s: %s points at something else, and is not locked", stored.record.id, of)
            return self._noted(stored, lambda record, now: changes.moved_away(record, of, now))
        change = {Move.MISSING: changes.missed, Move.WAIT: changes.waits}.get(to_do.move, changes.forgotten)
        return self._noted(stored, lambda record, now: change(record, of, now))

    def _noted(
        self, stored: StoredCompanions, change: Callable[[Companions, datetime], Companions]
    ) -> StoredCompanions | None:
        now = self._book.clock()
        return self._book.step(stored, lambda record: change(record, now))

    def _fell(self, stored: StoredCompanions, of: str, error: TidegateError) -> StoredCompanions | None:
        if not isinstance(error, Paced):
            log.warning("the lock of %s of %s is not as it is wanted: %s", of, stored.record.id, error)
        now = self._book.clock()
        return self._book.step(stored, lambda record: changes.lock_fell(record, of, error, now))


def _asked(call: Callable[[], Attributes | None]) -> Attributes | ServiceError | None:
    """What the registry does not do is the lock's trouble; the storage account's errors are everybody's."""
    try:
        return call()
    except ServiceError as error:
        return error


def _is_in_the_way(known: Companions, name: Tag) -> bool:
    lock = known.lock_of(name)
    return lock is not None and Right.WRITE in lock.ours
