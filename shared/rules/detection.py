"""From a digest that is seen to a candidate on its way: first the target's record is told, then the candidate made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.domain.promotion.candidate import Candidate, Reason, Status, candidate_id
from shared.domain.promotion.decision import decide
from shared.domain.promotion.lifecycle import ENDS, advance, begin_again, detected
from shared.domain.promotion.meeting import Meeting, meet
from shared.domain.promotion.reconciling import Todo, scheduled, sighted, todo
from shared.domain.promotion.schedule import FAILED_LOOK, VERDICT_LOOK
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Look
from shared.errors import Conflict
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook

_TRIES = 3


class Detector:
    """Tells targets what their sources point at, and makes the candidates whose verdicts they wait for.

    Args:
        progress: where candidates are kept and how they go on.
        book: where targets are.
    """

    def __init__(self, progress: Progress[Candidate], book: TargetBook) -> None:
        self._progress = progress
        self._book = book

    def want(
        self,
        repository: str,
        tag: Tag,
        origin: Origin,
        sighting: Sighting,
        look: Look,
        asked_at: datetime | None = None,
    ) -> None:
        """Tell a target what its source points at, and see that the digest has a candidate if it needs one.

        Args:
            repository: in the base registry.
            tag: in the base registry.
            origin: where it was seen, and for which entry of the watch list.
            sighting: what was seen, by the registry's own word.
            look: what that amounts to.
            asked_at: when somebody asked for it by hand, UTC.

        Raises:
            Conflict: a record changes too fast; the check is made again.
            ServiceError: the storage account failed.
        """
        fresh = Target(registry=self._book.registry, repository=repository, tag=tag, origin=origin)
        if look in {Look.UNCHANGED, Look.RETURNED}:
            self._once_more(_candidate(fresh, sighting, look, self._progress.clock()), look, asked_at)
            return
        now = self._progress.clock()
        stored = self._book.change(
            target_id(self._book.registry, repository, tag),
            lambda known: scheduled(decide(sighted(known or fresh, sighting, origin, now), now)[0], now),
        )
        if stored is None:
            return
        self._serve(stored.record, look)
        if todo(stored.record, now) is Todo.PUT:
            self._book.send(stored.record)

    def look_after(self, target: Target) -> datetime | None:
        """See that the digest whose verdict a target waits for has a candidate on its way.

        Returns:
            When to look after it again, UTC; ``None`` if its verdict is known: it was rejected.
        """
        newest, now = target.newest, self._progress.clock()
        if newest is None:
            return None
        candidate = self._make(_candidate(target, newest, None, now), None)
        if candidate.status is Status.REJECTED:
            return None
        return max(candidate.since + FAILED_LOOK, now) if candidate.status is Status.FAILED else now + VERDICT_LOOK

    def _once_more(self, wanted: Candidate, look: Look, asked_at: datetime | None) -> None:
        """Nothing moved: what failed, or was rejected by a gate that is mended now, may be tried again."""
        existing = self._progress.records.get(wanted.id)
        if existing is not None:
            self._meet(existing, wanted, look, asked_at)

    def _serve(self, target: Target, look: Look) -> None:
        """Whoever wrote the target meanwhile saw what we did not: then this is done once more, for what it says now."""
        for _ in range(_TRIES):
            newest = target.newest
            if newest is None:
                return
            if target.awaited is not None:
                self._make(_candidate(target, newest, look, self._progress.clock()), look)
            if not self._supersede(self._others(target, newest.digest, look)):
                return
            again = self._book.of(target.repository, target.tag)
            if again is None or again.newest == newest:
                return
            target = again
        raise Conflict(f"{target.id} is sighted too often to be served; it is tried again")

    def _make(self, wanted: Candidate, look: Look | None) -> Candidate:
        if self._progress.insert(wanted):
            self._progress.send(wanted)
            return wanted
        existing = self._progress.records.get(wanted.id)
        if existing is None:
            raise Conflict(f"{wanted.id} was put away just now; it is tried again")
        return self._meet(existing, wanted, look)

    def _meet(
        self, existing: Stored[Candidate], wanted: Candidate, look: Look | None, asked_at: datetime | None = None
    ) -> Candidate:
        now = self._progress.clock()
        meeting = meet(existing.record, look, now, asked_at)
        if meeting is Meeting.RESEND:
            self._progress.send(existing.record)
        if meeting is Meeting.BEGIN_AGAIN:
            again = begin_again(existing.record, now, detail=wanted.last.detail, wanted=wanted)
            self._progress.save(existing, again)
            return again
        return existing.record

    def _others(self, target: Target, digest: Digest, look: Look) -> Iterable[Stored[Candidate]]:
        """``~`` also stands for ``/``, so the prefix of base/node:22 begins ids of the repository base/node/22 too."""
        if look is Look.FIRST_SEEN and len(target.sightings) == 1:
            return ()
        found = self._progress.records.current(candidate_id(target.repository, target.tag, Digest("")))
        return (one for one in found if one.record.target == target.repository and one.record.digest != digest)

    def _supersede(self, others: Iterable[Stored[Candidate]]) -> int:
        """End what the newer digest overtakes before it has passed, and return how many that were."""
        return sum(self._overtake(stored) for stored in others)

    def _overtake(self, stored: Stored[Candidate]) -> bool:
        for _ in range(_TRIES):
            if stored.record.status in ENDS or stored.record.status is Status.PROMOTING:
                return False
            newer = advance(stored.record, Reason.NEWER_DIGEST, self._progress.clock(), pause=timedelta(0))
            if self._progress.claim(stored, newer) is not None:
                return True
            stored = self._progress.records.get(stored.record.id) or stored
        raise Conflict(f"{stored.record.id} changes too fast to be superseded; it is tried again")


def _candidate(target: Target, sighting: Sighting, look: Look | None, now: datetime) -> Candidate:
    origin = target.origin
    first = Candidate(
        image=origin.image,
        source=origin.source,
        source_tag=origin.source_tag,
        target=target.repository,
        tag=target.tag,
        digest=sighting.digest,
        gate=origin.gate,
        status=Status.DETECTED,
        look_at=now,
        since=now,
        detected_at=now,
        traceparent=sighting.traceparent,
    )
    moved = look is Look.MOVED or len(target.sightings) > 1
    reason = Reason.TAG_MOVED if moved else Reason.FIRST_IMPORT
    return detected(first, reason, now, f"{origin.source}:{origin.source_tag} is {sighting.digest}")
