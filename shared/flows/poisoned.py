"""Record and report a message that could not be worked on: its text is kept, and its record does not wait for ever."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from shared.domain.events.messages import LookAtCandidate, LookAtRebuild, LookAtTarget, decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import put_off, turn_of
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, put_off_rebuild
from shared.domain.promotion.reconciling import fell_through, scheduled
from shared.domain.promotion.target import Target
from shared.errors import InvalidReference, MalformedMessage, ServiceError, StepBroke
from shared.ports import Activity, Clock, Event, Evidence
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.poison")

S = TypeVar("S")
T = TypeVar("T", LookAtCandidate, LookAtRebuild, LookAtTarget)

_SHOWN = 1000


def record_poison(queue: str, text: str, *, activity: Activity, evidence: Evidence, clock: Clock) -> None:
    """Keep a dead message's text and add a line to the activity log.

    Args:
        queue: the queue it died in, without ``-poison``.
        text: the message, as it was.
        activity: the activity log.
        evidence: where the whole text is kept, under ``poison-<queue>/``.
        clock: tells the time.
    """
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.txt"
    evidence.keep(f"poison-{queue}", name, text.encode())
    log.error(
        "a message of the queue %s could not be worked on; its text is kept as %s: %s", queue, name, text[:_SHOWN]
    )
    activity.append(Event(f"queue:{queue}", "message-poisoned", clock(), f"kept as {name}: {text[:_SHOWN]}"))


def put_off_candidate(text: str, progress: Progress[Candidate]) -> None:
    """Try the candidate a dead message was about once more, ever more rarely, until it has failed too often."""
    message = _decoded(text, LookAtCandidate)
    stored = _found(progress.records.get, message.candidate) if message else None
    if message and stored and _is_at(stored.record, message.step) and turn_of(stored.record) is not None:
        progress.save(stored, put_off(stored.record, StepBroke(), progress.clock()))


def put_off_target(text: str, book: TargetBook) -> None:
    """Try the target a dead message was about once more, ever more rarely, until it has failed too often."""
    message = _decoded(text, LookAtTarget)
    stored = _found(book.targets.get, message.target) if message else None
    if message is None or stored is None or stored.record.step not in {message.step, message.step + 1}:
        return
    now, step = book.clock(), stored.record.step
    put_off = book.change(message.target, lambda known: _fallen(known, step, now), stored)
    if put_off is not None and not put_off.record.gave_up:
        book.send(put_off.record, (put_off.record.look_at or now) - now)


def _fallen(known: Target | None, step: int, now: datetime) -> Target | None:
    if known is None or known.step != step:
        return None
    return scheduled(fell_through(known, StepBroke(), now, over=True, settled=False), now)


def put_off_rebuilding(text: str, progress: Progress[Rebuild]) -> None:
    """Try the rebuild a dead message was about once more, ever more rarely, until it has failed too often."""
    message = _decoded(text, LookAtRebuild)
    stored = _found(progress.records.get, message.rebuild) if message else None
    if message and stored and _is_at(stored.record, message.step) and stored.record.status not in REBUILD_ENDS:
        progress.save(stored, put_off_rebuild(stored.record, StepBroke(), progress.clock()))


def _is_at(record: Candidate | Rebuild, step: int) -> bool:
    """The step that broke off may have claimed the record, which is one step further then."""
    return record.step in {step, step + 1}


def _found(get: Callable[[str], S | None], record_id: str) -> S | None:
    """A message that names no record, or one that nobody can read, is at its end here: it must not go round for ever.

    Raises:
        ServiceError: the store does not answer just now.
    """
    try:
        return get(record_id)
    except (InvalidReference, ServiceError) as error:
        if isinstance(error, ServiceError) and error.temporary:
            raise
        log.error("the record %.200r of a dead message cannot be read: %s", record_id, error)
        return None


def _decoded(text: str, kind: type[T]) -> T | None:
    try:
        return decode(text, kind)
    except MalformedMessage:
        log.info("the dead message names no record")
        return None
