"""Copy what was tested, by its digest, from the staging registry into the base registry, and ask for the rebuilds."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.candidate import Candidate, Reason, Status
from shared.domain.lifecycle import Stage, advance, put_off, stage_of
from shared.domain.messages import REBUILDS, BaseMoved, LookAtCandidate
from shared.domain.references import Repository
from shared.domain.schedule import FIRST_RETRY, LEASE, pause_before_look
from shared.errors import DigestMismatch, OperationFailed, ServiceError
from shared.imports import Awaited, UnderWay, look
from shared.ports import ImportSource, Outbox, Registry, Stored
from shared.progress import Progress

STAGING = "staging"


def promote(message: LookAtCandidate, *, progress: Progress[Candidate], base: Registry, outbox: Outbox) -> None:
    """Do the next thing about a candidate's promotion.

    Args:
        message: which candidate, at which step.
        progress: where candidates are kept and how they go on.
        base: the base registry.
        outbox: where the request to rebuild is sent.
    """
    stored = progress.held(message.candidate, message.step)
    if stored is None or stage_of(stored.record.status) is not Stage.PROMOTE:
        return
    if message.operation or stored.record.last.reason is Reason.PROMOTION_STARTED:
        _look(stored, message.operation, progress, base, outbox)
    elif _earlier_is_promoting(stored.record, progress):
        _wait(stored, progress)
    else:
        _start(stored, progress, base)


def _earlier_is_promoting(candidate: Candidate, progress: Progress[Candidate]) -> bool:
    earlier = progress.records.get(candidate.after) if candidate.after else None
    return earlier is not None and earlier.record.status is Status.PROMOTING


def _wait(stored: Stored[Candidate], progress: Progress[Candidate]) -> None:
    """Two imports of one tag may end in either order; the older digest must not be the last to arrive."""
    candidate = stored.record
    detail = f"{candidate.after} is still being promoted"
    progress.save(
        stored, advance(candidate, Reason.WAITS_FOR_EARLIER, progress.clock(), pause=FIRST_RETRY, detail=detail)
    )


def _start(stored: Stored[Candidate], progress: Progress[Candidate], base: Registry) -> None:
    candidate = stored.record
    source = ImportSource(Repository(STAGING, candidate.target), candidate.digest, staging=True)
    claimed = progress.claim(stored, advance(candidate, Reason.PROMOTION_STARTED, progress.clock(), pause=LEASE))
    if claimed is None:
        return
    try:
        operation = base.start_import(source, candidate.target, candidate.tag)
    except ServiceError as error:
        _repeat(claimed, error, progress)
        return
    progress.again(claimed, pause_before_look(timedelta(0), operation.retry_after), operation.token)


def _look(stored: Stored[Candidate], token: str, progress: Progress[Candidate], base: Registry, outbox: Outbox) -> None:
    candidate = stored.record
    awaited = Awaited("base", candidate.target, candidate.tag, candidate.digest, candidate.last.at)
    try:
        under_way = look(base, token, awaited, progress.clock())
    except (OperationFailed, DigestMismatch) as error:
        _repeat(stored, error, progress)
    except ServiceError as error:
        progress.save(stored, put_off(candidate, error, progress.clock()), token)
    else:
        _go_on(stored, under_way, progress, outbox)


def _go_on(
    stored: Stored[Candidate], under_way: UnderWay | None, progress: Progress[Candidate], outbox: Outbox
) -> None:
    if under_way is not None:
        progress.again(stored, under_way.pause, under_way.token)
        return
    candidate = stored.record
    # The rebuild is asked for before the candidate ends: nothing would look at it again if we died in between.
    outbox.send(REBUILDS, _moved(candidate))
    detail = f"as {candidate.target}:{candidate.tag}"
    progress.save(stored, advance(candidate, Reason.PROMOTION_VERIFIED, progress.clock(), detail=detail))


def _moved(candidate: Candidate) -> BaseMoved:
    return BaseMoved(
        v=1,
        repository=candidate.target,
        tag=candidate.tag,
        digest=candidate.digest,
        traceparent=candidate.traceparent,
    )


def _repeat(stored: Stored[Candidate], error: ServiceError, progress: Progress[Candidate]) -> None:
    """The import is asked for again: the message after a trouble carries no token."""
    progress.save(stored, put_off(stored.record, error, progress.clock()))
