"""Copy what was tested, by its digest, from the staging registry into the base registry, and ask for the rebuilds."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.events.messages import REBUILDS, BaseMoved, LookAtCandidate
from shared.domain.promotion.candidate import Candidate, Reason, Status
from shared.domain.promotion.lifecycle import Stage, advance, put_off, replica_lags, stage_of
from shared.domain.promotion.schedule import FIRST_RETRY, LEASE, pause_before_look
from shared.domain.references import Repository
from shared.errors import DigestMismatch, NotFound, NotThereYet, OperationFailed, ServiceError
from shared.ports import ImportSource, Outbox, Registry, Stored
from shared.rules.imports import Differs, UnderWay, in_base, look
from shared.rules.progress import Progress

_STAGING = "staging"
# After these an import may have been asked for, whether or not its token is known.
_UNDER_WAY = frozenset({Reason.PROMOTION_STARTED, Reason.REPLICA_LAGS})


class Promoter:
    """Takes candidates that passed into the base registry.

    Args:
        progress: where candidates are kept and how they go on.
        base: the base registry.
        outbox: where the request to rebuild is sent.
    """

    def __init__(self, progress: Progress[Candidate], base: Registry, outbox: Outbox) -> None:
        self._progress = progress
        self._base = base
        self._outbox = outbox

    def promote(self, message: LookAtCandidate) -> None:
        """Do the next thing about a candidate's promotion."""
        stored = self._progress.held(message.candidate, message.step)
        if stored is None or stage_of(stored.record.status) is not Stage.PROMOTE:
            return
        if message.operation or stored.record.last.reason in _UNDER_WAY:
            self._look(stored, message.operation)
        else:
            self.begin(stored, stored.record)

    def begin(self, stored: Stored[Candidate], candidate: Candidate) -> None:
        """Start the promotion of a candidate that passed.

        Args:
            stored: the record as it was read.
            candidate: the same, promoting; not necessarily written yet.
        """
        if self._earlier_is_promoting(candidate):
            self._wait(stored, candidate)
            return
        started = advance(candidate, Reason.PROMOTION_STARTED, self._progress.clock(), pause=LEASE)
        claimed = self._progress.claim(stored, started)
        if claimed is not None:
            self._start(claimed)

    def _earlier_is_promoting(self, candidate: Candidate) -> bool:
        earlier = self._progress.records.get(candidate.after) if candidate.after else None
        return earlier is not None and earlier.record.status is Status.PROMOTING

    def _wait(self, stored: Stored[Candidate], candidate: Candidate) -> None:
        """Two imports of one tag may end in either order; the older digest must not be the last to arrive."""
        now, detail = self._progress.clock(), f"{candidate.after} is still being promoted"
        waiting = advance(candidate, Reason.WAITS_FOR_EARLIER, now, pause=FIRST_RETRY, detail=detail)
        self._progress.save(stored, waiting)

    def _start(self, claimed: Stored[Candidate]) -> None:
        candidate = claimed.record
        source = ImportSource(Repository(_STAGING, candidate.target), candidate.digest, staging=True)
        try:
            operation = self._base.start_import(source, candidate.target, candidate.tag)
        except ServiceError as error:
            self._put_off(claimed, error)
        else:
            self._progress.again(claimed, pause_before_look(timedelta(0), operation.retry_after), operation.token)

    def _look(self, stored: Stored[Candidate], token: str) -> None:
        candidate = stored.record
        try:
            seen = look(self._base, token, in_base(candidate), self._progress.clock())
        except (OperationFailed, DigestMismatch) as error:
            self._put_off(stored, error)
        except ServiceError as error:
            self._put_off(stored, error, token)
        else:
            self._go_on(stored, seen)

    def _go_on(self, stored: Stored[Candidate], seen: UnderWay | Differs | None) -> None:
        if isinstance(seen, UnderWay):
            self._progress.again(stored, seen.pause, seen.token)
        elif isinstance(seen, Differs):
            self._progress.save(stored, replica_lags(stored.record, self._progress.clock(), seen.detail))
        else:
            self._end(stored)

    def _end(self, stored: Stored[Candidate]) -> None:
        candidate = stored.record
        # The rebuild is asked for before the candidate ends: nothing would look at it again if we died in between.
        self._outbox.send(REBUILDS, _moved(candidate))
        detail = f"as {candidate.target}:{candidate.tag}"
        promoted = advance(candidate, Reason.PROMOTION_VERIFIED, self._progress.clock(), detail=detail)
        self._progress.save(stored, promoted)

    def _put_off(self, stored: Stored[Candidate], error: ServiceError, token: str = "") -> None:
        """Without a token the import is asked for again."""
        self._progress.save(stored, put_off(stored.record, _patiently(error), self._progress.clock()), token)


def _patiently(error: ServiceError) -> ServiceError:
    """What staging denies having was read back there before its gate ran: one of its copies lags, or it was deleted."""
    cause = error.cause if isinstance(error, OperationFailed) else error
    if not isinstance(cause, NotFound):
        return error
    told = "the staging registry, from which it was read back before, does not show it"
    return NotThereYet(f"{told}; if this lasts, look whether it was deleted there: {error}", code=error.code)


def _moved(candidate: Candidate) -> BaseMoved:
    return BaseMoved(
        v=1,
        repository=candidate.target,
        tag=candidate.tag,
        digest=candidate.digest,
        traceparent=candidate.traceparent,
    )
