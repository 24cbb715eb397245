"""Targets are told that what they wait for lies beside what they want; and say whether they want it still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.reconciling import scheduled
from shared.domain.promotion.target import Target, target_id
from shared.domain.travel.changes import told
from shared.domain.travel.companions import Companions, Want
from shared.domain.travel.next_step import is_untold
from shared.rules.companion_book import CompanionBook
from shared.rules.targets import TargetBook
from shared.travel_ports import StoredCompanions


class TargetsTold:
    """Knows the targets for which there are companions.

    Args:
        book: where companions are.
        targets: where targets are.
    """

    def __init__(self, book: CompanionBook, targets: TargetBook) -> None:
        self._book = book
        self._targets = targets

    def tell(self, stored: StoredCompanions) -> StoredCompanions | None:
        """Wake the targets whose tags may be moved, or that wait for a reason, and note that they were.

        Whoever dies in between wakes them again.

        Returns:
            The companions as they were written; ``None`` if somebody was faster.

        Raises:
            ServiceError: the storage account did not answer.
        """
        untold = [want for want in stored.record.wants if is_untold(stored.record, want)]
        for want in untold:
            self._wake(stored.record, want)
        now = self._book.clock()

        def noted(known: Companions) -> Companions:
            for want in untold:
                known = told(known, want.tag, want.number, now)
            return known

        return self._book.step(stored, noted)

    def _wake(self, companions: Companions, want: Want) -> None:
        now, name = self._targets.clock(), target_id(companions.registry, companions.repository, want.tag)
        woken = self._targets.change(name, lambda known: _let_on(known, companions, now))
        if woken is not None:
            self._targets.wake(woken.record)

    def not_wanted(self, companions: Companions) -> tuple[Want, ...]:
        """Return the wants whose targets want something else by now, or are gone.

        Raises:
            ServiceError: the storage account did not answer.
        """
        return tuple(self._not_wanted(companions))

    def _not_wanted(self, companions: Companions) -> Iterator[Want]:
        for want in companions.wants:
            target = self._targets.of(companions.repository, want.tag)
            if want.borne_at is not None and not want.left:
                continue  # it is locked until the tag has left it
            if target is None or target.wanted != companions.digest or target.let_go is not None:
                yield want


def _let_on(known: Target | None, companions: Companions, now: datetime) -> Target | None:
    """A target that waits for nothing, or for something else, is left as it is."""
    if known is None or known.wanted != companions.digest or known.barred is None:
        return known
    if known.barred.waiting is not Waiting.COMPANIONS or known.barred.number != known.number:
        return known
    return scheduled(msgspec.structs.replace(known, barred=None, retry_at=None), now)
