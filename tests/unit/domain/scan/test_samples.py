"""What real scanners wrote leads to the outcome that it should; skipped, saying so, where the samples are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.policy.policy import Policy
from shared.domain.policy.severity import Severity
from shared.domain.scan.database import read_database
from shared.domain.scan.reading import read_report
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.vex import read_vex
from shared.domain.scan.weighing import Exceptions
from tests.unit.domain.scan.reports import NOW, SAMPLES, STANDARD, names

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="Trivy's samples are not on this machine (shared/samples/trivy)"),
]

# By the policy "standard": block high, fixable, delta.
REPORTS = {
    "alpine-eosl-finding.json": ("reject", {"blocking-findings", "end-of-life"}),
    "debian-by-tag.json": ("reject", {"blocking-findings"}),
    "debian-clean-with-packages.json": ("pass", set[str]()),
    "debian-clean.json": ("hold", {"no-packages"}),
    "debian-clean.sarif": ("hold", {"no-packages"}),
    "debian-findings.json": ("reject", {"blocking-findings"}),
    "debian-findings.sarif": ("reject", {"blocking-findings"}),
    "debian-ignore-unfixed.json": ("reject", {"blocking-findings"}),
    "debian-ignorefile-suppressed.json": ("reject", {"blocking-findings"}),
    "debian-no-packages.json": ("hold", {"no-packages"}),
    "debian-vex-suppressed.json": ("reject", {"blocking-findings"}),
    "empty-database.json": ("hold", {"no-packages"}),
    "no-os-no-results.json": ("hold", {"no-packages", "unsupported-system"}),
    "unsupported-os-fedora.json": ("hold", {"no-packages", "unsupported-system"}),
    "upstream/alpine-310.sarif.golden": ("pass", set[str]()),
    "upstream/alpine-39-high-critical.json.golden": ("reject", {"blocking-findings", "end-of-life"}),
    "upstream/alpine-distroless.json.golden": ("pass", set[str]()),
    "upstream/centos-6.json.golden": ("reject", {"end-of-life"}),
    "upstream/debian-buster-ignore-unfixed.json.golden": ("reject", {"blocking-findings"}),
    "upstream/debian-buster.json.golden": ("reject", {"blocking-findings"}),
    "upstream/gomod-vex.json.golden": ("hold", {"report-of-another-image"}),
}
# What a scanner wrote that could not scan.
PANICS = {"errors/db-no-vulnerability-bucket.txt", "errors/db-truncated.txt"}
# What is no report: documents that a scan is given, and papers.
OTHERS = {
    "openvex-used.json",
    "upstream/LICENSE.trivy",
    "upstream/NOTES.md",
    "upstream/openvex.json",
    "version-with-db.json",
}
TOLD = {"packages-not-listed", "not-judged"}


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def outcome(text: bytes, by: Policy = STANDARD, at: datetime = NOW, **evidence: Any) -> tuple[str, set[str]]:
    database = read_database(sample("version-with-db.json"))
    decision = judge(by, Evidence(read_report(text), database=database, **evidence), at)
    return decision.outcome.value, set(names(decision)) - TOLD


@pytest.mark.parametrize("name", REPORTS)
def test_a_real_report_leads_to_its_outcome(name: str) -> None:
    assert outcome(sample(name)) == REPORTS[name]


def test_a_scanner_that_failed_is_held_by_its_name() -> None:
    errors = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("errors/*"))
    assert len(errors) > 15
    found = {name: outcome(sample(name)) for name in errors}
    assert found == {name: ("hold", {"scanner-panicked" if name in PANICS else "scanner-failed"}) for name in errors}


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_what_is_no_report_is_said_to_be_none(name: str) -> None:
    assert outcome(sample(name)) == ("hold", {"no-report"})


def test_every_sample_has_its_outcome_here() -> None:
    there = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("errors/")} == set(REPORTS) | OTHERS


def without_findings(written: dict[str, Any]) -> None:
    for result in written["Results"]:
        result.pop("Vulnerabilities", None)


def only_low(written: dict[str, Any]) -> None:
    for result in written["Results"]:
        result["Vulnerabilities"] = [each for each in result["Vulnerabilities"] if each["Severity"] == "LOW"]


def as_null(written: dict[str, Any]) -> None:
    written["Results"] = None


def of_schema_three(written: dict[str, Any]) -> None:
    written["SchemaVersion"] = 3


def without_fixes(written: dict[str, Any]) -> None:
    for result in written["Results"]:
        for each in result["Vulnerabilities"]:
            each.pop("FixedVersion", None)
            each["Status"] = "affected"


def of_nobody_knows_what(written: dict[str, Any]) -> None:
    written["Results"][0]["Vulnerabilities"] = {"CVE-2026-0001": "libssl3"}


def with_an_unknown_severity(written: dict[str, Any]) -> None:
    only_low(written)
    written["Results"][0]["Vulnerabilities"][0] |= {"Severity": "SEVERE", "FixedVersion": "6.0"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without_findings, ("hold", {"no-packages"})),
        (only_low, ("pass", set())),
        (as_null, ("hold", {"no-packages", "unsupported-system"})),
        (of_schema_three, ("hold", {"report-unreadable"})),
        (without_fixes, ("pass", set())),
        (of_nobody_knows_what, ("hold", {"report-unreadable"})),
        (with_an_unknown_severity, ("hold", {"severity-not-said"})),
    ],
)
def test_a_report_that_was_altered_leads_to_another_outcome(
    change: Callable[[dict[str, Any]], None], expected: tuple[str, set[str]]
) -> None:
    written = json.loads(sample("debian-findings.json"))
    change(written)
    assert outcome(json.dumps(written).encode()) == expected


def test_what_the_base_has_too_passes_and_the_same_without_a_base_is_rejected() -> None:
    text = sample("debian-findings.json")
    assert outcome(text, base=read_report(text))[0] == "pass"
    assert outcome(text)[0] == "reject"


def test_what_trivy_suppressed_by_its_own_files_is_a_finding_until_our_own_vex_covers_it() -> None:
    for name in ("debian-vex-suppressed.json", "debian-ignorefile-suppressed.json"):
        text = sample(name)
        assert outcome(text) == ("reject", {"blocking-findings"})
        ours = Exceptions(vex=read_vex(sample("openvex-used.json")))
        assert outcome(text, exceptions=ours) == ("pass", set())


def test_an_old_database_holds_and_passes_when_it_is_new() -> None:
    text = sample("debian-clean-with-packages.json")
    assert outcome(text, at=NOW.replace(day=29)) == ("hold", {"database-too-old"})
    assert outcome(text, at=NOW.replace(day=28)) == ("pass", set())


def test_json_and_sarif_of_one_scan_block_for_the_same_findings() -> None:
    by = msgspec.structs.replace(STANDARD, scan=msgspec.structs.replace(STANDARD.scan, block=Severity.CRITICAL))
    for end in ("json", "sarif"):
        decision = judge(by, Evidence(read_report(sample(f"debian-findings.{end}"))), NOW)
        blocking = [(each.id, each.package) for each in decision.findings if each.blocks]
        assert blocking == [("CVE-2026-0001", "libssl3"), ("CVE-2026-0006", "Jinja2")]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")) if SAMPLES.is_dir() else [], ids=lambda path: path.name)
def test_a_real_report_that_is_cut_off_anywhere_never_passes(path: Path) -> None:
    text = path.read_bytes().rstrip()
    for end in range(1, len(text), 7):
        assert outcome(text[:end]) == ("hold", {"report-cut-off"})
