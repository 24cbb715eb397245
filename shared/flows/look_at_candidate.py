"""Look at one candidate: its record says whose turn it is."""

from __future__ import annotations

from collections.abc import Callable

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import Stage, turn_of
from shared.ports import Stored


class CandidateLooker:
    """Hands a candidate to the stage whose turn it is, together with its record, which is read once.

    Args:
        stage: does the next thing about an import into staging.
        mirror: gives runs a tool that is staged.
        validate: does the next thing about a gate.
        cancel: ends a gate's run.
        promote: looks after a candidate that passed.
    """

    def __init__(
        self,
        *,
        stage: Callable[[Stored[Candidate]], None],
        mirror: Callable[[Stored[Candidate]], None],
        validate: Callable[[Stored[Candidate]], None],
        cancel: Callable[[Stored[Candidate]], None],
        promote: Callable[[Stored[Candidate]], None],
    ) -> None:
        self._turns: dict[Stage, Callable[[Stored[Candidate]], None]] = {
            Stage.IMPORT: stage,
            Stage.MIRROR: mirror,
            Stage.VALIDATE: validate,
            Stage.CANCEL: cancel,
            Stage.PROMOTE: promote,
        }

    def look(self, stored: Stored[Candidate]) -> None:
        """Do the next thing about a candidate; nothing at its end.

        Raises:
            Paced: its turn at ARM has not come; nothing was written.
        """
        turn = turn_of(stored.record)
        if turn is not None:
            self._turns[turn](stored)
