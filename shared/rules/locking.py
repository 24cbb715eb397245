"""Locks what travels with images: each lock is written down before it is closed or opened, and read back after."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from shared.domain.housekeeping.companions import let_go, without
from shared.domain.references import Digest, Tag
from shared.domain.travel import lock_changes as changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import CHANGES, Attributes, Lock, Released
from shared.domain.travel.locks import (
    Judged,
    Move,
    Others,
    judged,
    needs_others,
    next_lock,
    others_of,
    wanted_locks,
    wants_locks,
)
from shared.domain.travel.next_step import scheduled
from shared.errors import Paced, ServiceError, TidegateError, Unavailable
from shared.rules.companion_book import CompanionBook
from shared.travel_ports import LockRegistry, StoredCompanions

log = logging.getLogger("tidegate.companions")

# Reads which platforms an image has.
Parts = Callable[[Companions], Sequence[Digest]]
_MOST_STEPS = 200
# One to look, and one to open.
_REQUESTS_OF_A_STEP = 2


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

    def release(self, repository: str, digest: Digest, name: Tag | None = None) -> Released:
        """Open our locks of what is about to be deleted: of a name, and of its image where nothing else locks it.

        That they are to be locked no more is written down first, then each lock that is opened: whoever dies in
        between leaves an image that is looked at some minutes later, and then locks what is there still.

        Args:
            repository: in the base registry.
            digest: which keeps the name.
            name: the unique tag; without one the image goes, with all its names.

        Returns:
            What is in the way still; what others locked stays so, and is not told here.

        Raises:
            ServiceError: the storage account did not answer.
        """
        stored, now, steps = self._book.read(repository, digest), self._book.clock(), 0
        if stored is None:
            return Released()
        noted = self._book.step(stored, lambda record: changes.released(record, name, now))
        while noted is not None and steps < _MOST_STEPS and _is_left(noted.record, now):
            noted, steps = self.step(noted), steps + 1
        told = _in_the_way(noted.record, name, now) if noted is not None else "its record was changed by another worker"
        return Released(told, steps * _REQUESTS_OF_A_STEP)

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
        if to_do.move in {Move.MISSING, Move.MOVED} and _is_let_go(known, of):
            return self._let_go(stored, Tag(of))
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

    def _let_go(self, stored: StoredCompanions, name: Tag) -> StoredCompanions | None:
        """A name that was opened to be deleted was so; who died right after it could not say whether all of it was."""
        known = stored.record
        there = _asked(lambda: self._base.attributes(known.repository, known.digest))
        if isinstance(there, ServiceError):
            return self._fell(stored, name, there)
        if there is None:
            return self._noted(stored, let_go)
        return self._noted(stored, lambda record, now: scheduled(without(record, (name,)), now))

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


def _is_left(known: Companions, now: datetime) -> bool:
    """Whether anything is to be opened still; what cannot be deleted for one lock keeps the others."""
    return next_lock(known, now) is not None and not any(_fails(known, now))


def _fails(known: Companions, now: datetime) -> Iterator[Lock]:
    wanted = wanted_locks(known, now)
    tried = (one for one in known.locks if one.tries.trouble and not one.tries.may(now))
    return (one for one in tried if one.of not in wanted)


def _in_the_way(known: Companions, name: Tag | None, now: datetime) -> str:
    """A platform that another image wants to be locked stays so, and is in nobody's way."""
    goes = {name} if name is not None else {known.digest, *(one.name for one in known.unique)}
    left = (one for one in known.locks if one.of in goes and not CHANGES.isdisjoint(one.ours))
    lock = next(chain(_fails(known, now), left), None)
    if lock is None:
        return ""
    return f"our lock of {lock.of} is not open: {lock.tries.trouble or 'something else wants it'}"


def _is_let_go(known: Companions, of: str) -> bool:
    return any(one.name == of and one.released_at is not None for one in known.unique)
