"""Record and report a message that could not be worked on: its text is kept, and its record does not wait for ever."""

from __future__ import annotations

import hashlib
import logging

from shared.domain.candidate import Candidate, Reason
from shared.domain.lifecycle import ENDS, advance
from shared.domain.messages import LookAtCandidate, LookAtRebuild, decode
from shared.domain.rebuilds import REBUILD_ENDS, Rebuild, RebuildStatus, follow
from shared.domain.schedule import LEASE
from shared.errors import MalformedMessage
from shared.ports import Activity, Clock, Event, Evidence
from shared.progress import Progress

log = logging.getLogger("tidegate.poison")

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


def give_up_candidate(text: str, progress: Progress[Candidate]) -> None:
    """End the candidate a dead message was about, if it can be read and the candidate is still at that step."""
    try:
        message = decode(text, LookAtCandidate)
    except MalformedMessage:
        log.info("the dead message names no candidate")
        return
    stored = progress.records.get(message.candidate)
    if stored is None or stored.record.step > message.step + 1 or stored.record.status in ENDS:
        return
    detail = "the same step broke off again and again; see the exceptions of its function, then check the image again"
    progress.save(stored, advance(stored.record, Reason.BROKE_OFF, progress.clock(), detail=detail))


def give_up_rebuild(text: str, progress: Progress[Rebuild]) -> None:
    """End the rebuild a dead message was about, if it can be read and the rebuild is still at that step."""
    try:
        message = decode(text, LookAtRebuild)
    except MalformedMessage:
        log.info("the dead message names no rebuild")
        return
    stored = progress.records.get(message.rebuild)
    if stored is None or stored.record.step > message.step + 1 or stored.record.status in REBUILD_ENDS:
        return
    detail = "the same step broke off again and again; see the exceptions of its function, then run the task by hand"
    progress.save(stored, follow(stored.record, RebuildStatus.FAILED, progress.clock(), pause=LEASE, detail=detail))
