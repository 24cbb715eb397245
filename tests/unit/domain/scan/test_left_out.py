"""Whatever a report leaves out, nothing passes for it that would not pass with all of it."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Outcome
from shared.domain.scan.exploited import Exploited
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import LeftOut, NoAnswer, Report
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.weighing import Exceptions
from tests.unit.domain.scan.reports import NOW, answer, document, system

pytestmark = pytest.mark.unit

FINDINGS = st.lists(
    st.builds(
        Finding,
        id=st.sampled_from(["CVE-1", "CVE-2", "CVE-3"]),
        package=st.sampled_from(["libssl3", "bash"]),
        severity=st.sampled_from([None, *Severity]),
        fixable=st.booleans(),
    ),
    unique=True,
)
CHECKS = st.builds(
    ScanCheck,
    block=st.sampled_from([*Severity]),
    fixable=st.booleans(),
    delta=st.booleans(),
    known_exploited=st.sampled_from([*Mode]),
)
EXPLOITED = Exceptions(exploited=Exploited(frozenset({"cve-1"}), NOW))


def report_of(findings: list[Finding], told: int) -> Report:
    """Return a report that tells so many of its findings, and counts the others."""
    report = answer(document(system()))
    assert not isinstance(report, NoAnswer)
    left = Counter((each.severity, each.fixable) for each in findings[told:])
    return msgspec.structs.replace(
        report,
        coverage=msgspec.structs.replace(report.coverage, findings=len(findings)),
        findings=tuple(findings[:told]),
        left_out=tuple(LeftOut(severity, fixable, count) for (severity, fixable), count in left.items()),
    )


def outcome(check: ScanCheck, report: Report, base: Report | None) -> Outcome:
    evidence = Evidence(report, base=base, database=Database(NOW), exceptions=EXPLOITED)
    return judge(Policy("it", scan=check), evidence, NOW).outcome


@given(FINDINGS, CHECKS, st.none() | FINDINGS, st.data())
def test_nothing_passes_because_of_what_is_left_out(
    findings: list[Finding], check: ScanCheck, based: list[Finding] | None, data: st.DataObject
) -> None:
    base = None if based is None else report_of(based, len(based))
    whole = outcome(check, report_of(findings, len(findings)), base)
    told = outcome(check, report_of(findings, data.draw(st.integers(0, len(findings)))), base)
    assert told in {whole, Outcome.HOLD}


@given(FINDINGS, CHECKS, FINDINGS, st.data())
def test_nothing_passes_or_is_rejected_because_of_what_its_base_leaves_out(
    findings: list[Finding], check: ScanCheck, based: list[Finding], data: st.DataObject
) -> None:
    image = report_of(findings, len(findings))
    whole = outcome(check, image, report_of(based, len(based)))
    told = outcome(check, image, report_of(based, data.draw(st.integers(0, len(based)))))
    assert told in {whole, Outcome.HOLD}
