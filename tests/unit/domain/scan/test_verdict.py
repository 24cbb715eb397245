"""A policy's verdict over a scan: what blocks, what holds, what is only told, and what decided about each finding."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.policy.policy import Gap, GateCheck, Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.database import Database, read_database
from shared.domain.scan.exploited import Exploited, read_exploited
from shared.domain.scan.report import NoAnswer, Subject, Trouble
from shared.domain.scan.weighing import Exceptions
from shared.errors import MalformedInput
from tests.unit.domain.scan.reports import (
    ANOTHER,
    DIGEST,
    NOW,
    STANDARD,
    about,
    decided,
    language,
    names,
    policy,
    report,
    system,
    vulnerability,
)

pytestmark = pytest.mark.unit

HIGH = report(system(vulnerability()))
CLEAN = report(system())
FRESH = Database(NOW - timedelta(hours=6))
CUT_OFF = NoAnswer(Trouble.CUT_OFF, "the report ends after 7 bytes, in the middle of it")
KEV = Exploited(frozenset({"cve-2026-0001"}), NOW - timedelta(days=1))
METADATA = {"OS": {"Family": "alpine", "Name": "3.9.4", "EOSL": True}}


def outcome(by: Policy, judged: Any, base: Any = None, **evidence: Any) -> tuple[str, list[str]]:
    decision = decided(by, judged, base, database=FRESH, **evidence)
    return decision.outcome.value, names(decision)


def test_a_clean_image_whose_packages_are_listed_passes_without_a_reason() -> None:
    assert outcome(policy(), CLEAN) == ("pass", [])


@pytest.mark.parametrize(
    ("block", "severity", "expected"),
    [
        (Severity.HIGH, "HIGH", "severity"),
        (Severity.HIGH, "CRITICAL", "severity"),
        (Severity.HIGH, "MEDIUM", "below-threshold"),
        (Severity.HIGH, "UNKNOWN", "below-threshold"),
        (Severity.UNKNOWN, "UNKNOWN", "severity"),
        (Severity.LOW, "UNKNOWN", "below-threshold"),
        (Severity.CRITICAL, "HIGH", "below-threshold"),
        (Severity.HIGH, "NEGLIGIBLE", "severity-not-said"),
        (Severity.UNKNOWN, "NEGLIGIBLE", "severity"),
    ],
)
def test_a_finding_blocks_from_the_policys_severity_on(block: Severity, severity: str, expected: str) -> None:
    decision = decided(policy(block=block), report(system(vulnerability(Severity=severity))))
    assert about(decision) == [("CVE-2026-0001", "libssl3", "new", expected)]
    outcomes = {"severity": "reject", "below-threshold": "pass", "severity-not-said": "hold"}
    assert decision.outcome.value == outcomes[expected]


def test_severity_is_the_scanners_own_and_no_other_score_in_the_report() -> None:
    scores = {"VendorSeverity": {"nvd": 4}, "CVSS": {"nvd": {"V3Score": 9.8}}}
    low = report(system(vulnerability(Severity="LOW", **scores)))
    assert outcome(policy(), low) == ("pass", [])


def test_what_has_no_fix_does_not_block_where_only_what_has_one_does() -> None:
    unfixed = report(system(vulnerability(FixedVersion=None, Status="affected")))
    assert about(decided(policy(fixable=True), unfixed))[0][3] == "not-fixable"
    assert outcome(policy(fixable=True), unfixed)[0] == "pass"
    assert outcome(policy(), unfixed)[0] == "reject"


def test_delta_blocks_only_what_the_base_does_not_have_and_names_what_it_has() -> None:
    ours = report(system(vulnerability(), vulnerability(PkgName="zlib1g")))
    base = report(system(vulnerability(InstalledVersion="2.9"), vulnerability(PkgName="bash")))
    decision = decided(policy(delta=True), ours, base)
    assert decision.outcome.value == "reject"
    assert about(decision) == [
        ("CVE-2026-0001", "zlib1g", "new", "severity"),
        ("CVE-2026-0001", "bash", "fixed", "gone"),
        ("CVE-2026-0001", "libssl3", "unchanged", "unchanged"),
    ]
    assert outcome(policy(delta=True), HIGH, HIGH) == ("pass", [])
    assert outcome(policy(), HIGH, HIGH) == ("reject", ["blocking-findings"])
    assert outcome(policy(delta=True), HIGH) == ("reject", ["blocking-findings"])


def test_what_the_base_only_has_suppressed_it_has() -> None:
    suppressed = report(system(ExperimentalModifiedFindings=[{"Type": "vulnerability", "Finding": vulnerability()}]))
    assert outcome(policy(delta=True), HIGH, suppressed)[0] == "pass"


def test_a_base_report_that_is_no_answer_passes_nothing_by_delta_and_rejects_nothing_either() -> None:
    by = policy(delta=True)
    assert outcome(by, HIGH, CUT_OFF) == ("hold", ["blocking-findings", "base-report-unusable"])
    assert outcome(by, CLEAN, CUT_OFF) == ("pass", ["base-report-unusable"])
    assert outcome(policy(), HIGH, CUT_OFF) == ("reject", ["blocking-findings", "base-report-unusable"])


ARM = {"ImageConfig": {"os": "linux", "architecture": "arm64"}}


@pytest.mark.parametrize(
    ("base", "why"),
    [
        (report(system(vulnerability()), ArtifactType="filesystem", ArtifactName="."), "is no container image"),
        (report(system(vulnerability()), Metadata=ARM), "the report is of linux/arm64, and not of linux/amd64"),
        (report(system(packages=0)), "no package is listed"),
        (report(language(vulnerability())), "the packages of debian 12.7 were not looked at"),
    ],
)
def test_a_base_report_of_something_else_or_of_nothing_is_no_answer(base: Any, why: str) -> None:
    decision = decided(policy(delta=True), HIGH, base, database=FRESH)
    assert (decision.outcome.value, names(decision)) == ("hold", ["blocking-findings", "base-report-unusable"])
    assert why in decision.said[-1].text
    assert outcome(policy(delta=True), CLEAN, base) == ("pass", ["base-report-unusable"])


def test_what_the_policy_accepts_of_the_image_it_accepts_of_the_base() -> None:
    static = report(language(vulnerability()))
    by = policy(delta=True, accept=(Gap.UNSUPPORTED_SYSTEM,))
    assert outcome(by, static, static) == ("pass", ["unsupported-system"])


def test_a_report_that_shows_nothing_does_not_say_that_something_is_mended() -> None:
    decision = decided(policy(delta=True), report(system(packages=0)), HIGH)
    assert (decision.outcome.value, about(decision)) == ("hold", [])


@pytest.mark.parametrize("trouble", Trouble)
def test_no_answer_is_a_hold_by_its_name_whatever_else_is_known(trouble: Trouble) -> None:
    decision = decided(STANDARD, NoAnswer(trouble, "why"), HIGH, database=FRESH)
    assert (decision.outcome.value, names(decision)) == ("hold", [trouble.value, "not-judged"])
    assert (decision.findings, decision.report) == ((), None)


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (report(system(packages=0)), ["no-packages"]),
        (report(), ["unsupported-system", "no-packages"]),
        (report(language()), ["unsupported-system"]),
        (report(language(), Metadata=None), ["unsupported-system"]),
        (report(language(vulnerability(Severity="LOW"))), ["unsupported-system"]),
        # Its own list of packages was deleted, as images do that want no findings; what is in a lock file is listed.
        (report(system(packages=0), language()), ["no-packages"]),
        (report(system(packages=0), language(vulnerability(Severity="LOW"))), ["no-packages"]),
        # Nor does a finding among a language's packages show that the distribution's were looked at.
        (report(system(packages=0), language(vulnerability(Severity="LOW"), packages=0)), ["no-packages"]),
    ],
)
def test_what_was_not_looked_at_holds(judged: Any, expected: list[str]) -> None:
    assert outcome(policy(), judged) == ("hold", expected)
    gaps = policy(accept=(Gap.NO_PACKAGES, Gap.UNSUPPORTED_SYSTEM))
    assert outcome(gaps, judged) == ("pass", expected)


def test_findings_without_a_list_of_packages_show_that_something_was_looked_at() -> None:
    low = report(system(vulnerability(Severity="LOW"), packages=0))
    assert outcome(policy(), low) == ("pass", ["packages-not-listed"])


def test_what_was_found_rejects_though_not_everything_was_looked_at() -> None:
    assert outcome(policy(), report(language(vulnerability()))) == (
        "reject",
        ["blocking-findings", "unsupported-system"],
    )


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (None, ("pass", ["database-age-not-judged"])),
        (Database(None), ("hold", ["database-unknown"])),
        (Database(NOW - timedelta(days=3)), ("pass", [])),
        (Database(NOW - timedelta(days=3, seconds=1)), ("hold", ["database-too-old"])),
        (Database(NOW + timedelta(days=1)), ("pass", [])),
        (Database(NOW + timedelta(days=1, seconds=1)), ("hold", ["database-unknown"])),
    ],
)
def test_a_database_may_be_as_old_as_the_policy_says(
    database: Database | None, expected: tuple[str, list[str]]
) -> None:
    decision = decided(policy(), CLEAN, database=database)
    assert (decision.outcome.value, names(decision)) == expected


def test_an_old_database_holds_also_what_it_would_reject_and_names_the_findings() -> None:
    decision = decided(policy(max_db_age="12h"), HIGH, database=Database(NOW - timedelta(days=400)))
    assert (decision.outcome.value, names(decision)) == ("hold", ["database-too-old", "blocking-findings"])
    assert "400 days old; the policy allows 12h" in decision.said[0].text
    assert [each.decided.value for each in decision.findings] == ["severity"]


def test_another_images_report_holds_and_none_of_its_findings_is_told() -> None:
    decision = decided(policy(), HIGH, database=FRESH, subject=Subject(ANOTHER, "linux/amd64"))
    assert (decision.outcome.value, names(decision), decision.findings) == ("hold", ["report-of-another-image"], ())
    assert outcome(policy(), CLEAN, subject=Subject(DIGEST, "linux/amd64")) == ("pass", [])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.ENFORCE, ("reject", ["end-of-life"])),
        (Mode.OBSERVE, ("pass", ["end-of-life"])),
        (Mode.OFF, ("pass", [])),
    ],
)
def test_a_distribution_at_its_end_blocks_where_the_policy_enforces_it(
    mode: Mode, expected: tuple[str, list[str]]
) -> None:
    assert outcome(policy(end_of_life=mode), report(system(), Metadata=METADATA)) == expected


def test_by_delta_a_distribution_at_its_end_blocks_unless_the_bases_is_too() -> None:
    old = report(system(), Metadata=METADATA)
    assert outcome(policy(delta=True), old, old) == ("pass", ["end-of-life"])
    assert outcome(policy(delta=True), old, CLEAN) == ("reject", ["end-of-life"])
    assert outcome(policy(delta=True), old, CUT_OFF) == ("hold", ["end-of-life", "base-report-unusable"])


def test_what_is_known_to_be_exploited_blocks_whatever_its_severity_and_without_a_fix() -> None:
    low = report(system(vulnerability(Severity="LOW", FixedVersion=None, Status="affected")))
    by, known = policy(known_exploited=Mode.ENFORCE, fixable=True, delta=True), Exceptions(exploited=KEV)
    assert outcome(by, low, exceptions=known) == ("reject", ["known-exploited"])
    assert about(decided(by, low, exceptions=known))[0][3] == "known-exploited"
    assert outcome(by, low, low, exceptions=known) == ("pass", [])
    assert outcome(policy(), low, exceptions=known) == ("pass", [])
    observing = policy(known_exploited=Mode.OBSERVE)
    assert outcome(observing, low, exceptions=known) == ("pass", ["known-exploited"])


def test_a_list_of_what_is_exploited_that_is_missing_or_old_is_told() -> None:
    by = policy(known_exploited=Mode.ENFORCE)
    assert outcome(by, CLEAN) == ("pass", ["known-exploited-not-judged"])
    old = Exceptions(exploited=msgspec.structs.replace(KEV, released=NOW - timedelta(days=15)))
    assert outcome(by, HIGH, exceptions=old) == ("reject", ["known-exploited", "known-exploited-old"])


def test_a_scan_that_is_only_observed_never_blocks_and_is_told_whole() -> None:
    by = policy(mode=Mode.OBSERVE)
    decision = decided(by, HIGH, database=Database(None))
    assert (decision.outcome.value, names(decision)) == ("pass", ["database-unknown", "blocking-findings"])
    assert {each.effect.value for each in decision.said} == {"observed"}
    assert outcome(by, CUT_OFF) == ("pass", ["report-cut-off"])


@pytest.mark.parametrize("check", [None, ScanCheck(mode=Mode.OFF)])
def test_without_a_scan_in_the_policy_nothing_is_judged_and_that_is_said(check: ScanCheck | None) -> None:
    assert outcome(Policy("p", GateCheck("node"), check), HIGH) == ("pass", ["scan-off", "not-judged"])


def test_other_checks_are_told_as_not_judged_unless_they_are_off() -> None:
    assert outcome(Policy("p", GateCheck("node", Mode.OBSERVE), ScanCheck()), CLEAN) == ("pass", ["not-judged"])
    assert outcome(Policy("p", GateCheck("node", Mode.OFF), ScanCheck()), CLEAN) == ("pass", [])


def test_the_policy_in_force_and_the_report_are_in_the_decision() -> None:
    decision = decided(STANDARD, HIGH)
    assert (decision.policy.name, decision.policy.sha256) == ("standard", STANDARD.sha256)
    assert decision.report is not None
    assert (decision.report.digests, decision.report.platform) == ((DIGEST,), "linux/amd64")
    assert (decision.report.system, decision.report.packages, decision.at) == ("debian 12.7", 1, NOW)


def test_what_blocks_is_named_in_a_sentence_that_stays_short() -> None:
    many = report(system(*(vulnerability(VulnerabilityID=f"CVE-2026-{number:04}") for number in range(9))))
    assert decided(policy(), many).said[-1].text == (
        "9 as severe as the policy blocks, or worse: CVE-2026-0000 in libssl3, CVE-2026-0001 in libssl3, CVE-2026-0002 "
        "in libssl3, CVE-2026-0003 in libssl3, CVE-2026-0004 in libssl3 and 4 more"
    )


def test_what_the_scanner_suppressed_and_nobody_else_did_says_so() -> None:
    modified = {"Type": "vulnerability", "Status": "ignored", "Source": ".trivyignore", "Finding": vulnerability()}
    (finding,) = decided(policy(), report(system(ExperimentalModifiedFindings=[modified]))).findings
    assert (finding.blocks, finding.detail) == (True, "the scanner suppressed it: ignored by .trivyignore")


@pytest.mark.parametrize(
    ("text", "updated"),
    [
        (b'{"Version": "0.76.0", "VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-11-26T00:00:00Z"}}', NOW),
        (b'{"Version": 2, "NextUpdate": "x", "UpdatedAt": "2026-11-26T00:00:00.123456789Z"}', NOW),
        (b'{"Version": "0.76.0"}', None),
        (b'{"Version": "0.76.0", "VulnerabilityDB": {"Version": 2}}', None),
    ],
)
def test_the_age_of_a_database_is_read_as_trivy_says_it(text: bytes, updated: Any) -> None:
    read = read_database(text).updated_at
    assert read == updated if updated is None else read is not None and abs(read - updated) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"Version": 1, "UpdatedAt": "soon"}', b'{"UpdatedAt": 7}', b"\xff"]
)
def test_what_says_nothing_of_a_database_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_database(text)


def test_the_list_of_what_is_exploited_is_read_and_refused_where_it_is_cut() -> None:
    entry = {"cveID": "CVE-2026-0001", "vendorProject": "openssl"}
    whole = {"title": "CISA", "dateReleased": "2026-11-25T14:00:00.0000Z", "count": 1, "vulnerabilities": [entry]}
    read = read_exploited(json.dumps(whole).encode())
    assert (read.ids, read.released.day) == (frozenset({"cve-2026-0001"}), 25)
    for wrong in (b"{}", b"[", json.dumps({**whole, "count": 2}).encode()):
        with pytest.raises(MalformedInput):
            read_exploited(wrong)
