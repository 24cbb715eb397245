"""The verdict over a scan: a pure function of reports, a policy, what people know, and the time.

No answer is never a pass. What makes a report no evidence at all (it is cut off, another image's, made with an old
database) holds whatever stands in it; what only was not looked at holds unless what was found rejects already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.scan import reasons
from shared.domain.scan.database import Database
from shared.domain.scan.decision import (
    Change,
    Decided,
    Decision,
    Effect,
    InForce,
    Judged,
    Outcome,
    Reason,
    Said,
    Scanned,
)
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble, another_image
from shared.domain.scan.weighing import Exceptions, Scales, judged, order

# Without these a report is no evidence of anything, so that nothing in it rejects either.
_NO_EVIDENCE = frozenset(
    {
        Reason.NO_REPORT,
        Reason.REPORT_CUT_OFF,
        Reason.REPORT_UNREADABLE,
        Reason.REPORT_TOO_LONG,
        Reason.SCANNER_FAILED,
        Reason.SCANNER_PANICKED,
        Reason.REPORT_OF_ANOTHER_IMAGE,
        Reason.DATABASE_TOO_OLD,
        Reason.DATABASE_UNKNOWN,
        Reason.BASE_REPORT_UNUSABLE,
    }
)


class Evidence(msgspec.Struct, frozen=True):
    """What a verdict is made of.

    Attributes:
        report: of the image.
        base: the report of the base in use; ``None`` if there is no base.
        database: the scanner's, as its run told it; ``None`` if nobody said.
        subject: which image the report has to be about.
        exceptions: what people know.
    """

    report: Report | NoAnswer
    base: Report | NoAnswer | None = None
    database: Database | None = None
    subject: Subject = Subject()
    exceptions: Exceptions = Exceptions()


def judge(policy: Policy, evidence: Evidence, at: datetime) -> Decision:
    """Judge a scan.

    Args:
        policy: in force. Its other checks are told as not judged.
        evidence: the scan's report, and what it is held against.
        at: the time to decide for, UTC.

    Returns:
        The same decision for the same arguments, whatever the order of findings, statements and waivers.
    """
    check = policy.scan
    if check is None or check.mode is Mode.OFF:
        said, findings = [reasons.told(Reason.SCAN_OFF, "the policy wants no scan")], list[Judged]()
    else:
        said, findings = _scan(check, evidence, at)
    if check is not None and check.mode is Mode.OBSERVE:
        said = [reasons.observed(each) for each in said]
    said += _other_checks(policy)
    return Decision(
        outcome=_outcome(said),
        reasons=tuple(dict.fromkeys(each.reason for each in said)),
        findings=tuple(findings),
        said=tuple(said),
        policy=InForce(policy.name, policy.sha256),
        at=at,
        report=_scanned(evidence.report),
    )


def _outcome(said: Iterable[Said]) -> Outcome:
    decisive = [each for each in said if each.effect in reasons.DECISIVE]
    if any(each.reason in _NO_EVIDENCE for each in decisive):
        return Outcome.HOLD
    if any(each.effect is Effect.REJECTS for each in decisive):
        return Outcome.REJECT
    return Outcome.HOLD if decisive else Outcome.PASS


def _scan(check: ScanCheck, evidence: Evidence, at: datetime) -> tuple[list[Said], list[Judged]]:
    report = evidence.report
    said = [*reasons.of_database(check, evidence.database, at)]
    if isinstance(report, NoAnswer):
        said.append(reasons.holds(Reason(report.trouble.value), f"{report.detail}; have the image scanned again"))
        return said, []
    if why := another_image(report, evidence.subject):
        said.append(reasons.holds(Reason.REPORT_OF_ANOTHER_IMAGE, f"{why}; have this image scanned"))
        return said, []
    compared = _compared(check, evidence.base, report)
    base = compared if isinstance(compared, Report) else None
    scales = Scales(check, report, base, evidence.exceptions, at)
    findings = sorted((*map(scales.judged, report.findings), *_gone(report, base)), key=order)
    said += [*reasons.of_findings(findings), *reasons.of_age(check, report, base)]
    said += reasons.of_base(check, compared, tuple(said))
    said += [*reasons.of_gaps(check, report), *reasons.of_left_out(check, report)]
    said += reasons.of_exploited(check, scales, findings, at)
    said += reasons.of_exceptions(scales, report, findings)
    return said, findings


def _compared(check: ScanCheck, base: Report | NoAnswer | None, report: Report) -> Report | NoAnswer | None:
    """Return what the base has; no answer, where its report cannot be compared or does not show what was looked at."""
    if not isinstance(base, Report):
        return base
    lacking = (*reasons.of_gaps(check, base), *reasons.of_left_out(check, base))
    gaps = (said.text for said in lacking if said.effect is Effect.HOLDS)
    why = another_image(base, Subject(platform=report.platform if base.platform else "")) or next(gaps, "")
    return NoAnswer(Trouble.UNREADABLE, why) if why else base


def _gone(report: Report, base: Report | None) -> Iterator[Judged]:
    """What only the base has; nothing, where a report cannot show that something is not there any more."""
    if base is None or report.left_out or not (report.coverage.packages or report.coverage.findings):
        return
    there = frozenset(finding.key for finding in report.findings)
    for finding in base.findings:
        if finding.key not in there:
            yield judged(finding, Change.FIXED, Decided.GONE)


def _other_checks(policy: Policy) -> Iterator[Said]:
    for name, mode in policy.modes.items():
        if name != "scan" and mode is not Mode.OFF:
            yield reasons.told(Reason.NOT_JUDGED, f"{name}: this verdict is about the scan alone")


def _scanned(report: Report | NoAnswer) -> Scanned | None:
    if isinstance(report, NoAnswer):
        return None
    return Scanned(
        scanner=report.scanner,
        artifact=report.artifact,
        digests=tuple(sorted(report.digests)),
        platform=report.platform or None,
        system=report.system or None,
        packages=report.coverage.packages,
    )
