"""Copy a candidate, by digest, from its upstream into the staging registry, and read back what is there."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.candidate import Candidate, Reason, Status
from shared.domain.lifecycle import Stage, advance, put_off, stage_of
from shared.domain.messages import LookAtCandidate
from shared.domain.schedule import LEASE, pause_before_look
from shared.errors import DigestMismatch, OperationFailed, ServiceError
from shared.imports import Awaited, UnderWay, look
from shared.ports import ImportSource, Registry, Stored
from shared.progress import Progress


def stage(message: LookAtCandidate, *, progress: Progress[Candidate], staging: Registry) -> None:
    """Do the next thing about a candidate's import into the staging registry.

    Args:
        message: which candidate, at which step.
        progress: where candidates are kept and how they go on.
        staging: the staging registry.
    """
    stored = progress.held(message.candidate, message.step)
    if stored is None or stage_of(stored.record.status) is not Stage.IMPORT:
        return
    if stored.record.status is Status.DETECTED:
        _start(stored, progress, staging)
    else:
        _look(stored, message.operation, progress, staging)


def _start(stored: Stored[Candidate], progress: Progress[Candidate], staging: Registry) -> None:
    candidate = stored.record
    source = ImportSource(candidate.source, candidate.digest)
    started = advance(
        candidate, Reason.IMPORT_STARTED, progress.clock(), pause=LEASE, detail=f"from {candidate.source}"
    )
    claimed = progress.claim(stored, started)
    if claimed is None:
        return
    try:
        operation = staging.start_import(source, candidate.target, candidate.staging_tag)
    except ServiceError as error:
        _lost(claimed, error, progress)
        return
    progress.again(claimed, pause_before_look(timedelta(0), operation.retry_after), operation.token)


def _look(stored: Stored[Candidate], token: str, progress: Progress[Candidate], staging: Registry) -> None:
    candidate = stored.record
    awaited = Awaited("staging", candidate.target, candidate.staging_tag, candidate.digest, candidate.since)
    try:
        under_way = look(staging, token, awaited, progress.clock())
    except (OperationFailed, DigestMismatch) as error:
        _lost(stored, error, progress)
    except ServiceError as error:
        progress.save(stored, put_off(candidate, error, progress.clock()), token)
    else:
        _go_on(stored, under_way, progress)


def _go_on(stored: Stored[Candidate], under_way: UnderWay | None, progress: Progress[Candidate]) -> None:
    if under_way is not None:
        progress.again(stored, under_way.pause, under_way.token)
        return
    detail = f"as {stored.record.staging_tag}"
    progress.save(stored, advance(stored.record, Reason.IMPORT_VERIFIED, progress.clock(), detail=detail))


def _lost(stored: Stored[Candidate], error: ServiceError, progress: Progress[Candidate]) -> None:
    progress.save(stored, put_off(stored.record, error, progress.clock(), Reason.IMPORT_LOST))
