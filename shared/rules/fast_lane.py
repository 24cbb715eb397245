"""The fast lane: what mends something urgent need not be as old as its policy asks, where the policy allows that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.domain.policy.policy import Mode
from shared.domain.promotion.admission import Admission, AdmissionReason, in_use
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.fast_lane import mended
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.scan import Scan
from shared.ports import Clock
from shared.rules.dry_judging import Scans
from shared.rules.exceptions import KnownExceptions
from shared.rules.policies import Asked

# The URLs of the packages in a digest, by platform, as its scan lists them; empty where nobody kept them.
Packages = Callable[[Scan], Mapping[str, frozenset[str]]]
Agreed = Callable[[Target, Digest], bool]


class FastLane:
    """Says what a digest mends that is urgent enough for it to go first.

    Args:
        scans: the scans of digests.
        exceptions: what is known to be exploited.
        packages: what is in a scanned image.
        agreed: whether a person agreed to a digest and a tag.
    """

    def __init__(self, scans: Scans, exceptions: KnownExceptions, packages: Packages, agreed: Agreed) -> None:
        self._scans = scans
        self._exceptions = exceptions
        self._packages = packages
        self._agreed = agreed

    def why(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> str:
        """Return what it mends, for people; empty if it has to wait as others do.

        Args:
            candidate: whose digest is judged.
            target: the tag's record.
            asked: what the list asks for it.
            so_far: what test, scan and signatures decided.

        Raises:
            ServiceError: a scan's log cannot be read now.
        """
        if asked.policy is None or not asked.policy.fast_lane or not self._is_trusted(candidate, target, asked, so_far):
            return ""
        base, scan = self._scans.of(in_use(target)), self._scans.of(candidate.digest)
        if base is None or scan is None or not base.has_answer or not scan.has_answer:
            return ""
        # By a newer database something may be gone that the older one had by mistake, or the other way round.
        if scan.database_at is None or scan.database_at != base.database_at:
            return ""
        known = self._exceptions.now().exceptions.exploited
        reports = (self._scans.answer(base).reports, self._scans.answer(scan).reports)
        return mended(*reports, self._packages(scan), known.ids if known is not None else frozenset())

    def dry(self, clock: Clock) -> FastLane:
        """Return the same by which nothing is written."""
        return FastLane(self._scans.dry(clock), self._exceptions.dry(clock), self._packages, self._agreed)

    def _is_trusted(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> bool:
        """Its own list of packages decides, which whoever made the image wrote: so who made it has to be known."""
        clean = asked.scan is not None and asked.scan.mode is Mode.ENFORCE
        clean = clean and so_far.outcome is Outcome.PASS and not so_far.blocking
        signed = AdmissionReason.SIGNATURE_VERIFIED.value in so_far.reasons
        return clean and (signed or self._agreed(target, candidate.digest))
