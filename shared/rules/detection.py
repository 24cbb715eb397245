"""From a digest that is wanted to a candidate on its way: first the candidate, then its message, only then "seen"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from shared.domain.promotion.candidate import Candidate, Reason, Status, candidate_id
from shared.domain.promotion.lifecycle import ENDS, advance, begin_again, detected
from shared.domain.promotion.meeting import Meeting, meet
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Look, Observation
from shared.domain.watching.watch_list import Image
from shared.errors import Conflict
from shared.ports import Stored
from shared.rules.progress import Progress

_TRIES = 3


class Detector:
    """Makes candidates, and settles what a new one means for those before it.

    Args:
        progress: where candidates are kept and how they go on.
    """

    def __init__(self, progress: Progress[Candidate]) -> None:
        self._progress = progress

    def want(
        self, image: Image, source_tag: Tag, tag: Tag, digest: Digest, look: Look, known: Observation | None, trace: str
    ) -> None:
        """Make a candidate of a digest, or meet the one there is.

        Args:
            image: the entry of the watch list that wants it.
            source_tag: the upstream tag it was seen under.
            tag: the tag it gets in the base registry.
            digest: what was seen, by the registry's own word.
            look: what that amounts to.
            known: the tag's last observation.
            trace: W3C trace context of the check.

        Raises:
            Conflict: an older candidate changes too fast to be superseded.
            ServiceError: the storage account failed.
        """
        candidate = self._new(image, source_tag, tag, digest, look, trace)
        others = self._of_same_tag(candidate) if _may_have_others(look, source_tag, tag) else ()
        existing = next((stored for stored in others if stored.record.id == candidate.id), None)
        if look is Look.UNCHANGED:
            existing = existing or self._progress.records.get(candidate.id)
            if existing is None:
                return
        after = self._supersede(stored for stored in others if stored is not existing)
        wanted = msgspec.structs.replace(candidate, after=after)
        if existing is None:
            self._insert(wanted, look, known)
        else:
            self._meet(existing, wanted, look, known)

    def _new(self, image: Image, source_tag: Tag, tag: Tag, digest: Digest, look: Look, trace: str) -> Candidate:
        now = self._progress.clock()
        first = Candidate(
            image=image.name,
            source=image.repository,
            source_tag=source_tag,
            target=image.target,
            tag=tag,
            digest=digest,
            gate=image.functional_gate,
            status=Status.DETECTED,
            look_at=now,
            since=now,
            detected_at=now,
            traceparent=trace,
        )
        reason = Reason.TAG_MOVED if look is Look.MOVED else Reason.FIRST_IMPORT
        return detected(first, reason, now, f"{image.source}:{source_tag} is {digest}")

    def _of_same_tag(self, candidate: Candidate) -> tuple[Stored[Candidate], ...]:
        """``~`` also stands for ``/``, so the prefix of base/node:22 begins ids of the repository base/node/22 too."""
        prefix = candidate_id(candidate.target, candidate.tag, Digest(""))
        found = self._progress.records.current(prefix)
        return tuple(stored for stored in found if stored.record.target == candidate.target)

    def _insert(self, wanted: Candidate, look: Look, known: Observation | None) -> None:
        if self._progress.insert(wanted):
            self._progress.send(wanted)
            return
        existing = self._progress.records.get(wanted.id)
        if existing is not None:
            self._meet(existing, wanted, look, known)

    def _meet(self, existing: Stored[Candidate], wanted: Candidate, look: Look, known: Observation | None) -> None:
        meeting = meet(existing.record, look, self._previous(wanted, look, known))
        if meeting is Meeting.RESEND:
            self._progress.send(existing.record)
        if meeting is Meeting.BEGIN_AGAIN:
            now, detail = self._progress.clock(), wanted.last.detail
            self._progress.save(existing, begin_again(existing.record, now, detail=detail, wanted=wanted))

    def _previous(self, wanted: Candidate, look: Look, known: Observation | None) -> Candidate | None:
        if known is None or look is not Look.MOVED:
            return None
        stored = self._progress.records.get(candidate_id(wanted.target, wanted.tag, known.digest))
        return stored.record if stored else None

    def _supersede(self, others: Iterable[Stored[Candidate]]) -> str:
        """End what the newer digest overtakes; return the id of one that is beyond being overtaken, if there is one."""
        after = ""
        for stored in others:
            if not self._overtake(stored):
                after = stored.record.id
        return after

    def _overtake(self, stored: Stored[Candidate]) -> bool:
        for _ in range(_TRIES):
            if stored.record.status in ENDS:
                return True
            if stored.record.status is Status.PROMOTING:
                return False
            newer = advance(stored.record, Reason.NEWER_DIGEST, self._progress.clock(), pause=timedelta(0))
            if self._progress.claim(stored, newer) is not None:
                return True
            stored = self._progress.records.get(stored.record.id) or stored
        raise Conflict(f"{stored.record.id} changes too fast to be superseded; it is tried again")


def _may_have_others(look: Look, source_tag: Tag, tag: Tag) -> bool:
    """A tag that was never seen has no candidates, unless a rule has several upstream tags share one name in turn."""
    return look is not Look.FIRST_SEEN or source_tag != tag
