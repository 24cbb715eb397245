"""Tell how what is in use stands: what was found since it was let in, whose it is, and which update has it no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.exposure import Exposure, Standing, Watch
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import awaited_candidate, hindrance, is_behind
from shared.domain.references import Digest
from shared.domain.watching.watch_list import WatchList
from shared.ports import Clock, Records
from shared.rules.scan_book import ScanBook
from shared.target_ports import Targets
from shared.watch_ports import Watches

if TYPE_CHECKING:
    from shared.domain.scan.findings import Key


class Update(msgspec.Struct, frozen=True):
    """What upstream bears and the tag does not.

    Attributes:
        digest: what upstream bears.
        stands: why the tag does not have it: ``under-way``, ``awaits-scan``, ``blocked``, ``rejected``, ``pinned``, …
        fixes: whether nothing of what speaks against what is in use is in it; ``None`` while its scan has no answer.
    """

    digest: Digest
    stands: str
    fixes: bool | None


class Told(msgspec.Struct, frozen=True):
    """How one tag stands.

    Attributes:
        exposure: what was found.
        owner: whose its entry is; empty if it names nobody.
        update: the update that waits, or is kept from it; ``None`` if upstream has none.
    """

    exposure: Exposure
    owner: str
    update: Update | None


class ExposureTeller:
    """Tells it, from what the standing watch last wrote.

    Args:
        watches: the watch's record.
        targets: where targets are.
        candidates: where candidates are.
        scans: what scans say.
        clock: tells the time.
    """

    def __init__(
        self, watches: Watches, targets: Targets, candidates: Records[Candidate], scans: ScanBook, clock: Clock
    ) -> None:
        self._watches = watches
        self._targets = targets
        self._candidates = candidates
        self._scans = scans
        self._clock = clock

    def tell(
        self, watch_list: WatchList, *, standing: Standing | None, after: str, limit: int
    ) -> tuple[tuple[Told, ...], str, datetime | None]:
        """Tell how tags stand, by their ids; only what does not stand clean, unless it is asked for.

        Args:
            watch_list: in force; says whose an entry is.
            standing: only those that stand so.
            after: the id of the last tag that was told of before; empty to begin.
            limit: how many at most.

        Returns:
            Them, the id to go on after (empty if there are no more), and when all was last put together, UTC.

        Raises:
            ServiceError: the storage account did not answer.
        """
        stored = self._watches.get()
        watch = stored.watch if stored else Watch()
        wanted = (one for one in watch.exposures if one.target > after and _is_wanted(one, standing))
        listed = tuple(islice(wanted, limit + 1))
        owners = {image.name: image.owner or "" for image in watch_list.images}
        found = tuple(Told(one, owners.get(one.image, ""), self._update(one)) for one in listed[:limit])
        return found, listed[limit - 1].target if len(listed) > limit else "", watch.began_at

    def _update(self, one: Exposure) -> Update | None:
        stored = self._targets.get(one.target)
        if stored is None or not is_behind(stored.record) or stored.record.newest is None:
            return None
        target, newest = stored.record, stored.record.newest.digest
        return Update(newest, self._stands(target), self._fixes(one, newest))

    def _stands(self, target: Target) -> str:
        wanted = awaited_candidate(target)
        candidate = self._candidates.get(wanted) if wanted else None
        return hindrance(target, candidate.record if candidate else None, self._clock()).value

    def _fixes(self, one: Exposure, digest: Digest) -> bool | None:
        from shared.domain.scan.findings import key_of  # noqa: PLC0415

        scan = self._scans.of(digest)
        if scan is None or not scan.has_answer or not one.findings:
            return None
        there = {key for report in self._scans.answer(scan).reports.values() for key in _keys(report)}
        return there.isdisjoint(key_of(found.id, found.package) for found in one.findings)


def _is_wanted(one: Exposure, standing: Standing | None) -> bool:
    return one.standing is standing if standing else one.standing is not Standing.CLEAN or bool(one.exploited)


def _keys(report: object) -> Iterator[Key]:
    return (finding.key for finding in getattr(report, "findings", ()))
