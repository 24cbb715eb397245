"""Take what a builder tells of a build that it was asked for."""

from __future__ import annotations

from shared.domain.dispatch.answer import Answer, Taken, ended_by, taken
from shared.domain.promotion.rebuilds import Rebuild
from shared.rules.progress import Progress

_TRIES = 4


class OutcomeTaker:
    """Ends attempts by what is told of them, each once.

    Args:
        progress: where rebuilds are kept and how they go on.
    """

    def __init__(self, progress: Progress[Rebuild]) -> None:
        self._progress = progress

    def take(self, answer: Answer) -> Taken | None:
        """Take an answer that was believed.

        Args:
            answer: about one attempt.

        Returns:
            What it did; ``None`` if there is no such rebuild.

        Raises:
            ServiceError: the storage account did not answer; nothing was taken, and the same answer can be told again.
        """
        for _ in range(_TRIES):
            stored = self._progress.records.get(answer.rebuild)
            if stored is None:
                return None
            meaning = taken(stored.record, answer)
            if meaning is not Taken.ENDS:
                return meaning
            ended = self._progress.claim(stored, ended_by(stored.record, answer, self._progress.clock()))
            if ended is not None:
                self._progress.wake(ended.record)
                return Taken.ENDS
        return taken(stored.record, answer) if (stored := self._progress.records.get(answer.rebuild)) else None
