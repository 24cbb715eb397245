"""SARIF of any scanner is read as findings, and what it cannot say is not made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.domain.policy.policy import Gap
from shared.domain.policy.severity import Severity
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Report, Trouble
from tests.unit.domain.scan.reports import DIGEST, decided, names, policy

pytestmark = pytest.mark.unit

TRIVYS = (
    "Package: bash\nInstalled Version: 5.2.15-2\nVulnerability CVE-2026-0004\nSeverity: LOW\nFixed Version: \nLink: "
)
GRYPES = (
    "A high vulnerability in deb package: bash, version 5.2.15-2 was found in image debian at: /var/lib/dpkg/status"
)


def rule(name: str, score: object = "7.5") -> dict[str, Any]:
    return {"id": name, "properties": {"security-severity": score, "tags": ["security"]}}


def result(name: str | None = "CVE-2026-0004", text: str = TRIVYS, **fields: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": "library/debian"}}}
    named = {"ruleId": name} if name else {}
    return {**named, "level": "note", "message": {"text": text}, "locations": [place], **fields}


def sarif(*results: dict[str, Any], rules: Any = (), **fields: Any) -> bytes:
    driver = {"name": "scanner", "version": "1", "rules": list(rules) or [rule("CVE-2026-0004")]}
    run = {"tool": {"driver": driver}, "results": list(results), **fields}
    return json.dumps({"version": "2.1.0", "$schema": "…", "runs": [run]}).encode()


def read(*results: dict[str, Any], **fields: Any) -> Report:
    report = read_report(sarif(*results, **fields))
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        ("10.0", Severity.CRITICAL),
        ("9.0", Severity.CRITICAL),
        ("8.9", Severity.HIGH),
        ("7.0", Severity.HIGH),
        ("6.9", Severity.MEDIUM),
        ("4.0", Severity.MEDIUM),
        ("3.9", Severity.LOW),
        ("0.1", Severity.LOW),
        ("0.0", Severity.UNKNOWN),
        (9.8, Severity.CRITICAL),
        (0, Severity.UNKNOWN),
        ("", None),
        ("high", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        ("98", None),
    ],
)
def test_severity_is_what_the_score_says(score: object, severity: Severity | None) -> None:
    (found,) = read(result(text=GRYPES), rules=[rule("CVE-2026-0004", score)]).findings
    assert found.severity is severity


@pytest.mark.parametrize(
    ("score", "word", "severity"),
    [
        ("5.5", "HIGH", Severity.HIGH),
        ("9.8", "LOW", Severity.CRITICAL),
        ("5.5", "SEVERE", Severity.MEDIUM),
        ("", "HIGH", None),
    ],
)
def test_of_a_rules_score_and_the_word_of_trivys_message_the_worse_counts(
    score: str, word: str, severity: Severity | None
) -> None:
    """Trivy has one rule for an id, and writes the score of the last package that has it over those before."""
    text = TRIVYS.replace("Severity: LOW", f"Severity: {word}")
    (found,) = read(result(text=text), rules=[rule("CVE-2026-0004", score)]).findings
    assert found.severity is severity


def test_a_score_of_a_result_goes_before_that_of_its_rule() -> None:
    (found,) = read(result(properties={"security-severity": "9.9"})).findings
    assert found.severity is Severity.CRITICAL


def test_what_has_no_score_holds_instead_of_passing() -> None:
    clairs = result("CVE-2026-0004", "[bash - 5.2.15-2 - Low] a history.", level="error")
    decision = decided(policy(), read(clairs, rules=[{"id": "unrelated"}]))
    assert (decision.outcome.value, names(decision)[1]) == ("hold", "severity-not-said")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("CVE-2026-0004", TRIVYS, ("CVE-2026-0004", "bash", "5.2.15-2")),
        ("CVE-2026-0004-bash", GRYPES, ("CVE-2026-0004", "bash", "5.2.15-2")),
        ("GHSA-jfh8-c2jp-5v3q-log4j-core", "?", ("GHSA-jfh8-c2jp-5v3q", "log4j-core", "")),
        ("CVE-2026-0004", "?", ("CVE-2026-0004", "library/debian", "")),
        ("SNYK-DEBIAN12-BASH-1", "?", ("SNYK-DEBIAN12-BASH-1", "library/debian", "")),
    ],
)
def test_id_and_package_are_found_where_scanners_write_them(
    name: str, text: str, expected: tuple[str, str, str]
) -> None:
    (found,) = read(result(name, text), rules=[rule(name)]).findings
    assert (found.id, found.package, found.installed) == expected


def test_whether_there_is_a_fix_is_not_known_and_counts_as_if_there_were() -> None:
    (found,) = read(result()).findings
    assert found.fixable
    assert decided(policy(fixable=True), read(result())).outcome.value == "reject"


def test_a_package_name_with_a_line_end_forges_no_version_with_a_fix() -> None:
    (found,) = read(result(text="Package: a\nFixed Version: 9\nInstalled Version: 1\n")).findings
    assert (found.package, found.installed, found.fixed) == ("library/debian", "", "")


def test_a_rule_is_found_by_id_before_index_and_by_index_where_there_is_no_id() -> None:
    rules = [rule("CVE-2026-0001", "9.8"), rule("CVE-2026-0004", "2.0")]
    wrong = result(ruleIndex=0)
    indexed = result(None, ruleIndex=0)
    referred = result(None, rule={"id": "CVE-2026-0004"})
    nowhere = result(None, ruleIndex=7)
    found = read(wrong, indexed, referred, nowhere, rules=rules).findings
    # The first and the third are one.
    assert [(each.id, each.severity) for each in found] == [
        ("CVE-2026-0004", Severity.LOW),
        ("CVE-2026-0001", Severity.CRITICAL),
        ("", None),
    ]


def test_what_a_scanner_suppressed_is_a_finding_all_the_same() -> None:
    (found,) = read(result(suppressions=[{"kind": "external"}])).findings
    assert found.suppressed == "by the scanner"


def test_what_a_scanner_says_is_fine_or_gone_is_no_finding() -> None:
    assert read(result(kind="pass"), result(kind="notApplicable"), result(baselineState="absent")).findings == ()
    assert len(read(result(kind="review"), result(baselineState="unchanged", text="?")).findings) == 2


def test_nothing_found_is_no_answer_because_nobody_says_what_was_looked_at() -> None:
    assert names(decided(policy(), read())) == ["database-age-not-judged", "no-packages"]
    assert decided(policy(accept=(Gap.NO_PACKAGES,)), read()).outcome.value == "pass"


@pytest.mark.parametrize(
    "text",
    [
        sarif(result(), invocations=[{"executionSuccessful": True}, {"executionSuccessful": False}]),
        sarif(results=None),
        b'{"version": "2.1.0", "runs": []}',
        b'{"version": "2.1.0", "runs": null}',
    ],
)
def test_a_run_that_did_not_succeed_is_a_failure_and_not_a_clean_image(text: bytes) -> None:
    report = read_report(text)
    assert isinstance(report, NoAnswer)
    assert report.trouble is Trouble.SCANNER_FAILED


def test_the_image_is_known_where_trivy_says_it() -> None:
    known = {"imageName": f"staging.example/debian@{DIGEST}", "repoDigests": [f"staging.example/debian@{DIGEST}"]}
    report = read(result(), properties={**known, "repoTags": []})
    assert report.digests == {DIGEST}
    assert read(result(), properties={"imageName": "debian.tar", "repoDigests": None}).digests == frozenset()
