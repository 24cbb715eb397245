"""What the scan of a digest means for a tag: the policy in force over kept reports, held against the base in use."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.promotion.admission import (
    Admission,
    AdmissionReason,
    admission_of,
    in_use,
)
from shared.domain.promotion.admitting import awaiting_scan, refused_by_test, told_of, with_observed_test, with_untested
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.parts import combined
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Decision, Outcome, Reason
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.scan import Scan
from shared.errors import TidegateError
from shared.ports import Clock
from shared.rules.admission_checks import AdmissionCheck
from shared.rules.dry_judging import Keeper, KeptNowhere, Scans
from shared.rules.exceptions import Known, KnownExceptions
from shared.rules.policies import Asked, Policies
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.admissions")

# Of the other checks of a policy the test has its verdict already.
_BESIDE = frozenset({Reason.NOT_JUDGED})
_WORST = (Outcome.REJECT, Outcome.HOLD, Outcome.PASS)


class Basis(msgspec.Struct, frozen=True):
    """What a digest is judged by, as far as a target's record and the list say it.

    Attributes:
        asked: what the list asks for the tag.
        base: the digest in use; empty if there is none.
        base_in: its repository in the base registry, from where it can be copied back to be scanned.
        facts: what the tag's record says that further checks go by, each check's as one text.
    """

    asked: Asked
    base: Digest = Digest("")
    base_in: str = ""
    facts: tuple[str, ...] = ()


class Admissions:
    """Judges digests for targets.

    Args:
        policies: the policies in force.
        exceptions: what people know.
        scans: the scans of digests.
        evidence: where whole decisions are kept.
        book: where targets are.
        clock: tells the time.
        checks: what is asked beside test and scan, in the order in which it is told.
    """

    def __init__(
        self,
        policies: Policies,
        exceptions: KnownExceptions,
        scans: Scans,
        evidence: Keeper,
        book: TargetBook,
        clock: Clock,
        checks: Sequence[AdmissionCheck] = (),
    ) -> None:
        self.policies = policies
        self.exceptions = exceptions
        self._scans = scans
        self._evidence = evidence
        self._book = book
        self._clock = clock
        self._checks = tuple(checks)

    def dry(self) -> Admissions:
        """Return what judges just as this does, at this moment, and asks for no scan, keeps nothing and tells nobody.

        It remembers what it reads, so that it is for one sitting.
        """
        at = self._clock()
        exceptions, scans = self.exceptions.dry(lambda: at), self._scans.dry(lambda: at)
        checks = [check.dry() for check in self._checks]
        return Admissions(self.policies, exceptions, scans, KeptNowhere(), self._book, lambda: at, checks)

    def under(self, policies: Policies) -> Admissions:
        """Return what judges just as this does, by other policies."""
        return Admissions(policies, self.exceptions, self._scans, self._evidence, self._book, self._clock, self._checks)

    def basis(self, target: Target, digest: Digest, *, objected: bool = False) -> Basis | None:
        """Return what a digest is judged by for a target; ``None`` where passing the test is all that is asked.

        What is in use itself is held against what was in use before, as it was when it was let through.

        Args:
            target: the target.
            digest: what is judged.
            objected: whether it did not pass its test: then that is judged, whatever else is asked.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        asked = self.asked(target)
        if not asked.is_judged and not objected:
            return None
        known = admission_of(target, digest) if digest == target.seen else None
        base = (known.base if known is not None else in_use(target)) if asked.scan is not None else Digest("")
        return Basis(asked, base, target.repository if base else "", self._facts(target, digest, asked))

    def _facts(self, target: Target, digest: Digest, asked: Asked) -> tuple[str, ...]:
        facts = tuple(check.facts(target, digest, asked) for check in self._checks)
        return facts if any(facts) else ()

    def is_out_of_date(self, target: Target, admission: Admission) -> bool:
        """Whether policy, platforms, waivers, VEX or what is known to be exploited changed since something was decided.

        Raises:
            ServiceError: which of them are in force cannot be read.
        """
        basis = self.basis(target, admission.digest, objected=admission.of_test)
        if basis is None:
            return True
        by = (admission.policy_sha256, admission.platforms)
        if basis.asked.entry and by != (_hash_of(basis.asked), basis.asked.platforms):
            return True
        if admission.facts != basis.facts or _has_come(admission.until, self._clock()):
            return True
        if _has_come(admission.again, self._clock()):
            return True
        if basis.asked.scan is None or admission.by_test:
            return False
        known = self.exceptions.now()
        return admission.exceptions != known.sha256 or known.ended_between(admission.at, self._clock())

    def asked(self, target: Target) -> Asked:
        """Return what the list in force asks for a target.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        return self.policies.now().of(target.origin.image, target.place)

    def ask(self, candidate: Candidate) -> None:
        """Ask for the scans that a candidate will need, side by side with its test.

        What cannot be asked for now is asked for when the candidate is proposed.
        """
        try:
            asking = self.policies.now()
            for place in candidate.places if asking.scans else ():
                asked = asking.of(candidate.image, place)
                if asked.scan is not None:
                    self._want(candidate, asked)
                    target = self._book.of(place.repository, place.tag) if asked.scan.delta else None
                    basis = self.basis(target, candidate.digest) if target is not None else None
                    if basis is not None and basis.base not in {"", candidate.digest}:
                        self._want_base(candidate, basis, None)
        except TidegateError as error:
            log.warning("the scan of %s is not asked for yet, its proposal does: %s", candidate.id, error)

    def observes(self, candidate: Candidate) -> bool:
        """Whether the policy of a tag that asked for a candidate may only observe its test.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        asking, gate = self.policies.now(), candidate.gate or ""
        return any(asking.observes(place, gate) for place in candidate.places)

    def judge(self, candidate: Candidate, basis: Basis, target: Target) -> Admission:
        """Judge a candidate that passed its test, or whose test is for its tags to judge.

        The whole decision over a scan is kept as evidence. A scan lets nothing through that the test refuses, so it is
        not asked then.

        Args:
            candidate: whose digest is judged.
            basis: what it is judged by.
            target: the tag, as the basis was taken from it.

        Raises:
            ServiceError: storage did not answer.
        """
        asked, now = basis.asked, self._clock()
        if not asked.entry:
            return _without_entry(candidate.digest, now)
        policy, objection = asked.policy or Policy(""), candidate.objection
        if objection is not None and not asked.observes(candidate.gate or ""):
            refused = refused_by_test(candidate.digest, objection, policy, now)
            by = {"policy": policy.name, "policy_sha256": _hash_of(asked), "platforms": asked.platforms}
            return msgspec.structs.replace(refused, **by, facts=basis.facts)
        scanned = self._scanned(candidate, basis, policy, target) if asked.scan is not None else None
        first = scanned or Admission(digest=candidate.digest, outcome=Outcome.PASS, at=now)
        named = msgspec.structs.replace(
            first, policy=policy.name, policy_sha256=_hash_of(asked), platforms=asked.platforms
        )
        decided = with_untested(named, policy, asked.untested)
        decided = decided if objection is None else with_observed_test(decided, objection, policy)
        return self._checked(candidate, target, asked, msgspec.structs.replace(decided, facts=basis.facts))

    def _checked(self, candidate: Candidate, target: Target, asked: Asked, decided: Admission) -> Admission:
        """What is decided already does not spare a check: people see at once all that is in the way."""
        for check in self._checks:
            part = check.part(candidate, target, asked, decided)
            decided = combined(decided, [part]) if part is not None else decided
        return decided

    def _scanned(self, candidate: Candidate, basis: Basis, policy: Policy, target: Target) -> Admission:
        from shared.domain.promotion.waiving import in_force  # noqa: PLC0415
        from shared.rules.judging import judged_each, with_waivers  # noqa: PLC0415

        known, scan, now = self.exceptions.now(), self._want(candidate, basis.asked), self._clock()
        if not scan.has_answer and scan.missed is None:
            return awaiting_scan(candidate.digest, known.sha256, policy, now, scan.waits_for)
        answer = self._scans.answer(scan)
        base, awaited = self._base(candidate, basis, scan)
        digest, platforms = candidate.digest, basis.asked.platforms
        exceptions = with_waivers(known.exceptions, in_force(target, digest, now) if target.waived else ())
        decisions = judged_each(policy, digest, platforms, answer, base, exceptions, now)
        outcome = next(one for one in _WORST if one in {decision.outcome for decision in decisions.values()})
        reasons = tuple(
            dict.fromkeys(reason.value for one in decisions.values() for reason in one.reasons if reason not in _BESIDE)
        )
        if awaited and Reason.BASE_REPORT_UNUSABLE.value in reasons and outcome is Outcome.HOLD:
            reasons = (AdmissionReason.BASE_SCAN_AWAITED.value, *reasons)
        return Admission(
            digest=candidate.digest,
            outcome=outcome,
            reasons=reasons,
            detail=told_of(decisions, policy, outcome),
            exceptions=known.sha256,
            base=basis.base if base is not None else Digest(""),
            database_at=answer.database.updated_at if answer.database is not None else None,
            findings=sum(len(one.findings) for one in decisions.values()),
            blocking=sum(finding.blocks for one in decisions.values() for finding in one.findings),
            at=now,
            evidence=self._kept(candidate, basis, decisions, known),
        )

    def _want(self, candidate: Candidate, asked: Asked) -> Scan:
        """What the policy finds too old is made anew, though not at once again where there is no newer database."""
        oldest = self._clock() - asked.scan.oldest_database if asked.scan is not None else None
        home = candidate.home.repository
        return self._scans.want(
            ScanWish(candidate.id, asked.entry, candidate.digest, home, asked.platforms, newer_than=oldest)
        )

    def _base(
        self, candidate: Candidate, basis: Basis, scan: Scan
    ) -> tuple[Mapping[str, Report | NoAnswer] | None, bool]:
        """Return the reports of the base in use, and whether a scan of it is waited for.

        Without delta it decides nothing, so that nobody waits for it. Against a report by an older database everything
        that was learnt since would count as new.
        """
        check, base = basis.asked.scan, basis.base
        if check is None or not base:
            return None, False
        if base == candidate.digest:
            return self._scans.answer(scan).reports, False
        kept = self._want_base(candidate, basis, scan.database_at) if check.delta else self._scans.of(base)
        if kept is None or not kept.has_answer:
            return (_no_report(basis), True) if check.delta else (None, False)
        older = scan.database_at is not None and (kept.database_at is None or kept.database_at < scan.database_at)
        if check.delta and older:
            return _no_report(basis), True
        return self._scans.answer(kept).reports, False

    def _want_base(self, candidate: Candidate, basis: Basis, newer_than: datetime | None) -> Scan:
        asked = basis.asked
        return self._scans.want(
            ScanWish(candidate.id, asked.entry, basis.base, basis.base_in, asked.platforms, newer_than)
        )

    def _kept(self, candidate: Candidate, basis: Basis, decisions: Mapping[str, Decision], known: Known) -> str:
        """The name is that of what was decided, so that deciding the same again keeps nothing more."""
        whole = {
            "digest": candidate.digest,
            "entry": basis.asked.entry,
            "base": basis.base,
            "exceptions": known.sha256,
            "platforms": decisions,
        }
        timeless = {name: msgspec.structs.replace(one, at=datetime.min) for name, one in decisions.items()}
        named = hashlib.sha256(msgspec.json.encode({**whole, "platforms": timeless})).hexdigest()[:16]
        name = f"admission-{named}.json"
        self._evidence.keep(candidate.id, name, msgspec.json.format(msgspec.json.encode(whole)))
        return name


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _hash_of(asked: Asked) -> str:
    return asked.policy.sha256 if asked.policy is not None else ""


def _without_entry(digest: Digest, now: datetime) -> Admission:
    told = "no entry of the watch list writes this tag any more, so no policy is known"
    reasons = (AdmissionReason.NO_ENTRY.value,)
    return Admission(digest=digest, outcome=Outcome.HOLD, reasons=reasons, detail=told, at=now)


def _no_report(basis: Basis) -> Mapping[str, Report | NoAnswer]:
    told = f"the scan of the base in use, {basis.base}, by a database as new as the candidate's, has not ended yet"
    return dict.fromkeys(basis.asked.platforms, NoAnswer(Trouble.NO_REPORT, told))
