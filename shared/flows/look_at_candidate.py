"""Look at one candidate: its record says whose turn it is, whichever queue the message came through."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.events.messages import LookAtCandidate
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import Stage, turn_of
from shared.ports import Stored
from shared.rules.progress import Progress


class CandidateLooker:
    """Hands a candidate to the stage whose turn it is, together with its record, which is read once.

    Args:
        progress: where candidates are kept.
        stage: does the next thing about an import into staging, given the import's continuation token.
        validate: does the next thing about a gate.
        promote: looks after a candidate that passed.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        *,
        stage: Callable[[Stored[Candidate], str], None],
        validate: Callable[[Stored[Candidate]], None],
        promote: Callable[[Stored[Candidate]], None],
    ) -> None:
        self._progress = progress
        self._turns: dict[Stage, Callable[[Stored[Candidate], str], None]] = {
            Stage.IMPORT: stage,
            Stage.VALIDATE: lambda stored, _: validate(stored),
            Stage.PROMOTE: lambda stored, _: promote(stored),
        }

    def look(self, message: LookAtCandidate) -> None:
        """Do the next thing about a candidate; nothing if the message is out of date, or the candidate at its end."""
        stored = self._progress.held(message.candidate, message.step)
        turn = turn_of(stored.record) if stored is not None else None
        if stored is not None and turn is not None:
            self._turns[turn](stored, message.operation)
