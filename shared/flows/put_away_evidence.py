"""Delete evidence that no record names any more, once it is old enough.

What there is to delete is found by comparing all that is kept with all that is named, and nothing is remembered: who
dies on the way leaves the rest to the next day. The records are read after the list of what is kept, and whatever was
kept again since is left alone; so nothing goes that a record has come to name meanwhile. Where a record cannot be read
nothing goes at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from shared.domain.evidence import EvidenceKind, kind_of
from shared.domain.promotion.target import Target
from shared.domain.scan.scan import Scan
from shared.domain.scan.scan_runs import evidence_names
from shared.errors import TidegateError
from shared.evidence_ports import EvidenceStore, Kept
from shared.ports import Clock, Records

log = logging.getLogger("tidegate.sweep")

# A quiet hour, UTC: it lists the whole container.
HOUR = 3
# A transaction each; what is left goes on the next day.
MOST_DROPPED = 1000
# Of everything else a record says for ever that it is there: a candidate its tests' logs, a rebuild its run's.
_OF_SCANS = frozenset({EvidenceKind.SCAN_LOG, EvidenceKind.DOCUMENT})
_PUT_AWAY = frozenset({*_OF_SCANS, EvidenceKind.DECISION, EvidenceKind.MATERIAL})


class EvidenceKeeper:
    """Deletes what is named no more.

    Args:
        evidence: where it is kept.
        scans: name their runs' logs.
        targets: gives every target; they name decisions.
        clock: tells the time.
        stays: how long what is not named stays.
    """

    def __init__(
        self,
        evidence: EvidenceStore,
        scans: Records[Scan],
        targets: Callable[[], Iterable[Target]],
        clock: Clock,
        stays: timedelta,
    ) -> None:
        self._evidence = evidence
        self._scans = scans
        self._targets = targets
        self._clock = clock
        self._stays = stays
        self._done_on: date | None = None

    def sweep(self) -> None:
        """Delete what is to go, if it is the hour for that and this process has not done so today.

        Raises:
            ServiceError: not all could be read, and nothing was deleted; or not all could be deleted.
        """
        now = self._clock()
        if now.hour != HOUR or self._done_on == now.date():
            return
        dropped = self.put_away()
        self._done_on = now.date()
        if dropped:
            log.info("sweep: %d pieces of evidence were deleted that no record named any more", dropped)

    def put_away(self) -> int:
        """Delete what no record names and is old enough; return how many pieces.

        Raises:
            ServiceError: not all could be read, and nothing was deleted; or not all could be deleted.
        """
        before = self._clock() - self._stays
        old = [one for one in self._evidence.every() if one.at < before and kind_of(one.name) in _PUT_AWAY]
        gone = list(self._unnamed(old))[:MOST_DROPPED] if old else []
        return sum(self._dropped(one) for one in gone)

    def _unnamed(self, old: Iterable[Kept]) -> Iterator[Kept]:
        scans = {stored.record.id: evidence_names(stored.record) for stored in self._scans.current()}
        targets = tuple(self._targets())
        kept = [admission for target in targets for admission in target.admissions]
        decisions = {name for admission in kept for name in (admission.evidence, admission.let_in) if name}
        digests = {digest for target in targets for digest in _digests(target)}
        for one in old:
            kind = kind_of(one.name)
            if kind is EvidenceKind.MATERIAL:
                named = one.record in digests
            else:
                named = one.name in (scans.get(one.record, frozenset()) if kind in _OF_SCANS else decisions)
            if not named:
                yield one

    def _dropped(self, one: Kept) -> bool:
        try:
            return self._evidence.drop(one)
        except TidegateError as error:
            if error.temporary:
                raise
            log.warning("the evidence %s/%s could not be deleted: %s", one.record, one.name, error)
            return False


def _digests(target: Target) -> Iterator[str]:
    """What may still come to a tag, or is there: its signatures may have to be judged again."""
    yield from (target.wanted, target.seen)
    yield from (one.digest for one in target.sightings)
    yield from (one.digest for one in target.admissions)
