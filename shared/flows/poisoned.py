"""Record and report a message that could not be worked on: its text is kept, and its record does not wait for ever."""

from __future__ import annotations

import hashlib
import logging
from typing import TypeVar

from shared.domain.events.messages import LookAtCandidate, LookAtRebuild, decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import ENDS, put_off
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, put_off_rebuild
from shared.errors import MalformedMessage, StepBroke
from shared.ports import Activity, Clock, Event, Evidence
from shared.rules.progress import Progress

log = logging.getLogger("tidegate.poison")

T = TypeVar("T", LookAtCandidate, LookAtRebuild)

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
    stored = progress.records.get(message.candidate) if message else None
    if message and stored and _is_at(stored.record, message.step) and stored.record.status not in ENDS:
        progress.save(stored, put_off(stored.record, StepBroke(), progress.clock()))


def put_off_rebuilding(text: str, progress: Progress[Rebuild]) -> None:
    """Try the rebuild a dead message was about once more, ever more rarely, until it has failed too often."""
    message = _decoded(text, LookAtRebuild)
    stored = progress.records.get(message.rebuild) if message else None
    if message and stored and _is_at(stored.record, message.step) and stored.record.status not in REBUILD_ENDS:
        progress.save(stored, put_off_rebuild(stored.record, StepBroke(), progress.clock()))


def _is_at(record: Candidate | Rebuild, step: int) -> bool:
    """The step that broke off may have claimed the record, which is one step further then."""
    return record.step in {step, step + 1}


def _decoded(text: str, kind: type[T]) -> T | None:
    try:
        return decode(text, kind)
    except MalformedMessage:
        log.info("the dead message names no record")
        return None
