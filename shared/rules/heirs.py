"""How what earlier versions left under way goes on: as the candidate of its digest."""

from __future__ import annotations

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.inheritance import heir_of
from shared.domain.promotion.lifecycle import advance
from shared.domain.promotion.meeting import Meeting
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.ports import Stored
from shared.rules.making import Maker
from shared.rules.progress import Progress
from shared.rules.proposals import Proposer
from shared.rules.targets import TargetBook


class Heirs:
    """Ends records of versions that had a candidate for each tag, once another one goes on in their place.

    Args:
        progress: where candidates are kept and how they go on.
        book: where targets are.
        proposer: tells targets what has passed.
    """

    def __init__(self, progress: Progress[Candidate], book: TargetBook, proposer: Proposer) -> None:
        self._progress = progress
        self._book = book
        self._proposer = proposer
        self._maker = Maker(progress)

    def succeed(self, stored: Stored[Candidate]) -> None:
        """Let the candidate of its digest go on for a record that is under way; doing it twice does no harm.

        Args:
            stored: the record, of an earlier version, which has not ended.

        Raises:
            Conflict: a record changes too fast; the next sweep tries again.
            ServiceError: the storage account failed.
        """
        earlier, now = stored.record, self._progress.clock()
        if not _is_wanted(earlier, self._book.of(earlier.target, earlier.tag)):
            self._progress.save(stored, advance(earlier, Reason.NEWER_DIGEST, now))
            return
        heir, meeting = self._maker.make(heir_of(earlier, now), None)
        if meeting is Meeting.PROPOSE:
            told = self._proposer.propose(heir, earlier.home, anew=False)
            if told is not None:
                self._book.set_going(told)
        self._progress.save(stored, advance(earlier, Reason.CONTINUED, now, detail=f"goes on as {heir.id}"))


def _is_wanted(earlier: Candidate, target: Target | None) -> bool:
    """A version before targets left none behind; what passed is proposed whether it is the newest or not."""
    if target is None or target.newest is None or earlier.status is Status.PROMOTING:
        return True
    return target.newest.digest == earlier.digest
