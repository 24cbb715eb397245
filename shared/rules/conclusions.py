"""How a candidate that passed comes to its end: as its targets say, once all of them have decided."""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from shared.domain.promotion.admission import Waiting, admission_of, is_held_back
from shared.domain.promotion.barring import bar_of, told_of_bar
from shared.domain.promotion.candidate import Candidate, Place, same_but_time
from shared.domain.promotion.concluding import conclusion_for, held_by
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.lifecycle import advance, decided_again, end_by
from shared.domain.promotion.schedule import LEASE, VERDICT_LOOK
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest
from shared.errors import ServiceError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.conclusions")

# Of what several targets say, the first of these that any of them says.
_ORDER = (
    Reason.PROMOTION_VERIFIED,
    Reason.GAVE_UP,
    Reason.OVERRULED,
    Reason.OBSERVED,
    Reason.GATE_REJECTED,
    Reason.SCAN_REJECTED,
    Reason.SIGNATURE_REJECTED,
    Reason.REJECTED_BY_PEOPLE,
    Reason.NEWER_DIGEST,
    Reason.LEFT_THE_LIST,
)
_PROPOSED = frozenset({Status.PROMOTING, Status.HELD})


class _Hold(NamedTuple):
    """Why one tag holds a candidate back, for people, and how long that is left alone."""

    reason: Reason
    told: str
    pause: timedelta


class Conclusions:
    """Ends candidates.

    Args:
        progress: where they are kept and how they go on.
        book: where targets are.
    """

    def __init__(self, progress: Progress[Candidate], book: TargetBook) -> None:
        self._progress = progress
        self._book = book

    def of_digest(self, target: Target, digest: Digest) -> None:
        """Let the candidate of a digest end if its targets say so, and tell one that had ended of its return."""
        stored = self._find(target, digest)
        if stored is None:
            return
        stored = self._let_through(target, stored)
        candidate = stored.record
        if candidate.status in ENDS - {Status.REJECTED}:
            if conclusion_for(target, candidate) is Reason.PROMOTION_VERIFIED:
                self._progress.save(stored, self._advanced(candidate, Reason.IN_FORCE_AGAIN, target))
        else:
            self.of(stored, [target])

    def of(self, stored: Stored[Candidate], known: Sequence[Target] = ()) -> None:
        """Let a candidate that is being promoted end if all its targets have decided, or hold it while it waits.

        Args:
            stored: the candidate.
            known: some of its targets, as they were just read or written.
        """
        if stored.record.status not in _PROPOSED:
            return
        just_read = {target.place: target for target in known}
        said: dict[Reason, Target] = {}
        waits: list[Target] = []
        unread: list[Place] = []
        for place in _in_turn(stored.record, just_read):
            target = just_read.get(place) or self._read(place, unread)
            if place in unread:
                continue
            reason = conclusion_for(target, stored.record) if target else None
            if target is not None and reason is None and _waits(target, stored.record.digest):
                waits.append(target)
            elif target is None or reason is None:
                self._goes_on(stored)
                return
            else:
                said[reason] = target
        reason = next((reason for reason in _ORDER if reason in said), None)
        if waits:
            self._hold(stored, waits)
        elif reason is not None:
            self._progress.save(stored, self._advanced(stored.record, reason, said[reason], unread))

    def _goes_on(self, stored: Stored[Candidate]) -> None:
        """A target that waited for its scan does not any more."""
        if stored.record.status is Status.HELD:
            started = advance(stored.record, Reason.PROMOTION_STARTED, self._progress.clock(), pause=LEASE)
            self._progress.save(stored, started)

    def _hold(self, stored: Stored[Candidate], waits: Sequence[Target]) -> None:
        """The end of its scan is what wakes for it; the sweep does, should that be lost, so no message waits.

        Of several tags the one that is to be looked at first says why, so that none waits for what another one does.
        """
        candidate, now = stored.record, self._progress.clock()
        holds = [hold for one in waits if (hold := _held_at(one, candidate.digest, now)) is not None]
        if not holds:
            return
        first = min(holds, key=lambda one: one.pause)
        held = advance(candidate, first.reason, now, detail=first.told, pause=first.pause)
        if candidate.status is Status.HELD and same_but_time(candidate.last, held.last):
            held = msgspec.structs.replace(candidate, look_at=_sooner(candidate.look_at, now + first.pause, now))
        self._progress.claim(stored, held)

    def _let_through(self, target: Target, stored: Stored[Candidate]) -> Stored[Candidate]:
        """What the scan rejected for some tags was let through for this one, which came to it."""
        candidate = stored.record
        if candidate.status is not Status.REJECTED or candidate.passed_at is None:
            return stored
        if conclusion_for(target, candidate) is not Reason.PROMOTION_VERIFIED or candidate.digest not in target.passed:
            return stored
        again = decided_again(candidate, self._progress.clock(), f"{target.place} came to it")
        return self._progress.claim(stored, again) or stored

    def told(self, target: Target, digest: Digest, reason: Reason, detail: str) -> None:
        """Note with the candidate that is being promoted what is in the way; it keeps its status."""
        stored = self._find(target, digest)
        if stored is None or stored.record.status is not Status.PROMOTING:
            return
        if conclusion_for(target, stored.record) is None:
            noted = advance(stored.record, reason, self._progress.clock(), detail=detail, pause=LEASE)
            self._progress.claim(stored, noted)

    def has_ended(self, target: Target, digest: Digest) -> bool:
        """Whether the candidate of a digest has ended, so that its copy in the staging registry may be gone."""
        stored = self._find(target, digest)
        return stored is not None and stored.record.status in ENDS

    def _find(self, target: Target, digest: Digest) -> Stored[Candidate] | None:
        return self._progress.records.get(candidate_id(target.origin.source, digest, target.origin.gate))

    def _read(self, place: Place, unread: list[Place]) -> Target | None:
        """One that cannot be read is named and left out: it asks for the verdict itself once it can be read again."""
        try:
            return self._book.of(place.repository, place.tag)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("what %s decided cannot be read: %s", place, error)
            unread.append(place)
            return None

    def _advanced(
        self, candidate: Candidate, reason: Reason, target: Target, unread: Sequence[Place] = ()
    ) -> Candidate:
        place, instead = f"{target.repository}:{target.tag}", target.wanted or "decided otherwise"
        details = {
            Reason.GAVE_UP: _gave_up(target, candidate),
            Reason.GATE_REJECTED: candidate.objection.detail if candidate.objection else "",
            Reason.OVERRULED: f"people say otherwise of {place}: {_said(target)}",
            Reason.OBSERVED: _observed(target, candidate.digest),
            Reason.SIGNATURE_REJECTED: _of_admission(target, candidate.digest),
            Reason.SCAN_REJECTED: _of_admission(target, candidate.digest),
            Reason.REJECTED_BY_PEOPLE: _of_admission(target, candidate.digest),
            Reason.NEWER_DIGEST: f"{place} is to be {instead}",
            Reason.LEFT_THE_LIST: left_by(target),
        }
        detail = details.get(reason, f"as {target.repository}:{target.tag}, decision {target.number}")
        if unread:
            detail = f"{detail}; the records of {', '.join(map(str, unread))} cannot be read, and were not asked"
        by = end_by(candidate, reason) if reason is Reason.GAVE_UP and candidate.objection is not None else reason
        return advance(candidate, by, self._progress.clock(), detail=detail)


