"""The record of a decision as one of the companions of a digest: what comes of each step is written with the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import msgspec

from shared.domain.record.attaching import BUNDLE_TYPE
from shared.domain.record.images import MANIFEST_TYPE
from shared.domain.record.record import Form, Record, without
from shared.domain.record.record import RecordState as Inside
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import Referrer, ReferrerState
from shared.domain.travel.tries import NO_TRIES, failed
from shared.errors import Paced, Refused, TidegateError
from shared.rules.companion_book import CompanionBook
from shared.rules.recording import Recording
from shared.travel_ports import StoredCompanions

log = logging.getLogger("tidegate.records")

_NO_KEY = (
    "its entry asks for a record of the decision, and no key signs any: set RECORD_KEY to a key of Key Vault, or take "
    "`record` from the entry"
)
_STATES = {Inside.ATTACHED: RecordState.DONE, Inside.NONE: RecordState.NONE, Inside.WITHDRAWN: RecordState.NONE}


class RecordSteps:
    """Does the next thing about the record of a decision.

    Args:
        book: where companions are.
        recording: gives who makes records; ``None`` where no key signs any.
    """

    def __init__(self, book: CompanionBook, recording: Callable[[], Recording | None]) -> None:
        self._book = book
        self._recording = recording

    def step(self, stored: StoredCompanions) -> StoredCompanions | None:
        """Do the next thing, and write what came of it.

        Returns:
            What was written; ``None`` if somebody else was faster, who then sees to what is next.

        Raises:
            Paced: our turn at ARM has not come, and nothing was begun.
        """
        known, now = stored.record, self._book.clock()
        before = known.record or Recorded()
        try:
            record = self._next(known, before)
        except Paced:
            raise
        except TidegateError as error:
            return self._failed(stored, before, error, now)
        ours = [_referrer(record, known, number, now) for number in range(len(record.pieces))]
        state = _STATES.get(record.state, RecordState.OPEN)
        after = Recorded(state=state, look_at=_look_at(known, record), tries=NO_TRIES, record=record)
        return self._book.step(stored, lambda one: changes.recorded(one, after, now, ours))

    def _next(self, known: Companions, before: Recorded) -> Record:
        recording = self._recording()
        if recording is None:
            raise Refused(_NO_KEY)
        ours = {(one.digest, one.tag): one.state for one in known.referrers if one.ours}
        record = before.record
        if record is not None:
            keys = {one.digest: ours.get((one.digest, one.tag)) for one in record.pieces}
            # One that has not arrived and was there is pushed again; on its way for the first time it is left alone.
            kept = {ReferrerState.ARRIVED} if record.state is Inside.ATTACHED else set(ReferrerState)
            record = without(record, {digest for digest, state in keys.items() if state not in kept})
        arrived = {key for key, state in ours.items() if state is ReferrerState.ARRIVED}
        return recording.step(recording.about(known.repository, known.staging, known.digest), record, arrived)

    def _failed(
        self, stored: StoredCompanions, before: Recorded, error: TidegateError, now: datetime
    ) -> StoredCompanions | None:
        log.warning("no record lies beside %s yet: %s", stored.record.id, error)
        tries = failed(before.tries, error, now)
        after = msgspec.structs.replace(before, tries=tries, look_at=tries.retry_at)
        return self._book.step(stored, lambda one: changes.recorded(one, after, now))


def _referrer(record: Record, known: Companions, number: int, now: datetime) -> Referrer:
    piece = record.pieces[number]
    there = next((one for one in known.referrers if (one.digest, one.tag) == (piece.digest, piece.tag)), None)
    return there or Referrer(
        digest=piece.digest,
        subject=piece.subject,
        media_type=MANIFEST_TYPE,
        artifact_type=BUNDLE_TYPE if piece.form is Form.BUNDLE else "",
        tag=piece.tag,
        state=ReferrerState.STAGED,
        found_at=now,
        ours=True,
        over=piece.over,
    )


def _look_at(known: Companions, record: Record) -> datetime | None:
    """What was pushed once more is looked after when it is carried once more."""
    mine = {(piece.digest, piece.tag) for piece in record.pieces}
    times = [one.tries.retry_at for one in known.referrers if one.ours and (one.digest, one.tag) in mine]
    return max((at for at in times if at is not None), default=None) if record.state is Inside.STAGED else None
