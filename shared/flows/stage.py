"""Copy a candidate, by digest, from its upstream into the staging registry, and read back what is there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import advance, not_begun, put_off, replica_lags
from shared.domain.promotion.schedule import FIRST_RETRY, LEASE, pause_before_turn
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.usual_times import STAGING_IMPORT
from shared.domain.watching.budget import Grant, Purpose
from shared.errors import DigestMismatch, OperationFailed, Paced, Refused, ServiceError
from shared.ports import ImportSource, Registry, Stored, Upstream
from shared.rules.import_room import ImportRoom
from shared.rules.imports import Differs, UnderWay, in_staging, look
from shared.rules.ledger import Ledger
from shared.rules.progress import Progress
from shared.rules.timekeeping import Timekeeper

log = logging.getLogger("tidegate.stage")

# https://learn.microsoft.com/azure/container-registry/container-registry-import-images#limitations
MOST_MANIFESTS = 50


class Stager:
    """Takes candidates into the staging registry.

    Args:
        progress: where candidates are kept and how they go on.
        staging: the staging registry.
        ledger: the upstreams' budgets; an import is a pull.
        upstream: gives the upstream of a registry.
        ours: registries that are imported from with an account of ours. Anonymous imports are made from Azure's own
            addresses, of whose limits we learn nothing by looking.
        times: knows how long imports usually take.
        scan: asks for the scans that a staged candidate will need, side by side with its test; it never raises.
        room: says whether another import may begin.
        then: begins the validation of a staged candidate; given the record as read, and as it is to be written.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        staging: Registry,
        ledger: Ledger,
        upstream: Callable[[str], Upstream],
        ours: Collection[str],
        times: Timekeeper,
        scan: Callable[[Candidate], None],
        room: ImportRoom,
        then: Callable[[Stored[Candidate], Candidate], None],
    ) -> None:
        self._progress = progress
        self._staging = staging
        self._ledger = ledger
        self._upstream = upstream
        self._ours = ours
        self._times = times
        self._scan = scan
        self._room = room
        self._then = then

    def stage(self, stored: Stored[Candidate]) -> None:
        """Do the next thing about a candidate's import into the staging registry.

        Args:
            stored: the record as it was read; its turn is to be imported.

        Raises:
            Paced: there is no room, or its turn at ARM has not come; nothing was written.
        """
        if stored.record.status is Status.DETECTED:
            with self._room.place(stored.record.image, in_turn=True) as keep:
                self._start(stored, keep)
        else:
            self._look(stored)

    def _start(self, stored: Stored[Candidate], keep: Callable[[], None]) -> None:
        candidate = stored.record
        self._staging.take_turn()
        now, detail = self._progress.clock(), f"from {candidate.source}"
        grant = self._granted(candidate.source.registry)
        if grant.refusal is not None:
            self._defer(stored, grant)
            return
        too_many = self._too_many(candidate)
        if too_many is not None:
            self._progress.save(stored, put_off(candidate, too_many, now))
            return
        claimed = self._progress.claim(
            stored, advance(candidate, Reason.IMPORT_STARTED, now, pause=LEASE, detail=detail)
        )
        if claimed is None:
            return
        source = ImportSource(candidate.source, candidate.digest)
        try:
            operation = self._staging.start_import(source, candidate.home.repository, candidate.staging_tag)
        except Paced as error:
            undone = not_begun(claimed.record, candidate, self._progress.clock(), pause_before_turn(error))
            self._progress.take_back(claimed, undone)
        except ServiceError as error:
            self._lost(claimed, error)
        else:
            keep()
            self._progress.again(claimed, self._times.pause(STAGING_IMPORT), operation=operation.token)

    def _granted(self, registry: str) -> Grant:
        return self._ledger.grant(registry, 1, Purpose.IMPORT) if registry in self._ours else Grant(1)

    def _too_many(self, candidate: Candidate) -> Refused | None:
        """What cannot be imported is not asked for, where that is known. Where it is not, Azure's refusal tells."""
        try:
            upstream = self._upstream(candidate.source.registry)
            found = upstream.manifests(candidate.source, candidate.source_tag, candidate.digest)
        except ServiceError as error:
            log.info("the manifests of %s are not counted before its import: %s", candidate.id, error)
            return None
        if found is None or found <= MOST_MANIFESTS:
            return None
        image = f"{candidate.source}@{candidate.digest}"
        told = f"{image} has {found} manifests, and Azure imports {MOST_MANIFESTS} at most"
        return Refused(f"{told}; watch a tag with fewer platforms")

    def _defer(self, stored: Stored[Candidate], grant: Grant) -> None:
        """No failure: it is counted as none, and says until when it waits."""
        now, registry = self._progress.clock(), stored.record.source.registry
        pause = max((grant.until or now) - now, FIRST_RETRY)
        detail = f"{registry} grants no more pulls until {now + pause:%H:%M:%S} UTC"
        self._progress.save(stored, advance(stored.record, Reason.DEFERRED, now, pause=pause, detail=detail))

    def _look(self, stored: Stored[Candidate]) -> None:
        candidate = stored.record
        awaited = in_staging(candidate, self._times.usual(STAGING_IMPORT))
        try:
            seen = look(self._staging, candidate.operation, awaited, self._progress.clock())
        except (OperationFailed, DigestMismatch) as error:
            self._room.ended(candidate.image)
            self._lost(stored, error)
        except Paced:
            raise
        except ServiceError as error:
            self._progress.save(stored, put_off(candidate, error, self._progress.clock()))
        else:
            self._go_on(stored, seen)

    def _go_on(self, stored: Stored[Candidate], seen: UnderWay | Differs | None) -> None:
        if isinstance(seen, UnderWay):
            self._progress.again(stored, seen.pause, operation=seen.token)
            return
        if isinstance(seen, Differs):
            self._progress.save(stored, replica_lags(stored.record, self._progress.clock(), seen.detail))
            return
        self._room.ended(stored.record.image)
        now, detail = self._progress.clock(), f"as {stored.record.staging_tag}"
        self._times.took(STAGING_IMPORT, now - in_staging(stored.record).since)
        staged = advance(stored.record, Reason.IMPORT_VERIFIED, now, detail=detail)
        self._scan(staged)
        self._then(stored, staged)

    def _lost(self, stored: Stored[Candidate], error: ServiceError) -> None:
        self._progress.save(stored, put_off(stored.record, error, self._progress.clock(), Reason.IMPORT_LOST))
