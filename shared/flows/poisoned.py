"""Record and report what could not be worked on: its text is kept, and its record does not wait for ever."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from shared.dead_letter_ports import DeadLetter, DeadLetters
from shared.domain.events.messages import MESSAGE_QUEUES, LookAtCandidate, LookAtRebuild, LookAtTarget, decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import put_off, turn_of
from shared.domain.promotion.rebuilds import REBUILD_ENDS, Rebuild, put_off_rebuild
from shared.domain.promotion.reconciling import fell_through, scheduled
from shared.domain.promotion.target import Target
from shared.errors import InvalidReference, MalformedMessage, ServiceError, StepBroke, TidegateError
from shared.ports import Activity, Clock, Event, Evidence
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.poison")

S = TypeVar("S")
T = TypeVar("T", LookAtCandidate, LookAtRebuild, LookAtTarget)

_SHOWN = 1000
# What is left of a queue after so many requests waits for the next sweep.
MOST_REQUESTS = 10


class DeadLetterReader:
    """Reads what died. Nobody waits for it: the sweep asks.

    A message is recorded, then its record is put off, then it is deleted. Whoever dies in between leaves it where it
    is: it is recorded once more, and nothing is lost.

    Args:
        letters: what died.
        activity: the activity log.
        evidence: where whole texts are kept.
        candidates, rebuilds, book: where records are, and how they go on.
    """

    def __init__(
        self,
        letters: DeadLetters,
        activity: Activity,
        evidence: Evidence,
        candidates: Progress[Candidate],
        rebuilds: Progress[Rebuild],
        book: TargetBook,
    ) -> None:
        self._letters = letters
        self._activity = activity
        self._evidence = evidence
        self._candidates = candidates
        self._rebuilds = rebuilds
        self._book = book

    def read(self) -> None:
        """Read every queue of dead messages until it is empty, or asked often enough.

        Raises:
            TidegateError: the first that failed; after all others, and its message stays.
        """
        problems = [problem for queue in MESSAGE_QUEUES for problem in self._read(queue)]
        if problems:
            raise problems[0]

    def _read(self, queue: str) -> list[TidegateError]:
        problems: list[TidegateError] = []
        try:
            for _ in range(MOST_REQUESTS):
                found = self._letters.take(queue)
                problems += [problem for letter in found if (problem := self._finished(letter)) is not None]
                if problems or not found:
                    return problems
        except TidegateError as error:
            log.warning("what died in the queue %s is read by the next sweep: %s", queue, error)
            problems.append(error)
        return problems

    def _finished(self, letter: DeadLetter) -> TidegateError | None:
        try:
            record_poison(letter, activity=self._activity, evidence=self._evidence, clock=self._book.clock)
            self._put_off(letter)
            self._letters.delete(letter)
        except TidegateError as error:
            log.warning("what died in the queue %s stays there: %s", letter.queue, error)
            return error
        return None

    def _put_off(self, letter: DeadLetter) -> None:
        """Of a message whose text is kept nothing is tried for ever: what killed it may be in the way here too."""
        try:
            put_off_candidate(letter.text, self._candidates)
            put_off_target(letter.text, self._book)
            put_off_rebuilding(letter.text, self._rebuilds)
        except Exception as error:
            if isinstance(error, TidegateError) and error.temporary:
                raise
            log.exception("the record of what died in the queue %s cannot be put off", letter.queue)


def record_poison(letter: DeadLetter, *, activity: Activity, evidence: Evidence, clock: Clock) -> None:
    """Keep a dead message's text and add a line to the activity log.

    Args:
        letter: the message.
        activity: the activity log.
        evidence: where the whole text is kept, under ``poison-<queue>/``.
        clock: tells the time.
    """
    queue, text = letter.queue, letter.text
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.txt"
    evidence.keep(f"poison-{queue}", name, text.encode())
    log.error(
        "a message of the queue %s could not be worked on; its text is kept as %s: %s", queue, name, text[:_SHOWN]
    )
    told = f"died {letter.died_at:%Y-%m-%d %H:%M:%S} UTC, kept as {name}: {text[:_SHOWN]}"
    activity.append(Event(f"queue:{queue}", "message-poisoned", clock(), told))


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
        return None
