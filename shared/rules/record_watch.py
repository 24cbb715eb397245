"""Has records looked at anew: when people spoke of a digest, and where nothing is said of what a tag points at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import date

from shared.domain.promotion.target import Target
from shared.domain.record.truth import AGAINST, Ground
from shared.domain.references import Digest
from shared.domain.travel.changes import reopened
from shared.domain.travel.recorded import Recorded, RecordState
from shared.errors import TidegateError
from shared.rules.companion_book import CompanionBook
from shared.travel_ports import StoredCompanions

log = logging.getLogger("tidegate.records")

# A quiet hour, UTC: it reads every target.
HOUR = 4


class RecordWatch:
    """Looks after records.

    Args:
        book: where companions are.
        targets: gives every target.
    """

    def __init__(self, book: CompanionBook, targets: Callable[[], Iterable[Target]]) -> None:
        self._book = book
        self._targets = targets
        self._done_on: date | None = None

    def changed(self, before: Target, target: Target) -> None:
        """Have those records looked at of whose digests people spoke just now.

        What cannot be done now is done by the sweep: whoever changed the target has written that already.
        """
        for digest in spoken_of(before) ^ spoken_of(target):
            try:
                self._open(target, digest)
            except TidegateError as error:
                log.warning("the record of %s in %s is looked at by the next sweep: %s", digest, target.id, error)

    def sweep(self) -> None:
        """Have looked at what dying processes left, once a day.

        Raises:
            ServiceError: not all could be read; the rest is looked at the next time.
        """
        now = self._book.clock()
        if now.hour != HOUR or self._done_on == now.date():
            return
        for target in self._targets():
            for digest in spoken_of(target):
                self._open(target, digest)
            self._open_unsaid(target)
        self._done_on = now.date()

    def _open_unsaid(self, target: Target) -> None:
        """Nothing is said of what no tag is to point at, which may have been so when its record was to be made."""
        stored = self._book.read(target.repository, target.wanted) if target.wanted else None
        if stored is not None and _is_unsaid(stored.record.record):
            self._reopen(stored)

    def _open(self, target: Target, digest: Digest) -> None:
        stored = self._book.read(target.repository, digest)
        if stored is None or _says(stored.record.record, against=digest in spoken_of(target)):
            return
        self._reopen(stored)

    def _reopen(self, stored: StoredCompanions) -> None:
        now = self._book.clock()
        opened = self._book.change(stored.record.id, lambda one: reopened(one, now) if one else None, stored)
        if opened is not None:
            self._book.wake(opened.record)


def spoken_of(target: Target) -> frozenset[Digest]:
    """Return the digests that people refuse for a tag, or took against its gate."""
    return frozenset(one.digest for one in target.blocked) | frozenset(one.digest for one in target.forced)


def _says(recorded: Recorded | None, *, against: bool) -> bool:
    """Whether a record says already what people said, or nothing was ever said."""
    if recorded is None or recorded.record is None:
        return True
    return against and recorded.record.truth.ground in AGAINST


def _is_unsaid(recorded: Recorded | None) -> bool:
    """Whether nothing was said as no tag was to point at the digest."""
    record = recorded.record if recorded is not None and recorded.state is RecordState.NONE else None
    return record is not None and record.truth.ground is Ground.NO_TAG
