"""Tell what another list, or another policy, would decide otherwise, from what is kept: nothing comes of it.

What is told is what the admissions themselves decide, so that it is what will be decided once the list is in force.
Where something is missing that would be asked for then, nobody can tell, and that is said.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.previewing import (
    Counts,
    NotKnown,
    Otherwise,
    Untold,
    When,
    by_test_alone,
    compared,
    counted,
    digests_of,
    untold,
)
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import TidegateError
from shared.ports import Clock, Records
from shared.rules.admissions import Admissions
from shared.rules.other_policies import Remembering, ask_the_same, going_by
from shared.rules.policies import Asked, Asking
from shared.target_ports import Targets

# Of each digest, and of each base that one is compared with, a log is read once. The host answers within 230 seconds.
MOST_LOGS = 200
LONGEST = timedelta(seconds=60)


class Preview(msgspec.Struct, frozen=True):
    """One part of what would be decided otherwise.

    Attributes:
        at: the moment for which is decided, UTC.
        counts: of this part.
        otherwise: what would be decided otherwise.
        not_known: of what nobody can tell; it is not among what stays the same.
        next: the id of the target to go on after; empty if this is the last part.
        ended_by: why there is a next part: ``limit``, ``logs`` or ``time``; empty if there is none.
        unreadable: that some targets' records cannot be read, for people; empty if all can be.
    """

    at: datetime
    counts: Counts
    otherwise: tuple[Otherwise, ...]
    not_known: tuple[Untold, ...]
    next: str = ""
    ended_by: str = ""
    unreadable: str = ""


class Previewer:
    """Tells what would be decided otherwise.

    Args:
        admissions: judge digests for targets.
        targets: the targets.
        candidates: the candidates.
        registry: the base registry's name.
        clock: tells the time.
    """

    def __init__(
        self, admissions: Admissions, targets: Targets, candidates: Records[Candidate], registry: str, clock: Clock
    ) -> None:
        self._admissions = admissions
        self._targets = targets
        self._candidates = candidates
        self._registry = registry
        self._clock = clock

    def preview(self, asking: Asking, *, limit: int, after: str = "") -> Preview:
        """Tell one part of what a list would decide otherwise.

        Args:
            asking: what the other list asks.
            limit: how many targets at most are looked at, of those of which it asks anything else.
            after: the id of the target to go on after; empty to begin.

        Raises:
            ServiceError: something that is needed cannot be read now.
        """
        began, part = self._clock(), _Part(self._admissions, self._candidates, asking, self._clock)
        ended_by, last, unreadable = "", "", ""
        try:
            for stored in self._targets.every(self._registry, after):
                ended_by = part.full(limit) or ("time" if self._clock() - began >= LONGEST else "")
                if ended_by:
                    break
                part.look_at(stored.record)
                last = stored.record.id
        except TidegateError as error:
            if error.temporary:
                raise
            unreadable = str(error)
        return part.told(last if ended_by else "", ended_by, unreadable)


class _Part:
    """Judges target after target at one moment, and keeps what came of it."""

    def __init__(self, admissions: Admissions, candidates: Records[Candidate], asking: Asking, clock: Clock) -> None:
        dry = admissions.dry()
        self._at = clock()
        self._asks_now, self._asks_then = Remembering(admissions.policies.now()), Remembering(asking)
        self._now = dry.under(going_by(self._asks_now, clock))
        self._then = dry.under(going_by(self._asks_then, clock))
        self._candidates = candidates
        self._found: dict[str, Candidate | None] = {}
        self._logs: set[Digest] = set()
        self._targets = self._untouched = self._same = 0
        self._otherwise: list[Otherwise] = []
        self._not_known: list[Untold] = []

    def full(self, limit: int) -> str:
        """Why no more is looked at in this part; empty if more is."""
        if self._targets >= limit:
            return "limit"
        return "logs" if len(self._logs) >= MOST_LOGS else ""

    def look_at(self, target: Target) -> None:
        """Judge a target's digests by both lists; what has left the watch list is judged by none."""
        if target.let_go is not None:
            return
        asked = [one.of(target.origin.image, target.place) for one in (self._asks_now, self._asks_then)]
        if ask_the_same(*asked):
            self._untouched += 1
            return
        self._targets += 1
        for digest, when in digests_of(target, self._at).items():
            self._compare(target, digest, when, _gate_of(target, asked[1]))

    def told(self, following: str, ended_by: str, unreadable: str) -> Preview:
        """Return what came of it."""
        counts = counted(self._targets, self._untouched, self._same, self._otherwise, self._not_known)
        found = tuple(self._otherwise), tuple(self._not_known)
        return Preview(self._at, counts, *found, next=following, ended_by=ended_by, unreadable=unreadable)

    def _compare(self, target: Target, digest: Digest, when: When, gate: str | None) -> None:
        """What cannot be read of one digest keeps nobody from being told of the others."""
        try:
            now = self._judged(self._now, target, digest, target.origin.gate)
            then = self._judged(self._then, target, digest, gate)
        except TidegateError as error:
            if error.temporary:
                raise
            self._not_known.append(untold(target.id, digest, when, NotKnown.UNREADABLE, str(error)))
        else:
            self._note(compared(target.id, digest, when, now, then))

    def _note(self, found: Otherwise | Untold | None) -> None:
        if isinstance(found, Otherwise):
            self._otherwise.append(found)
        elif isinstance(found, Untold):
            self._not_known.append(found)
        else:
            self._same += 1

    def _judged(self, by: Admissions, target: Target, digest: Digest, gate: str | None) -> Admission | NotKnown:
        """Judge a digest as it came under a gate; another gate than the target has would have to test it first."""
        candidate = self._candidate(candidate_id(target.origin.source, digest, gate))
        if candidate is None:
            return NotKnown.NO_CANDIDATE if gate == target.origin.gate else NotKnown.NOT_PASSED
        if not candidate.has_passed:
            return NotKnown.NOT_PASSED
        basis = by.basis(target, digest, objected=candidate.objection is not None)
        if basis is None:
            return by_test_alone(digest, self._at)
        self._logs |= {one for one in (digest, basis.base) if one}
        return by.judge(candidate, basis, target)

    def _candidate(self, name: str) -> Candidate | None:
        if name not in self._found:
            stored = self._candidates.get(name)
            self._found[name] = stored.record if stored is not None else None
        return self._found[name]


def _gate_of(target: Target, asked: Asked) -> str | None:
    return asked.policy.gate if asked.policy is not None else target.origin.gate
