"""Keeps a tag where somebody locked it: an import would get past the lock, and whoever set it meant something by it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from shared.domain.promotion.target import FAILED_BY_LOCK, Target
from shared.domain.travel import lock_changes as changes
from shared.domain.travel.locked import Attributes, Right
from shared.domain.travel.locks import others_of
from shared.domain.travel.next_step import Todo, next_step
from shared.domain.watching.travelling import Lockable, Travelling
from shared.rules.companion_book import CompanionBook
from shared.rules.locking import Locker
from shared.travel_ports import LockRegistry, StoredCompanions

log = logging.getLogger("tidegate.companions")

_MOST_STEPS = 8


class LockBar:
    """Says whether a tag is locked by others, and locks it once it has moved.

    Args:
        book: where companions are, which say what we locked.
        base: the base registry.
        locker: closes and opens locks.
    """

    def __init__(self, book: CompanionBook, base: LockRegistry, locker: Locker) -> None:
        self._book = book
        self._base = base
        self._locker = locker

    def held(self, target: Target, asked: Travelling) -> str | None:
        """Return who keeps a tag where it is, for people; ``None`` if nobody does.

        Imports move locked tags, and leave the lock on them, so that our own stays. It is opened only where an import
        was refused for it.

        Raises:
            ServiceError: the registry or the storage account did not answer; then nothing is known.
        """
        if not {Lockable.UNIQUE, Lockable.STABLE}.intersection(asked.locks):
            return None
        place = f"{self._book.registry}/{target.repository}"
        if _is_closed(self._base.attributes(target.repository, "")):
            return f"the repository {place} as a whole is locked, which is never done by this app"
        found = self._base.attributes(target.repository, target.tag)
        refused = target.failed_by == FAILED_BY_LOCK
        if not _is_closed(found) and not refused:
            return None
        owners = [one for one in self._every(target) if _is_ours(one, target.tag)]
        if _is_closed(found) and not owners:
            return f"{place}:{target.tag} is locked, and not by this app"
        if not refused:
            return None
        self._open(target, owners)
        manifest = f"{place}@{target.wanted}"
        stays = _is_closed(self._base.attributes(target.repository, target.wanted))
        return f"the import was refused, and {manifest} is locked, not by this app" if stays else None

    def landed(self, target: Target, asked: Travelling) -> None:
        """Take note that a tag bears what is wanted, and lock it, if it can be: nobody's rebuild waits for more.

        What cannot be locked now is when the image is looked at, which is seen to.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if Lockable.STABLE not in asked.locks:
            return
        stored = self._book.read(target.repository, target.wanted)
        now = self._book.clock()
        noted = stored and self._book.step(stored, lambda record: changes.borne(record, target.tag, target.number, now))
        for _ in range(_MOST_STEPS):
            if noted is None or next_step(noted.record, now) is not Todo.LOCK:
                break
            noted = self._locker.step(noted)
        if noted is not None:
            self._book.wake(noted.record)

    def _open(self, target: Target, owners: list[StoredCompanions]) -> None:
        """An import into the tag was refused. That our locks are to be open is written down before any is."""
        now = self._book.clock()
        wanted = self._book.read(target.repository, target.wanted)
        noted = wanted and self._book.step(
            wanted, lambda record: changes.opened(record, target.tag, target.number, now)
        )
        if noted is None:
            return
        log.warning("%s is unlocked, as its import was refused; it is locked again once it has landed", target.id)
        for one in owners:
            fresh = self._book.read(one.record.repository, one.record.digest)
            left = fresh and self._book.step(
                fresh, lambda record: changes.opened(record, target.tag, target.number, now)
            )
            if left is not None:
                self._locker.open_for(left, target.tag)
        for of in (noted.record.digest, *noted.record.manifests):
            self._open_part(target, of)

    def _open_part(self, target: Target, of: str) -> None:
        """What another image wants to be locked stays so."""
        fresh, now = self._book.read(target.repository, target.wanted), self._book.clock()
        if fresh is None or fresh.record.lock_of(of) is None:
            return
        others = others_of((one.record for one in self._every(target)), of, fresh.record.id, now)
        if not others.wanted:
            self._locker.open_for(fresh, of)

    def _every(self, target: Target) -> Iterator[StoredCompanions]:
        return self._book.records.of_repository(self._book.registry, target.repository)


def _is_closed(found: Attributes | None) -> bool:
    """What cannot be written cannot be moved by a push; what alone cannot be deleted can."""
    return found is not None and Right.WRITE in found.closed


def _is_ours(stored: StoredCompanions, tag: str) -> bool:
    lock = stored.record.lock_of(tag)
    return lock is not None and Right.WRITE in lock.ours
