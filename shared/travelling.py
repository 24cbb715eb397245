"""Puts together what brings what travels with images, if an entry asks for any; see ``shared.bootstrap``.

Where none does nothing here is read, written or loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from shared.due_kinds import of_companions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from shared.bootstrap import Parts
    from shared.domain.promotion.target import Target
    from shared.domain.references import Digest, Tag
    from shared.domain.travel.companions import Companions
    from shared.domain.travel.locked import Released
    from shared.domain.watching.travelling import Travelling
    from shared.flows.accompany import Accompanist, RecordStep
    from shared.flows.look_at_due import Kind
    from shared.ports import Clock
    from shared.rules.beside_lists import BesideLists
    from shared.rules.companion_bar import CompanionBar
    from shared.rules.companion_book import CompanionBook
    from shared.rules.follow_pace import FollowPace
    from shared.rules.ledger import Ledger
    from shared.rules.lock_bar import LockBar
    from shared.rules.locking import Locker
    from shared.rules.record_watch import RecordWatch
    from shared.rules.targets import TargetBook
    from shared.rules.timekeeping import Timekeeper
    from shared.rules.wake import Waker
    from shared.travel_ports import (
        CompanionRecords,
        ReferrerSource,
        StoredCompanions,
        TravelRegistry,
        UniqueNames,
    )


def travels_of(parts: Parts) -> Travels:
    """Return what brings companions.

    Args:
        parts: the other parts of the app, each asked for when it is needed.
    """
    return Travels(
        records=lambda: parts.companions,
        names=lambda: parts.unique_names,
        targets=lambda: parts.target_book,
        staging=lambda: parts.staging,
        base=lambda: parts.base,
        upstream=lambda: parts.upstream,
        ledger=lambda: parts.ledger,
        ours=parts.settings.accounts.keys(),
        times=lambda: parts.times,
        travels=lambda: parts.admitting.policies.may_travel,
        asked=lambda target: parts.admitting.policies.now().of(target.origin.image, target.place).travelling,
        waker=lambda: parts.waker,
        clock=parts.clock,
        record=parts.records.step,
    )


class Travels:
    """What brings companions, each part once and when first needed.

    Args:
        records, names: give where companions are kept, and who has which unique tag.
        targets: gives the targets of the base registry.
        staging, base: give our registries.
        upstream: gives who gives the upstream of a registry.
        ledger: gives the upstreams' budgets.
        ours: registries that are imported from with an account of ours.
        times: gives who knows how long imports take.
        travels: whether the list that was read last asks for anything.
        asked: gives what the entry of a target asks for.
        waker: gives who wakes for what is due.
        clock: tells the time.
        record: gives who does the next thing about the record of a decision.
    """

    def __init__(
        self,
        *,
        records: Callable[[], CompanionRecords],
        names: Callable[[], UniqueNames],
        targets: Callable[[], TargetBook],
        staging: Callable[[], TravelRegistry],
        base: Callable[[], TravelRegistry],
        upstream: Callable[[], Callable[[str], ReferrerSource]],
        ledger: Callable[[], Ledger],
        ours: Collection[str],
        times: Callable[[], Timekeeper],
        travels: Callable[[], bool],
        asked: Callable[[Target], Travelling],
        waker: Callable[[], Waker],
        clock: Clock,
        record: Callable[[CompanionBook], RecordStep],
    ) -> None:
        self._records = records
        self._names = names
        self._targets = targets
        self._staging = staging
        self._base = base
        self._upstream = upstream
        self._ledger = ledger
        self._ours = ours
        self._times = times
        self._travels = travels
        self._asked = asked
        self._waker = waker
        self._clock = clock
        self._recorder = record

    @cached_property
    def book(self) -> CompanionBook:
        """How companions change."""
        from shared.rules.companion_book import CompanionBook  # noqa: PLC0415
        from shared.telemetry.companions import companions_changed  # noqa: PLC0415

        registry = self._targets().registry
        return CompanionBook(self._records(), self._waker(), self._clock, registry, companions_changed)

    @cached_property
    def bar(self) -> CompanionBar:
        """Says which tags wait for companions."""
        from shared.rules.companion_bar import CompanionBar  # noqa: PLC0415

        return CompanionBar(self.book, self._lists, lambda: self._lock_bar)

    @cached_property
    def _lock_bar(self) -> LockBar:
        from shared.rules.lock_bar import LockBar  # noqa: PLC0415

        return LockBar(self.book, self._base(), self.locker)

    @cached_property
    def locker(self) -> Locker:
        """Closes and opens locks."""
        from shared.rules.locking import Locker  # noqa: PLC0415

        return Locker(self.book, self._base(), self._lists.manifests)

    @cached_property
    def _lists(self) -> BesideLists:
        from shared.rules.beside_lists import BesideLists  # noqa: PLC0415

        return BesideLists(self._staging(), self._base(), self._upstream(), self._ledger())

    @cached_property
    def accompanist(self) -> Accompanist:
        """Brings companions."""
        from shared.flows.accompany import Accompanist  # noqa: PLC0415
        from shared.rules.carrying import Carrier  # noqa: PLC0415
        from shared.rules.companion_imports import CompanionImports  # noqa: PLC0415
        from shared.rules.companions_told import TargetsTold  # noqa: PLC0415
        from shared.rules.naming import Namer  # noqa: PLC0415

        staging, base, ledger, targets = self._staging(), self._base(), self._ledger(), self._targets()
        return Accompanist(
            self.book,
            TargetsTold(self.book, targets),
            self._lists,
            Namer(self._names(), base, self._clock, lambda repository, tag: targets.of(repository, tag) is not None),
            CompanionImports(self.book, Carrier(staging, base, ledger, self._ours, self._times())),
            self._record,
            self.locker.step,
        )

    @cached_property
    def _record(self) -> RecordStep:
        """Who does the next thing about the record of a decision."""
        return self._recorder(self.book)

    def kind(self) -> Kind[Any]:
        """Return how companions are looked at."""
        return of_companions(self._due, self._look)

    def _due(self, moment: datetime) -> Iterator[StoredCompanions]:
        return self._pace.of(self.book.records.due(moment))

    @cached_property
    def _pace(self) -> FollowPace:
        from shared.rules.follow_pace import FollowPace  # noqa: PLC0415

        return FollowPace(self._waker(), self._clock)

    def _look(self, stored: StoredCompanions) -> None:
        self.accompanist.look(stored)

    def beside(self, target: Target) -> Companions | None:
        """Return what lies beside what a target wants; ``None`` where its entry asks for nothing, or nothing is known.

        Raises:
            ServiceError: which list is in force cannot be read, or the storage account did not answer.
        """
        if not target.wanted or not self._asked(target).asks:
            return None
        stored = self.book.read(target.repository, target.wanted)
        return stored.record if stored is not None else None

    def named(self, repository: str, name: Tag) -> Digest | None:
        """Return the digest that keeps a name in a repository of the base registry, or ``None`` if none does.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self._names().get(self._targets().registry, repository, name)
        return found.digest if found is not None else None

    def release(self, repository: str, digest: Digest, name: Tag | None) -> Released:
        """Unlock what is about to be deleted; see ``Locker.release``."""
        return self.locker.release(repository, digest, name)

    def compare(self, repository: str, tags: Mapping[Tag, Digest], targets: Sequence[Target]) -> None:
        """Compare what lies beside the digests of a repository; where nothing travels nobody looks.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if self._travels():
            from shared.rules.companions_compared import CompanionsCompared  # noqa: PLC0415

            CompanionsCompared(self.book, self._base(), self.bar, self._asked).compare(repository, tags, targets)

    def told(self, tell: Callable[[Target | None, Target], None]) -> Callable[[Target | None, Target], None]:
        """Return what is told of every change of a target: another one, and records of digests that people spoke of.

        Args:
            tell: who else is told, and first.
        """

        def told(before: Target | None, target: Target) -> None:
            tell(before, target)
            if before is not None and (before.blocked, before.forced) != (target.blocked, target.forced):
                self._spoken(before, target)

        return told

    def _spoken(self, before: Target, target: Target) -> None:
        if self._travels():
            self._watch.changed(before, target)

    @cached_property
    def _watch(self) -> RecordWatch:
        from shared.rules.record_watch import RecordWatch  # noqa: PLC0415

        book = self._targets()
        return RecordWatch(self.book, lambda: (one.record for one in book.targets.every(book.registry)))

    def sweep(self) -> int:
        """Wake for the companions that are overdue, and return how many those are; where nothing travels nobody looks.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not self._travels():
            return 0
        from shared.flows.sweep import sweep_companions  # noqa: PLC0415

        self._watch.sweep()
        return sweep_companions(self.book)
