"""Record and report what could not be worked on: its text is kept."""

from __future__ import annotations

import hashlib
import logging

from shared.dead_letter_ports import DeadLetter, DeadLetters
from shared.domain.events.messages import MESSAGE_QUEUES
from shared.errors import TidegateError
from shared.ports import Activity, Clock, Event, Evidence

log = logging.getLogger("tidegate.poison")

_SHOWN = 1000
# What is left of a queue after so many requests waits for the next sweep.
MOST_REQUESTS = 10


class DeadLetterReader:
    """Reads what died. Nobody waits for it: the sweep asks.

    A message is recorded, then deleted. Whoever dies in between leaves it where it is: it is recorded once more, and
    nothing is lost. What it was about is not put off here: what is due, the sweep wakes for.

    Args:
        letters: what died.
        activity: the activity log.
        evidence: where whole texts are kept.
        clock: tells the time.
    """

    def __init__(self, letters: DeadLetters, activity: Activity, evidence: Evidence, clock: Clock) -> None:
        self._letters = letters
        self._activity = activity
        self._evidence = evidence
        self._clock = clock

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
            record_poison(letter, activity=self._activity, evidence=self._evidence, clock=self._clock)
            self._letters.delete(letter)
        except TidegateError as error:
            log.warning("what died in the queue %s stays there: %s", letter.queue, error)
            return error
        return None


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