_BARRED_BY = {Waiting.COMPANIONS: Reason.COMPANIONS_AWAITED, Waiting.LOCKED: Reason.LOCKED_BY_OTHERS}


def _held_at(target: Target, digest: Digest, now: datetime) -> _Hold | None:
    """Return why a tag holds a digest back, for people, and how long it is left alone."""
    admission, bar = admission_of(target, digest), bar_of(target)
    if bar is not None and target.wanted == digest:
        reason = _BARRED_BY.get(bar.waiting, Reason.FROZEN)
        return _Hold(reason, f"{target.place}: {told_of_bar(bar)}", _pause_until(bar.until, now))
    if admission is None:
        return None
    pause = _pause_until(admission.until, now, admission.again)
    return _Hold(held_by(admission), f"{target.place}: {admission.detail}", pause)


def _waits(target: Target, digest: Digest) -> bool:
    return is_held_back(target, digest) or (target.wanted == digest and bar_of(target) is not None)


def _pause_until(until: datetime | None, now: datetime, again: datetime | None = None) -> timedelta:
    """What waits for a moment alone is looked at then; that a policy changes before, the survey sees."""
    ends = until if until is not None and until > now else now + VERDICT_LOOK
    sooner = again if again is not None and again > now else ends
    return min(ends, sooner) - now


def _sooner(known: datetime, then: datetime, now: datetime) -> datetime:
    """Whoever was woken for a tool that has come, or a scan, keeps that time, though it is looked at before."""
    return min(known, then) if known > now else then


def _in_turn(candidate: Candidate, known: Container[Place]) -> list[Place]:
    """What is known costs nothing, and the last to be proposed to most likely is the last to decide."""
    places = reversed(candidate.places)
    return sorted(places, key=lambda place: place not in known)


def left_by(target: Target) -> str:
    """Say for people why a candidate of a target that was let go is not wanted any more."""
    return f"{target.repository}:{target.tag} has left the watch list"


def _gave_up(target: Target, candidate: Candidate) -> str:
    """Either the tag does not become what it is to be, or the test decided nothing and the tag enforces it."""
    return candidate.objection.detail if candidate.objection and target.wanted != candidate.digest else target.trouble


def _observed(target: Target, digest: Digest) -> str:
    """What was decided before its entry was only observed has no word of that in what was decided."""
    bar = bar_of(target)
    return f"{target.place}: {told_of_bar(bar)}" if bar is not None else _of_admission(target, digest)


def _of_admission(target: Target, digest: Digest) -> str:
    admission = admission_of(target, digest)
    return f"{target.place}: {admission.detail if admission else 'what was decided of it is not known any more'}"


def _said(target: Target) -> str:
    return "held" if target.hold is not None else target.why.value
