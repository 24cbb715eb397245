"""Bring a tag of the base registry to what its target says, one import at a time, and ask for the rebuilds."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.domain.events.messages import base_moved
from shared.domain.promotion.barring import is_soon_over
from shared.domain.promotion.decision import decide
from shared.domain.promotion.importing import Importing
from shared.domain.promotion.lifecycle import cause_of, reason_of
from shared.domain.promotion.reconciling import (
    Todo,
    asks_anew,
    asks_for_search,
    awaiting,
    begun,
    differs,
    fell_through,
    landed,
    may_share_import,
    scheduled,
    settled,
    shown,
    todo,
)
from shared.domain.promotion.schedule import IMPORT_LONGEST, MOST_ATTEMPTS
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import Target
from shared.domain.promotion.usual_times import BASE_IMPORT
from shared.domain.references import Digest
from shared.errors import (
    DigestMismatch,
    NotFound,
    NotPermitted,
    OperationFailed,
    Paced,
    RateLimited,
    Refused,
    ServiceError,
    Unavailable,
)
from shared.ports import Outbox, Registry
from shared.rules.bars import Bars
from shared.rules.conclusions import Conclusions
from shared.rules.detection import Detector
from shared.rules.imports import Awaited, Differs, UnderWay, look, patiently
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.rules.timekeeping import Timekeeper
from shared.target_ports import StoredTarget

log = logging.getLogger("tidegate.reconcile")

# After these the registry has begun nothing.
_NOT_BEGUN = (NotFound, NotPermitted, Refused, RateLimited)


class Reconciler:
    """Does what is to be done next about a target.

    Args:
        book: where targets are.
        base: the base registry.
        sources: tells where what is wanted can be copied from.
        outbox: where the request to rebuild is sent.
        detector: looks after the candidates whose verdicts are waited for.
        conclusions: ends candidates.
        times: knows how long imports usually take.
        bars: says what may not be written into the base registry now.
    """

    def __init__(
        self,
        book: TargetBook,
        base: Registry,
        sources: Sources,
        outbox: Outbox,
        detector: Detector,
        conclusions: Conclusions,
        times: Timekeeper,
        bars: Bars,
    ) -> None:
        self._book = book
        self._base = base
        self._sources = sources
        self._outbox = outbox
        self._detector = detector
        self._conclusions = conclusions
        self._times = times
        self._bars = bars

    def look(self, stored: StoredTarget) -> None:
        """Look at a target: at its import, or what else is to be done; one of a former base registry comes to rest."""
        if stored.record.registry != self._book.registry:
            self._book.rest(stored)
        elif stored.record.importing is not None:
            self._follow(stored, stored.record.importing)
        else:
            self.reconcile(stored)

    def reconcile_together(self, targets: Sequence[StoredTarget]) -> None:
        """Reconcile several targets; those of one repository that want the same digest share one import."""
        left = list(targets)
        while left:
            first = left.pop(0)
            joined = self.reconcile(
                first, [one for one in left if may_share_import(first.record, one.record, self._book.clock())]
            )
            left = [one for one in left if one.record.id not in joined]

    def reconcile(self, stored: StoredTarget, others: Sequence[StoredTarget] = ()) -> frozenset[str]:
        """Do what is to be done next about a target, unless its import is under way.

        Args:
            stored: the target.
            others: targets that may share its import, if it comes to one.

        Returns:
            The ids of those that did.
        """
        now = self._book.clock()
        current = stored.record.importing is None and self._book.change(
            stored.record.id, lambda known: _decided(known, now), stored
        )
        if not current:
            return frozenset()
        doing = todo(current.record, now)
        if doing is Todo.PUT:
            return self._put(current, others)
        self._do(current, doing)
        return frozenset()

    def _do(self, current: StoredTarget, doing: Todo) -> None:
        if doing is Todo.SETTLE:
            self._settle(current)
        elif doing is Todo.SEARCH:
            self._search(current)
        elif doing is Todo.ASK:
            self._ask(current)
        elif doing is Todo.REST and current.record.retry_at is not None:
            self._book.wake(current.record)  # by another clock it was due

    def _put(self, stored: StoredTarget, others: Sequence[StoredTarget] = ()) -> frozenset[str]:
        target = stored.record
        try:
            self._base.take_turn()
            found = self._base.digest(target.repository, target.tag)
        except ServiceError as error:
            self._fell(stored, error, over=True, settled=True)
            return frozenset()
        if found == target.wanted:
            self._landed(stored, found)
            return frozenset()
        if self._is_barred(stored):
            return frozenset()
        claimed = self._claim(stored, found)
        return self._start(claimed, *self._joining(claimed, others)) if claimed is not None else frozenset()

    def _is_barred(self, stored: StoredTarget) -> bool:
        """What is wanted waits without a failure; its candidate says for what. An import under way is let be."""
        try:
            kept = self._bars.keep(stored)
        except ServiceError as error:
            self._fell(stored, error, over=True, settled=True)
            return True
        if kept is not None and not is_soon_over(kept.record):
            self._conclusions.of_digest(kept.record, stored.record.wanted)
        return kept is not None

    def _joining(self, claimed: StoredTarget, others: Sequence[StoredTarget]) -> Iterator[StoredTarget]:
        """Claim the others that want the same; who cannot be read, or bears it already, has a turn of its own."""
        for other in others:
            try:
                found = self._base.digest(other.record.repository, other.record.tag)
                kept = self._bars.of(other.record)
            except ServiceError as error:
                log.info("%s shares no import: %s", other.record.id, error)
                continue
            if kept is not None:
                continue
            joined = self._claim(other, found) if found != claimed.record.wanted else None
            if joined is not None:
                yield joined

    def _claim(self, stored: StoredTarget, found: Digest | None) -> StoredTarget | None:
        """Whoever decided otherwise meanwhile does what follows from it."""
        before, now = stored.record, self._book.clock()

        def claim(known: Target | None) -> Target | None:
            same = known is not None and (known.step, known.number) == (before.step, before.number)
            return begun(shown(known, found, now), now) if known is not None and same else None

        return self._book.change(before.id, claim, stored)

    def _start(self, first: StoredTarget, *joined: StoredTarget) -> frozenset[str]:
        """Ask for one import into all tags; from then on each follows it by itself, and reads its own tag back."""
        target, claimed = first.record, (first, *joined)
        try:
            source = self._sources.of(target)
        except ServiceError as error:
            self._all_fell(claimed, error, settled=True)
            return _ids(joined)
        try:
            operation = self._base.start_import(source, target.repository, *(one.record.tag for one in claimed))
        except ServiceError as error:
            if joined and not error.temporary:
                self._start_each(claimed)
            else:
                self._all_fell(claimed, error, settled=isinstance(error, _NOT_BEGUN))
        else:
            for one in claimed:
                self._book.again(one, self._times.pause(BASE_IMPORT), operation.token)
        return _ids(joined)

    def _start_each(self, claimed: Sequence[StoredTarget]) -> None:
        """What is refused may be one of the tags; the others do not wait for it."""
        for one in claimed:
            self._start(one)

    def _all_fell(self, claimed: Sequence[StoredTarget], error: ServiceError, *, settled: bool) -> None:
        for one in claimed:
            self._fell(one, error, over=True, settled=settled)

    def _follow(self, stored: StoredTarget, importing: Importing) -> None:
        target, now, token = stored.record, self._book.clock(), importing.operation
        place = ("base", target.repository, target.tag, importing.digest, importing.since, importing.differs_since)
        try:
            seen = look(self._base, token, Awaited(*place, self._times.usual(BASE_IMPORT)), now)
        except (OperationFailed, DigestMismatch) as error:
            ended = bool(token) or importing.differs_since is not None
            self._fell(stored, error, over=True, settled=ended)
        except ServiceError as error:
            self._fell(stored, error, over=target.failures + 1 >= MOST_ATTEMPTS, settled=False)
        else:
            self._go_on(stored, importing, seen)

    def _go_on(self, stored: StoredTarget, importing: Importing, seen: UnderWay | Differs | None) -> None:
        if seen is None:
            self._times.took(BASE_IMPORT, self._book.clock() - importing.since)
            self._landed(stored, importing.digest)
        elif isinstance(seen, Differs):
            self._lags(stored, seen)
        elif self._keeps_waiting(stored.record, importing):
            lasts = Unavailable(f"the import of {importing.digest} has been under way for more than an hour")
            self._fell(stored, lasts, over=True, settled=False)
        else:
            self._book.again(stored, seen.pause, seen.token)

    def _keeps_waiting(self, target: Target, importing: Importing) -> bool:
        return target.wanted != importing.digest and self._book.clock() - importing.since > IMPORT_LONGEST

    def _lags(self, stored: StoredTarget, seen: Differs) -> None:
        step, now = stored.record.step, self._book.clock()
        noted = self._book.change(
            stored.record.id, lambda known: differs(known, now) if known and known.step == step else None, stored
        )
        if noted is not None and noted.record.importing is not None:
            self._conclusions.told(noted.record, noted.record.importing.digest, Reason.REPLICA_LAGS, seen.detail)
            self._book.wake(noted.record)

    def _landed(self, stored: StoredTarget, found: Digest) -> None:
        """The tag's lock and the rebuild are asked for before the record says that all is done: nobody looks again."""
        step, now = stored.record.step, self._book.clock()

        def land(known: Target | None) -> Target | None:
            if known is None or known.step != step:
                return None
            new = scheduled(decide(landed(known, found, now), now)[0], now)
            if new.wanted == found and new.reached == new.number:
                self._bars.landed(new)
                self._outbox.send(base_moved(new))
            return new

        done = self._book.change(stored.record.id, land, stored)
        if done is not None:
            self._conclusions.of_digest(done.record, found)
            self.reconcile(done)

    def _fell(self, stored: StoredTarget, error: ServiceError, *, over: bool, settled: bool) -> None:
        before, now = stored.record, self._book.clock()
        importing = before.importing
        anew = importing is not None and isinstance(cause_of(error), NotFound)
        anew = anew and importing is not None and self._conclusions.has_ended(before, importing.digest)
        error = error if anew else patiently(error)

        def fall(known: Target | None) -> Target | None:
            if known is None or known.step != before.step:
                return None
            fallen = fell_through(known, error, now, over=over, settled=settled)
            if anew and importing is not None:
                fallen = decide(asks_anew(fallen, importing.digest, now), now)[0]
            return scheduled(fallen, now)

        done = self._book.change(before.id, fall, stored)
        if done is None:
            return
        if not isinstance(error, Paced):
            log.warning("%s is not what it should be: %s", done.record.id, error)
            self._conclusions.told(done.record, before.wanted, reason_of(error, Reason.TROUBLE), str(error))
        self._conclusions.of_digest(done.record, before.wanted)
        self._book.wake(done.record)

    def _settle(self, stored: StoredTarget) -> None:
        """A read that cannot be made is made by the next sweep."""
        target, now = stored.record, self._book.clock()
        try:
            found = self._base.digest(target.repository, target.tag)
        except ServiceError as error:
            log.warning("%s could not be read: %s", target.id, error)
            return
        read = self._book.change(target.id, lambda known: _settled(known, target.step, found, now), stored)
        if read is not None and todo(read.record, now) is Todo.PUT:
            log.warning("%s was put back to %s by an import that ended late", target.id, found)
            self._put(read)

    def _search(self, stored: StoredTarget) -> None:
        """The message that asked for it was lost, or broke off again and again."""
        now = self._book.clock()
        self._outbox.send(base_moved(stored.record))
        again = lambda known: scheduled(asks_for_search(known, now), now) if known is not None else None  # noqa: E731
        self._book.change(stored.record.id, again, stored)

    def _ask(self, stored: StoredTarget) -> None:
        target, awaited = stored.record, stored.record.awaited
        at = self._detector.look_after(target)
        if awaited is not None:
            now = self._book.clock()
            self._book.change(target.id, lambda known: _asked(known, awaited.digest, at, now))


def _ids(targets: Sequence[StoredTarget]) -> frozenset[str]:
    return frozenset(one.record.id for one in targets)


def _decided(known: Target | None, now: datetime) -> Target | None:
    return None if known is None else scheduled(decide(known, now)[0], now)


def _settled(known: Target | None, step: int, found: Digest | None, now: datetime) -> Target | None:
    same = known is not None and known.step == step and known.importing is None
    return scheduled(settled(known, found, now), now) if known is not None and same else None


def _asked(known: Target | None, digest: Digest, at: datetime | None, now: datetime) -> Target | None:
    return scheduled(awaiting(known, digest, at), now) if known is not None else None
