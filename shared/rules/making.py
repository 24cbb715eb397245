"""How a digest that a target waits for gets its candidate: made once, joined by every other tag that wants it."""

from __future__ import annotations

from datetime import datetime

from shared.domain.promotion.candidate import Candidate, joined
from shared.domain.promotion.identity import earlier_id
from shared.domain.promotion.inheritance import inherited, stands_apart
from shared.domain.promotion.lifecycle import begin_again, detected
from shared.domain.promotion.meeting import Meeting, meet
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Sighting, Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.watching.observation import Look
from shared.errors import Conflict
from shared.ports import Stored
from shared.rules.progress import Progress

_TRIES = 8


class Maker:
    """Makes candidates, and lets targets join those that are there.

    Args:
        progress: where candidates are kept and how they go on.
    """

    def __init__(self, progress: Progress[Candidate]) -> None:
        self._progress = progress

    def make(self, wanted: Candidate, look: Look | None, lost_at: datetime | None = None) -> tuple[Candidate, Meeting]:
        """See that a digest has a candidate, on its way or with its verdict.

        Args:
            wanted: the candidate that would be made, for one target.
            look: how the digest came to be wanted; see ``meet``.
            lost_at: see ``meet``.

        Returns:
            The candidate as it is now, and what there is to be told to the target. Where an earlier version decided
            otherwise on the digest for this tag alone, the candidate as it would be by that, which nobody keeps.

        Raises:
            Conflict: the record changes too fast; it is tried again.
        """
        existing = self._progress.records.get(wanted.id)
        if existing is None:
            first = self._inherited(wanted, lost_at)
            if self._progress.insert(first, absent=True):
                self._progress.wake(first)
                return first, meet(first, None, self._progress.clock())
            existing = self._progress.records.get(wanted.id)
        if existing is None:
            raise Conflict(f"{wanted.id} was put away just now; it is tried again")
        apart = self._apart(existing.record, wanted, lost_at)
        if apart is not None:
            return apart, meet(apart, None, self._progress.clock())
        return self._meet(existing, wanted, look, lost_at)

    def once_more(
        self, wanted: Candidate, look: Look, asked_at: datetime | None = None
    ) -> tuple[Candidate, Meeting] | None:
        """Nothing moved: what failed, or was rejected by a gate that is mended now, may be tried again.

        Args:
            wanted: the candidate that would be made.
            look: how the digest came to be wanted; see ``meet``.
            asked_at: see ``meet``.

        Returns:
            As ``make``; ``None`` if there is no candidate.
        """
        existing = self._progress.records.get(wanted.id)
        if existing is not None:
            apart = self._apart(existing.record, wanted, None)
            if apart is not None and not self._may_test(apart, existing.record, look):
                return apart, Meeting.LEAVE
            return self._meet(existing, wanted, look, None, asked_at, anew=apart is not None)
        earlier = self._earlier(wanted)
        if earlier is None or meet(earlier, look, self._progress.clock(), asked_at=asked_at) is not Meeting.BEGIN_AGAIN:
            return None
        if self._progress.insert(wanted, absent=True):
            self._progress.wake(wanted)
        return wanted, Meeting.LEAVE

    def _inherited(self, wanted: Candidate, lost_at: datetime | None) -> Candidate:
        """What an earlier version knows of it is taken over: a rejected digest is not tested again."""
        earlier = self._earlier(wanted)
        if earlier is None or (lost_at is not None and earlier.has_passed):
            return wanted
        return inherited(wanted, earlier, self._progress.clock())

    def _apart(self, existing: Candidate, wanted: Candidate, lost_at: datetime | None) -> Candidate | None:
        """A tag that joins may have had another verdict of its own; it is asked for each time until the tag joins."""
        if wanted.home in existing.places or existing.generation > 1:
            return None
        own = self._inherited(wanted, lost_at)
        return own if stands_apart(own, existing) else None

    def _may_test(self, apart: Candidate, existing: Candidate, look: Look) -> bool:
        """What is under way for other tags ends first. Asked twice it is done once: the verdict is all tags' then."""
        meeting = meet(apart, look, self._progress.clock())
        return meeting is Meeting.BEGIN_AGAIN and existing.status in ENDS

    def _earlier(self, wanted: Candidate) -> Candidate | None:
        home = wanted.home
        stored = self._progress.records.get(earlier_id(home.repository, home.tag, wanted.digest))
        return stored.record if stored is not None else None

    def _meet(
        self,
        existing: Stored[Candidate],
        wanted: Candidate,
        look: Look | None,
        lost_at: datetime | None,
        asked_at: datetime | None = None,
        *,
        anew: bool = False,
    ) -> tuple[Candidate, Meeting]:
        existing, now = self._joined(existing, wanted), self._progress.clock()
        meeting = meet(existing.record, look, now, lost_at=lost_at, asked_at=asked_at)
        meeting = Meeting.BEGIN_AGAIN if anew else meeting
        if meeting is Meeting.RESEND:
            self._progress.wake(existing.record)
        if meeting is Meeting.BEGIN_AGAIN:
            detail, seen = wanted.last.detail, look is not None
            again = begin_again(existing.record, now, detail=detail, wanted=wanted, seen=seen)
            self._progress.save(existing, again)
            return again, meeting
        return existing.record, meeting

    def _joined(self, existing: Stored[Candidate], wanted: Candidate) -> Stored[Candidate]:
        """The step stays, so that whatever is under way goes on."""
        for _ in range(_TRIES):
            with_it = joined(existing.record, wanted.home)
            if with_it is existing.record:
                return existing
            claimed = self._progress.claim(existing, with_it, strictly=True)
            if claimed is not None:
                return claimed
            existing = self._progress.records.get(wanted.id) or existing
        raise Conflict(f"{wanted.id} changes too fast for another tag to join it; it is tried again")


def candidate_of(target: Target, sighting: Sighting, look: Look | None, now: datetime) -> Candidate:
    """Return the candidate that is to be made of what a target's source was seen to point at."""
    origin = target.origin
    first = Candidate(
        image=origin.image,
        source=origin.source,
        source_tag=origin.source_tag,
        digest=sighting.digest,
        gate=origin.gate,
        targets=(target.place,),
        status=Status.DETECTED,
        look_at=now,
        since=now,
        detected_at=now,
        traceparent=sighting.traceparent,
    )
    moved = look is Look.MOVED or len(target.sightings) > 1
    reason = Reason.TAG_MOVED if moved else Reason.FIRST_IMPORT
    return detected(first, reason, now, f"{origin.source}:{origin.source_tag} is {sighting.digest}")
