"""What lies beside digests compared with what should: names, referrers and locks that are gone are brought again.

Two listings a repository: of its tags, which are listed anyway, and of its manifests, where anything has come to lie
beside an image that is in force, or is locked. Both tell the locks of what they list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime

from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.travel.changes import lost
from shared.domain.travel.companions import Companions
from shared.domain.travel.lock_comparison import Found, compared
from shared.domain.travel.locked import ListedTags, LockState, Right
from shared.domain.travel.referrers import ReferrerState
from shared.domain.watching.travelling import Lockable, ReferrerMode, Travelling
from shared.errors import ServiceError
from shared.rules.companion_bar import CompanionBar
from shared.rules.companion_book import CompanionBook
from shared.travel_ports import StoredCompanions, TravelRegistry

log = logging.getLogger("tidegate.companions")

# Each asks its upstream for a list, and others of the repository wait for that.
_BEGUN_A_LOOK = 3

# What is there by digest, each with what it is closed to.
Held = Mapping[Digest, frozenset[Right]]


class CompanionsCompared:
    """Compares what lies beside the digests of a repository.

    Args:
        book: where companions are.
        base: the base registry.
        bar: begins the companions of what is in force and has none.
        asked: gives what the entry of a target asks to travel.
    """

    def __init__(
        self, book: CompanionBook, base: TravelRegistry, bar: CompanionBar, asked: Callable[[Target], Travelling]
    ) -> None:
        self._book = book
        self._base = base
        self._bar = bar
        self._asked = asked

    def compare(self, repository: str, tags: Mapping[Tag, Digest], targets: Collection[Target]) -> None:
        """Have brought again what is gone from beside what is wanted; what cannot be listed says nothing.

        Args:
            repository: in the base registry.
            tags: as they were just listed.
            targets: those of the repository that are on the list.

        Raises:
            ServiceError: which list is in force cannot be read, or the storage account did not answer.
        """
        in_force = [target for target in targets if target.wanted and target.reached == target.number]
        # What waits for its tag has none yet that would keep a purge from it.
        wanted = {target.wanted for target in targets if target.wanted}
        every = list(self._book.records.of_repository(self._book.registry, repository))
        self._begin(in_force, every)
        found = [stored for stored in every if stored.record.digest in wanted]
        blocked = self._blocked(targets)
        locked = [stored for stored in every if _is_locked(stored.record) or stored.record.digest in blocked]
        held = self._held(repository, [stored.record for stored in found], by_locks=bool(locked))
        for stored in found:
            self._put_right(stored, tags, held)
        in_use = _in_use(in_force, [stored.record for stored in every], blocked) if blocked else ()
        for stored in locked:
            self._compare_locks(stored, Found(tags, _closed(tags), held, tuple(targets), blocked, in_use))

    def _begin(self, in_force: Iterable[Target], known: Iterable[StoredCompanions]) -> None:
        """What came before its entry asked for anything is begun with, some at a time, where the entry says so itself.

        By default what refers to an image comes with its next update: else a new version would ask for all at once.
        """
        wants = {(want.tag, stored.record.digest): want.asked for stored in known for want in stored.record.wants}
        other = (one for one in in_force if wants.get((one.tag, one.wanted)) != self._asked(one))
        begun = [target for target in other if _is_asked_for(self._asked(target))]
        for target in begun[:_BEGUN_A_LOOK]:
            self._bar.keeps(target, self._asked(target))

    def _blocked(self, targets: Iterable[Target]) -> frozenset[Digest]:
        """What is blocked for any tag of a repository is not to be pulled from it at all, where an entry says so."""
        said = [target for target in targets if target.blocked and Lockable.BLOCKED in self._asked(target).locks]
        return frozenset(one.digest for target in said for one in target.blocked)

    def _compare_locks(self, stored: StoredCompanions, found: Found) -> None:
        """What was put right just now is compared by the next look."""
        known, now = stored.record, self._book.clock()
        if compared(known, found, now) == known:
            return
        after = self._book.step(stored, lambda record: compared(record, found, now))
        if after is not None:
            _tell_undone(known, after.record)
            self._book.wake(after.record)

    def _held(self, repository: str, found: Collection[Companions], *, by_locks: bool) -> Held | None:
        """Return what the registry has by digest; ``None`` if that is not known, or nothing is to be compared by it."""
        try:
            if by_locks or any(_beside(one) for one in found):
                return self._base.closed(repository)
        except ServiceError as error:
            log.warning("the manifests of %s could not be listed, which says nothing of them: %s", repository, error)
        return None

    def _put_right(self, stored: StoredCompanions, tags: Mapping[Tag, Digest], held: Held | None) -> None:
        known, now = stored.record, self._book.clock()
        names = frozenset(
            one.name for one in known.unique if _is_settled(one.landed_at, now) and tags.get(one.name) != known.digest
        )
        gone = frozenset(_beside(known, now)) - (held.keys() if held is not None else frozenset(_beside(known, now)))
        gone |= frozenset(_untagged(known, tags, now))
        if not names and not gone:
            return
        log.warning("%s lost %s beside it, which is brought again", known.id, ", ".join(sorted({*names, *gone})))
        after = self._book.step(stored, lambda record: lost(record, gone, names, now))
        if after is not None:
            self._book.wake(after.record)


def _is_asked_for(asked: Travelling) -> bool:
    said = asked.referrers is ReferrerMode.REQUIRED or bool(asked.unique_tag) or asked.record
    return said or bool(asked.locks)


def _beside(known: Companions, now: datetime | None = None) -> list[Digest]:
    """Return what the registry should have of an image, but for what came just now: a listing may lag."""
    came = [one for one in known.referrers if one.state is ReferrerState.ARRIVED]
    arrived = [one.digest for one in came if now is None or _is_settled(one.arrived_at, now)]
    waits = known.image_at is not None and any(want.ready_at is None for want in known.wants)
    if not came and not known.locks and not waits:
        return []
    image = (known.digest, *known.manifests) if now is None or _is_settled(known.image_at, now) else ()
    return list(dict.fromkeys((*image, *arrived)))


def _untagged(known: Companions, tags: Mapping[Tag, Digest], now: datetime) -> Iterator[Digest]:
    """What older clients find by its tag alone is lost to them with the tag, though its manifest is still there."""
    for one in known.referrers:
        arrived = one.state is ReferrerState.ARRIVED and _is_settled(one.arrived_at, now)
        if arrived and one.tag and tags.get(one.tag) != one.digest:
            yield one.digest


def _tell_undone(before: Companions, after: Companions) -> None:
    known = {one.of: one.undone for one in before.locks}
    for one in after.locks:
        if one.undone != known.get(one.of):
            left = one.state is LockState.UNDONE
            done = "it is left so for a day" if left else "it is locked again"
            log.warning("%s of %s was unlocked by others, %s", one.of, after.id, done)


def _is_locked(known: Companions) -> bool:
    return bool(known.locks) or known.blocked or any(want.asked.locks for want in known.wants)


def _in_use(
    in_force: Iterable[Target], every: Iterable[Companions], blocked: Collection[Digest]
) -> frozenset[Digest] | None:
    """Return all that images consist of that are not blocked; ``None`` where one in force is not known so far."""
    known = {one.digest: one.manifests for one in every if one.manifests and one.digest not in blocked}
    if any(target.wanted not in known and target.wanted not in blocked for target in in_force):
        return None
    return frozenset(digest for manifests in known.values() for digest in manifests)


def _closed(tags: Mapping[Tag, Digest]) -> Mapping[Tag, frozenset[Right]] | None:
    return tags.closed if isinstance(tags, ListedTags) else None


def _is_settled(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at >= LAG_PATIENCE
