"""What speaks against a tag's going back: whether the digest before can still be had, and what its scan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from shared.domain.policy.policy import Policy
from shared.domain.promotion.scanning import WATCHER, ScanWish
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Change, Decided, Decision, Outcome
from shared.domain.scan.report import NoAnswer, Report
from shared.domain.scan.scan import Scan
from shared.domain.scan.weighing import Exceptions
from shared.domain.waves.wave import Wave
from shared.domain.waves.way_back import UNKNOWN, Grounds, Scanned
from shared.ports import Clock
from shared.rules.dry_judging import Scans
from shared.rules.exceptions import KnownExceptions
from shared.rules.policies import Asked, Policies
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook

# More than a scan takes that has to be made again twice.
PATIENCE = timedelta(hours=2)
_SAID = frozenset({Decided.VEX, Decided.WAIVED})


class WayBackGrounds:
    """The port ``GroundsOf``.

    Args:
        targets: where the tags' records are.
        sources: tells where a digest can still be had.
        policies: tells what is asked of a tag's digests.
        scans: gives the scans of digests; asked for only where the policy wants any.
        exceptions: gives what people know of findings.
        clock: tells the time.
    """

    def __init__(
        self,
        targets: TargetBook,
        sources: Sources,
        policies: Policies,
        scans: Callable[[], Scans],
        exceptions: Callable[[], KnownExceptions],
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._sources = sources
        self._policies = policies
        self._scans = scans
        self._exceptions = exceptions
        self._clock = clock

    def __call__(self, wave: Wave) -> Grounds:
        """See ``GroundsOf``."""
        target = self._targets.of(wave.repository, wave.tag)
        if target is None or not wave.former:
            return UNKNOWN
        there = self._sources.where(target, wave.former) is not None
        return Grounds(self._scanned(wave, target) if there else Scanned.UNKNOWN, there=there)

    def _scanned(self, wave: Wave, target: Target) -> Scanned:
        """Where nothing is scanned nothing blocks."""
        asked = self._policies.now().of(target.origin.image, target.place)
        if asked.scan is None or asked.policy is None:
            return Scanned.CLEAN
        failed = self._scans().of(wave.digest)
        oldest = self._oldest(asked, failed)
        scan = self._want(wave.former, target, asked, oldest)
        if not scan.has_answer or scan.database_at is None or scan.database_at < oldest:
            return Scanned.AWAITED if self._clock() - _failed_at(wave) < PATIENCE else Scanned.UNKNOWN
        known = self._exceptions().now().exceptions
        return _meaning(self._judged(asked.policy, asked, scan, failed, known), known)

    def _oldest(self, asked: Asked, failed: Scan | None) -> datetime:
        """It is scanned by what is known today, and by no less than what let the digest through that failed."""
        allowed = self._clock() - (asked.scan.oldest_database if asked.scan is not None else timedelta(0))
        known = failed.database_at if failed is not None else None
        return max(allowed, known) if known is not None else allowed

    def _want(self, digest: Digest, target: Target, asked: Asked, oldest: datetime) -> Scan:
        """Whoever conducts the wave looks by itself, as the standing watch does: nobody is told when it has ended."""
        known = self._scans().of(digest)
        place = known.repository if known is not None else target.repository
        return self._scans().want(ScanWish(WATCHER, asked.entry, digest, place, asked.platforms, oldest))

    def _judged(
        self, policy: Policy, asked: Asked, scan: Scan, failed: Scan | None, known: Exceptions
    ) -> Mapping[str, Decision]:
        """What the failed one does not have counts as mended by it; without its report all that is found does."""
        from shared.rules.judging import judged_each  # noqa: PLC0415

        scans = self._scans()
        beside: Mapping[str, Report | NoAnswer] | None = None
        if failed is not None and failed.has_answer:
            beside = scans.answer(failed).reports
        answer = scans.answer(scan)
        return judged_each(policy, scan.digest, asked.platforms, answer, beside, known, self._clock())


def _meaning(decisions: Mapping[str, Decision], known: Exceptions) -> Scanned:
    """What is known to be exploited counts, whether the policy blocks it or not, unless people said otherwise."""
    exploited = known.exploited.ids if known.exploited is not None else frozenset()
    found = (one for decision in decisions.values() for one in decision.findings)
    mended = (one for one in found if one.change is Change.NEW and one.decided not in _SAID)
    if any(one.id.casefold() in exploited for one in mended):
        return Scanned.FIXES_EXPLOITED
    outcomes = {decision.outcome for decision in decisions.values()}
    if Outcome.REJECT in outcomes:
        return Scanned.HAS_FINDINGS
    return Scanned.CLEAN if outcomes == {Outcome.PASS} else Scanned.UNKNOWN


def _failed_at(wave: Wave) -> datetime:
    ends = [one.ended.ended_at for canary in wave.canaries for one in canary.results if not one.ended.passed]
    return max((end for end in ends if end is not None), default=wave.planned_at)
