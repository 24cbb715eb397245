"""What becomes of a record whose look failed in a way that nobody foresaw: it is tried ever more rarely, then fails."""

from __future__ import annotations

from datetime import datetime

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import put_off, turn_of
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, put_off_rebuild
from shared.domain.promotion.reconciling import fell_through, scheduled
from shared.domain.promotion.scanning import put_off_scan
from shared.domain.promotion.target import Target
from shared.domain.scan.scan import SCAN_ENDS, Scan
from shared.errors import StepBroke
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget


def candidate_broke(progress: Progress[Candidate], before: Stored[Candidate]) -> None:
    """Put a candidate off.

    Args:
        progress: how candidates go on.
        before: as it was when its look began; the step that broke off may have claimed it.

    Raises:
        ServiceError: the storage account does not answer.
    """
    stored = progress.records.get(before.record.id)
    if stored and _is_at(stored.record, before.record.step) and turn_of(stored.record) is not None:
        progress.save(stored, put_off(stored.record, StepBroke(), progress.clock()))


def rebuild_broke(progress: Progress[Rebuild], before: Stored[Rebuild]) -> None:
    """Put a rebuild off; see ``candidate_broke``."""
    stored = progress.records.get(before.record.id)
    if stored and _is_at(stored.record, before.record.step) and stored.record.status not in REBUILD_ENDS:
        progress.save(stored, put_off_rebuild(stored.record, StepBroke(), progress.clock()))


def scan_broke(progress: Progress[Scan], before: Stored[Scan]) -> None:
    """Put a scan off; see ``candidate_broke``."""
    stored = progress.records.get(before.record.id)
    if stored and _is_at(stored.record, before.record.step) and stored.record.status not in SCAN_ENDS:
        progress.save(stored, put_off_scan(stored.record, StepBroke(), progress.clock()))


def target_broke(book: TargetBook, before: StoredTarget) -> None:
    """Put a target off; see ``candidate_broke``."""
    target, now = before.record, book.clock()
    fallen = book.change(target.id, lambda known: _fallen(known, target.step, now))
    if fallen is not None and not fallen.record.gave_up:
        book.wake(fallen.record)


def _is_at(record: Candidate | Rebuild | Scan | Target, step: int) -> bool:
    return record.step in {step, step + 1}


def _fallen(known: Target | None, step: int, now: datetime) -> Target | None:
    if known is None or not _is_at(known, step):
        return None
    return scheduled(fell_through(known, StepBroke(), now, over=True, settled=False), now)
