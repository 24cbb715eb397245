"""From a digest that is seen to a candidate on its way: first the target's record is told, then the candidate made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shared.domain.promotion.admission import admission_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.decision import decide
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.lifecycle import unwanted
from shared.domain.promotion.meeting import Meeting
from shared.domain.promotion.reconciling import awaiting, passes_anew, scheduled, sighted
from shared.domain.promotion.schedule import FAILED_LOOK, VERDICT_LOOK
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Look
from shared.errors import Conflict
from shared.ports import Stored
from shared.rules.conclusions import left_by
from shared.rules.making import Maker, candidate_of
from shared.rules.progress import Progress
from shared.rules.proposals import Proposer
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_TRIES = 3
# What failed on its way to the base registry, or was rejected by its scan alone, is told once more if it is asked for.
_TOLD_ONCE_MORE = frozenset({Status.FAILED, Status.REJECTED})
# A tag that moves again before its digest has passed leaves one candidate behind; a check that died, or a tag that
# moves faster than its checks are worked on, a few.
_LOOKED_BACK = 3


class Detector:
    """Tells targets what their sources point at, and sees to the candidates whose verdicts they wait for.

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
            self._once_more(fresh, sighting, look, asked_at)
            return
        now = self._progress.clock()
        origins = {origin}

        def tell(known: Target | None) -> Target:
            origins.update({known.origin} if known else ())
            told = sighted(known or fresh, sighting, origin, now)
            if known is not None and told is not known and self._proposer.judges(told, sighting.digest):
                told = sighted(passes_anew(known, sighting.digest), sighting, origin, now)
            if known is not None:
                self._proposer.tell_closed(known, told, now)
            return scheduled(decide(told, now)[0], now)

        stored = self._book.change(target_id(self._book.registry, repository, tag), tell)
        if stored is not None:
            self._serve(stored, look, origins)

    def look_after(self, target: Target) -> datetime | None:
        """See that the digest whose verdict a target waits for has a candidate on its way, or tell the target of it.

        Returns:
            When to look after it again, UTC; ``None`` if its verdict is known.
        """
        newest, now = target.newest, self._progress.clock()
        if newest is None or target.blocks(newest.digest):
            return None
        candidate, told = self._verdict(target, newest, None)
        if told is not None:
            self._book.set_going(told)
            return _next_look(told.record, newest, now) if _still_waits(told.record, newest) else None
        return max(candidate.since + FAILED_LOOK, now) if candidate.status is Status.FAILED else now + VERDICT_LOOK

    def let_go(self, target: Target) -> None:
        """End the candidates that only a target which has left the watch list was waiting for.

        Raises:
            Conflict: a record changes too fast; it is tried again.
            ServiceError: the storage account failed.
        """
        borne = [one.digest for one in reversed(target.sightings)]
        for stored in self._candidates(target, borne, {target.origin}):
            self._overtake(stored, Reason.LEFT_THE_LIST, left_by(target))

    def blocked(self, target: Target, digest: Digest) -> None:
        """End the candidate of a digest that is blocked, unless it has passed or another target takes it.

        Raises:
            Conflict: a record changes too fast; it is tried again.
            ServiceError: the storage account failed.
        """
        for stored in self._candidates(target, [digest], {target.origin}):
            self._overtake(stored, Reason.OVERRULED, f"{digest} is blocked")

    def _once_more(self, fresh: Target, sighting: Sighting, look: Look, asked_at: datetime | None) -> None:
        """A target that was told already is told once more only of what it did not get after all."""
        wanted = candidate_of(fresh, sighting, look, self._progress.clock())
        met = self._maker.once_more(wanted, look, asked_at)
        if met is not None and met[1] is Meeting.PROPOSE and met[0].status in _TOLD_ONCE_MORE:
            told = self._proposer.propose(met[0], wanted.home, anew=True)
            if told is not None:
                self._book.set_going(told)

    def _serve(self, stored: StoredTarget, look: Look, origins: set[Origin]) -> None:
        """Whoever wrote the target meanwhile saw what we did not: then this is done once more, for what it says now."""
        for _ in range(_TRIES):
            newest = stored.record.newest
            if newest is None:
                return
            if stored.record.awaited is not None:
                stored = self._verdict(stored.record, newest, look)[1] or stored
            self._book.set_going(stored)
            if not sum([self._overtake(one) for one in self._earlier(stored.record, newest, origins)]):
                return
            again = self._book.targets.get(stored.record.id)
            if again is None or again.record.newest == newest:
                return
            stored = again
        raise Conflict(f"{stored.record.id} is sighted too often to be served; it is tried again")

    def _verdict(self, target: Target, newest: Sighting, look: Look | None) -> tuple[Candidate, StoredTarget | None]:
        """Return the candidate of a digest, and the target if there was a verdict to tell it."""
        now, lost_at = self._progress.clock(), target.awaited.lost_at if target.awaited else None
        wanted = candidate_of(target, newest, look, now)
        candidate, meeting = self._maker.make(wanted, look, lost_at)
        if meeting is Meeting.PROPOSE:
            return candidate, self._proposer.propose(candidate, wanted.home, anew=False)
        if meeting is Meeting.REFUSE:
            return candidate, self._book.change(target.id, lambda known: _rests(known, newest, now))
        return candidate, None

    # What newer digests overtake.

    def _earlier(self, target: Target, newest: Sighting, origins: set[Origin]) -> Iterator[Stored[Candidate]]:
        """The candidates of what a tag pointed at before, of which it knows no verdict."""
        others = [one.digest for one in reversed(target.sightings) if one.digest != newest.digest]
        yield from self._candidates(target, others, {*origins, target.origin})

    def _candidates(self, target: Target, borne: list[Digest], origins: set[Origin]) -> Iterator[Stored[Candidate]]:
        for digest in [one for one in borne if one not in target.passed][:_LOOKED_BACK]:
            for source, gate in {(one.source, one.gate) for one in origins}:
                stored = self._progress.records.get(candidate_id(source, digest, gate))
                if stored is not None:
                    yield stored

    def _overtake(self, stored: Stored[Candidate], reason: Reason = Reason.NEWER_DIGEST, detail: str = "") -> bool:
        """End a candidate that no tag wants any more before it has passed; whoever joins it meanwhile keeps it."""
        for _ in range(_TRIES):
            candidate = stored.record
            over = candidate.status in ENDS or candidate.status is Status.CANCELLING or candidate.has_passed
            if over or self._is_wanted(candidate):
                return False
            ended = unwanted(candidate, reason, self._progress.clock(), detail)
            if (written := self._progress.claim(stored, ended, strictly=True)) is not None:
                self._progress.wake(written.record)
                return True
            stored = self._progress.records.get(candidate.id) or stored
        raise Conflict(f"{stored.record.id} changes too fast to be superseded; it is tried again")

    def _is_wanted(self, candidate: Candidate) -> bool:
        """Whether it is the newest that any of its tags was seen to point at; those that joined last move on last.

        A tag that has left the watch list wants nothing, and none wants what is blocked.
        """
        for place in reversed(candidate.places):
            target = self._book.of(place.repository, place.tag)
            if target is None or target.let_go is not None or target.origin.gate != candidate.gate:
                continue
            if target.blocks(candidate.digest):
                continue
            if target.newest is not None and target.newest.digest == candidate.digest:
                return True
        return False


def _still_waits(target: Target, sighting: Sighting) -> bool:
    """What passed its test may wait for its scan."""
    return target.awaited is not None and target.awaited.digest == sighting.digest


def _next_look(target: Target, sighting: Sighting, now: datetime) -> datetime:
    """What time alone keeps back is not asked for before its time."""
    admission = admission_of(target, sighting.digest)
    until = admission.until if admission is not None else None
    return max(until or now, now + VERDICT_LOOK)


def _rests(known: Target | None, sighting: Sighting, now: datetime) -> Target | None:
    return scheduled(awaiting(known, sighting.digest, None), now) if known is not None else None
