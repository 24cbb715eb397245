"""Judges what is in use by what is known today: its own last scan, or what was found in its packages since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.promotion.admission import Admission, admission_of, in_use
from shared.domain.promotion.exposure import NAMED, Exposure, Found, Standing
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.target import Target
from shared.domain.promotion.waiving import in_force
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Judged, Outcome
from shared.domain.scan.exposing import excused_by, exposed
from shared.domain.scan.findings import Key
from shared.domain.scan.merged import System, found_in, report_on
from shared.domain.scan.packages import Package
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.scan import Scan
from shared.ports import Evidence
from shared.rules.exceptions import Known
from shared.rules.judging import with_waivers
from shared.rules.policies import Asked
from shared.rules.scan_book import ScanBook
from shared.rules.scan_documents import ScanDocuments

LookedAt = dict[System, dict[Package, Report]]


class LastLook(msgspec.Struct, frozen=True):
    """What the standing watch last found.

    Attributes:
        scans: of its bundles, as they are.
        known: a hash of their answers.
        database_at: of when the oldest of their databases was, UTC; ``None`` if not all have an answer.
    """

    scans: tuple[Scan, ...] = ()

    @property
    def known(self) -> str:
        """A hash of their answers."""
        return _hash([(scan.digest, scan.taken.at if scan.taken else None) for scan in self.scans])

    @property
    def database_at(self) -> datetime | None:
        """Of when the oldest of their databases was, UTC; ``None`` if not all have an answer that says it."""
        each = [scan.database_at for scan in self.scans if scan.has_answer]
        known = [one for one in each if one is not None]
        return min(known) if known and len(known) == len(self.scans) else None


class Exposures:
    """Judges what is in use.

    Args:
        scans: what scans say.
        documents: what is in images.
        evidence: where decisions are kept.
    """

    def __init__(self, scans: ScanBook, documents: ScanDocuments, evidence: Evidence) -> None:
        self._scans = scans
        self._documents = documents
        self._evidence = evidence

    def looked_at(self, last: LastLook) -> LookedAt:
        """Read what was found in each package.

        Raises:
            ServiceError: it could not be read.
        """
        found: LookedAt = {}
        for scan in last.scans:
            bundle = self._documents.merged(scan.digest) if scan.has_answer else None
            if bundle is not None:
                for system, packages in found_in(bundle, self._scans.answer(scan).reports).items():
                    found.setdefault(system, {}).update(packages)
        return found

    def by(self, target: Target, asked: Asked, scan: Scan | None, last: LastLook, known: Known, now: datetime) -> str:
        """Return a hash of all that a target's exposure is decided by: what is the same need not be judged again."""
        admission = admission_of(target, in_use(target))
        policy = asked.policy.sha256 if asked.policy is not None else ""
        taken = (scan.taken.at, scan.has_answer) if scan is not None and scan.taken is not None else None
        ended = sum(end <= now for end in known.ends)
        let_in = (admission.evidence, admission.let_in, admission.outcome.value) if admission is not None else None
        waived = (in_force(target, in_use(target), now),) if target.waived else ()
        return _hash([in_use(target), policy, asked.platforms, taken, last.known, known.sha256, ended, let_in, *waived])

    def judge(
        self,
        target: Target,
        asked: Asked,
        scan: Scan | None,
        last: LastLook,
        looked_at: LookedAt,
        known: Known,
        now: datetime,
    ) -> Exposure:
        """Judge what one target has in use; its policy has a scan.

        Raises:
            ServiceError: something could not be read.
        """
        digest, admission = in_use(target), admission_of(target, in_use(target))
        reports, database_at = self._reports(scan, asked, last, looked_at)
        excused = self._excused(target)
        policy, database = asked.policy or Policy(""), Database(database_at)
        exceptions = with_waivers(known.exceptions, in_force(target, digest, now))
        said = exposed(policy, reports, database, exceptions, excused, now)
        standing = Standing.EXPOSED if said.against else Standing.UNKNOWN if said.unknown else Standing.CLEAN
        return Exposure(
            target=target.id,
            image=asked.entry,
            digest=digest,
            standing=standing,
            since=now,
            detail=said.unknown[:600],
            admitted=admission is not None and _was_let_in(admission),
            findings=_named(said.against),
            count=len(said.against),
            exploited=_named(said.exploited),
            database_at=database_at,
            by=self.by(target, asked, scan, last, known, now),
        )

    def _reports(
        self, scan: Scan | None, asked: Asked, last: LastLook, looked_at: LookedAt
    ) -> tuple[Mapping[str, Report | NoAnswer], datetime | None]:
        """Return the newer of an image's own reports and those of its packages; one that is no answer is none."""
        if scan is None or not scan.has_answer:
            why = "it was never scanned, and its first scan has not ended yet"
            return dict.fromkeys(asked.platforms, NoAnswer(Trouble.NO_REPORT, why)), None
        since = last.database_at
        if since is not None and (scan.database_at is None or scan.database_at < since):
            found = {platform: self._of_packages(scan, platform, looked_at) for platform in asked.platforms}
            if all(isinstance(report, Report) for report in found.values()):
                return found, since
        own = self._scans.answer(scan).reports
        missing = NoAnswer(Trouble.NO_REPORT, "its scan has no report of this platform")
        return {platform: own.get(platform, missing) for platform in asked.platforms}, scan.database_at

    def _of_packages(self, scan: Scan, platform: str, looked_at: LookedAt) -> Report | NoAnswer:
        listed = self._documents.of(scan, platform)
        if listed is None:
            return NoAnswer(Trouble.NO_REPORT, "no document says what is in it")
        return report_on(scan.digest, platform, listed, looked_at)

    def _excused(self, target: Target) -> frozenset[Key]:
        digest, admission = in_use(target), admission_of(target, in_use(target))
        candidate = candidate_id(target.origin.source, digest, target.origin.gate)
        named = (admission.let_in_by or admission.evidence) if admission is not None else ""
        kept = self._evidence.read(candidate, named) if named else None
        return excused_by(kept) if kept is not None else frozenset()


def _was_let_in(admission: Admission) -> bool:
    """What is decided of it today is another question."""
    return admission.outcome is Outcome.PASS or bool(admission.let_in)


def _named(judged: tuple[Judged, ...]) -> tuple[Found, ...]:
    return tuple(
        Found(one.id, one.package, one.installed or "", one.fixed or "", one.severity or "") for one in judged[:NAMED]
    )


def _hash(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:24]
