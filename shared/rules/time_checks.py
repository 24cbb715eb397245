"""What time says of a digest and a tag: how long it has been seen, and how old its scan is when the waiting is over."""

from __future__ import annotations

from datetime import datetime

from shared.domain.policy.policy import Mode
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.parts import Part
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.soaking import OLDEST_SCAN, first, is_let_in, is_to_be_scanned_again, soaks
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.ports import Clock
from shared.rules.bars import frozen_now
from shared.rules.dry_judging import Scans
from shared.rules.fast_lane import FastLane
from shared.rules.policies import Asked


class _WithoutFacts:
    """What a check goes by that the record of a tag does not say, or that does not change there."""

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:
        """See ``AdmissionCheck``."""
        del target, digest, asked
        return ""


class Soak(_WithoutFacts):
    """Holds what has not been seen for as long as its policy asks, unless it goes by the fast lane.

    Args:
        clock: tells the time.
        lane: says what goes first.
    """

    def __init__(self, clock: Clock, lane: FastLane) -> None:
        self._clock = clock
        self._lane = lane

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """See ``AdmissionCheck``."""
        if asked.policy is None or not asked.policy.age:
            return None
        now = self._clock()
        part = soaks(candidate, target, asked.policy.age, now)
        mends = self._lane.why(candidate, target, asked, so_far) if part is not None else ""
        return part if part is None or not mends else first(part, candidate, target, asked.policy.age, mends, now)

    def dry(self) -> Soak:
        """See ``AdmissionCheck``."""
        return Soak(self._clock, self._lane.dry(self._clock))


class Thaw(_WithoutFacts):
    """Holds what has passed while its policy freezes promotion.

    Args:
        clock: tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """See ``AdmissionCheck``."""
        del so_far
        until = frozen_now(asked, self._clock())
        if until is None or is_let_in(target, candidate.digest):
            return None
        told = f"nothing is promoted before {until:%Y-%m-%d %H:%M} UTC, as its policy freezes that"
        return Part(Outcome.HOLD, (AdmissionReason.FROZEN.value,), told, until)

    def dry(self) -> Thaw:
        """Return itself, as nothing is asked for."""
        return self


class Observe:
    """Promotes nothing for an entry that is only observed, and says what would have happened."""

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:
        """See ``AdmissionCheck``: whether the entry is observed, as no policy says that."""
        return "observed" if asked.observed and not is_let_in(target, digest) else ""

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """See ``AdmissionCheck``. It is asked last of all: what waits, or is refused, would be so without it, too."""
        if not asked.observed or is_let_in(target, candidate.digest):
            return None
        reasons = (AdmissionReason.OBSERVING.value,)
        if so_far.outcome is not Outcome.PASS:
            return Part(Outcome.PASS, reasons, "its entry is only observed")
        return Part(Outcome.HOLD, reasons, "it would be promoted now; its entry is only observed, and so it is not")

    def dry(self) -> Observe:
        """Return itself, as nothing is asked for."""
        return self


class FreshScan(_WithoutFacts):
    """Has a scan made again that has grown old while a digest waited for time or for people.

    Args:
        scans: the scans of digests.
        clock: tells the time.
    """

    def __init__(self, scans: Scans, clock: Clock) -> None:
        self._scans = scans
        self._clock = clock

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """See ``AdmissionCheck``. It is asked last, so that nothing is scanned again that waits still.

        Where the scan is only observed it is made again, and nobody waits for it.
        """
        if asked.scan is None or so_far.outcome is not Outcome.PASS or not asked.may_wait:
            return None
        now, known = self._clock(), self._scans.of(candidate.digest)
        if not is_to_be_scanned_again(target, candidate.digest, known.taken_at if known else None, now):
            return None
        again = self._again(candidate, asked, now)
        return again if asked.scan.mode is Mode.ENFORCE else None

    def dry(self) -> FreshScan:
        """See ``AdmissionCheck``."""
        return FreshScan(self._scans.dry(self._clock), self._clock)

    def _again(self, candidate: Candidate, asked: Asked, now: datetime) -> Part:
        """Whoever asks is looked at when it ends; asking again while it is under way changes nothing."""
        home, oldest = candidate.home.repository, now - OLDEST_SCAN
        self._scans.want(ScanWish(candidate.id, asked.entry, candidate.digest, home, asked.platforms, oldest))
        told = "its scan is more than a day old by now, and is made again before it is promoted"
        return Part(Outcome.HOLD, (AdmissionReason.SCAN_AWAITED.value,), told)
