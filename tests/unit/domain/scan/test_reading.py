"""Whatever stands where a report should is read as a report or as no answer, and never breaks off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.severity import Severity
from shared.domain.scan import reading
from shared.domain.scan.findings import Finding
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble, another_image, normal
from tests.unit.domain.scan.reports import (
    ANOTHER,
    DIGEST,
    IMAGE,
    answer,
    document,
    language,
    report,
    system,
    vulnerability,
)

pytestmark = pytest.mark.unit

LOG = b"2026-11-25T23:45:14Z\tINFO\t[vuln] Vulnerability scanning is enabled\n"
WHOLE = json.dumps(document(system(vulnerability(Title="a 1e5 \u00e9")), language()), indent=1).encode()


def trouble(text: bytes) -> Trouble:
    read = read_report(text)
    assert isinstance(read, NoAnswer)
    assert read.detail
    return read.trouble


def test_a_report_that_is_cut_off_at_any_byte_is_said_to_be_cut_off() -> None:
    assert {trouble(WHOLE[:end]) for end in range(1, len(WHOLE))} == {Trouble.CUT_OFF}


def test_a_report_that_is_cut_off_in_a_number_is_said_to_be_cut_off() -> None:
    for cut in (b'{"SchemaVersion": 2, "Metadata": {"Size": -', b'{"SchemaVersion": 2, "x": 1e', b'{"runs": [1.'):
        assert trouble(cut) is Trouble.CUT_OFF


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", Trouble.SCANNER_FAILED),
        (b" \n", Trouble.SCANNER_FAILED),
        (LOG, Trouble.SCANNER_FAILED),
        (LOG + WHOLE, Trouble.SCANNER_FAILED),
        (LOG + b"2026-11-25T23:45:14Z\tFATAL\tFatal error\trun error: no space left\n", Trouble.SCANNER_FAILED),
        (b"2026-11-25T23:45:14Z\t\x1b[31mFATAL\x1b[0m\tFatal error\tout of memory", Trouble.SCANNER_FAILED),
        (
            LOG + b"panic: assertion failed: Page expected to be: 8\n\ngoroutine 1 [running]:\n",
            Trouble.SCANNER_PANICKED,
        ),
        (b"fatal error: out of memory\n", Trouble.SCANNER_PANICKED),
        (b"Report Summary\n\nTotal: 0", Trouble.NO_REPORT),
        (b"[]", Trouble.NO_REPORT),
        (b"null", Trouble.NO_REPORT),
        (b"{}", Trouble.NO_REPORT),
        (b'{"bomFormat": "CycloneDX"}', Trouble.NO_REPORT),
        (WHOLE.decode().encode("utf-16"), Trouble.NO_REPORT),
        (WHOLE + b"\n== the log goes on ==\n", Trouble.UNREADABLE),
        (WHOLE + WHOLE, Trouble.UNREADABLE),
        (b'{"SchemaVersion": "2"}', Trouble.UNREADABLE),
        (b'{"SchemaVersion": 1, "Results": []}', Trouble.UNREADABLE),
        (b'{"SchemaVersion": 2, "ArtifactName": "\xff"}', Trouble.UNREADABLE),
        (b'{"SchemaVersion": 2, "Results": [{"Vulnerabilities": [{}]}]}', Trouble.UNREADABLE),
        (b'{"SchemaVersion": 2, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", Trouble.UNREADABLE),
        (b'{"version": "2.0.0", "runs": []}', Trouble.UNREADABLE),
        (b'{"version": "2.1.0", "runs": {}}', Trouble.UNREADABLE),
    ],
)
def test_what_is_no_report_is_told_by_what_it_is(text: bytes, expected: Trouble) -> None:
    assert trouble(text) is expected


def test_the_scanners_own_words_are_told_in_one_line() -> None:
    read = read_report(LOG + b"2026-11-25T23:45:14Z\tFATAL\tFatal error\trun error: \x1b[31mno\r\nspace\n")
    assert isinstance(read, NoAnswer)
    assert read.detail == "the scanner did not report: FATAL Fatal error run error: [31mno"


def test_a_report_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_REPORT", 100)
    assert trouble(WHOLE) is Trouble.UNREADABLE


def test_a_byte_order_mark_before_a_report_does_no_harm() -> None:
    assert isinstance(read_report(b"\xef\xbb\xbf" + WHOLE), Report)


@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_anything_at_all_is_read(noise: bytes) -> None:
    for text in (noise, b"{" + noise, WHOLE[:500] + noise, noise + WHOLE):
        assert isinstance(read_report(text), Report | NoAnswer)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
def test_a_report_with_any_part_of_another_kind_is_read(data: st.DataObject) -> None:
    whole = document(system(vulnerability()), language(ExperimentalModifiedFindings=[{"Finding": vulnerability()}]))
    part: Any = whole
    while True:
        place = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        if not isinstance(part[place], dict | list) or not part[place] or data.draw(st.booleans()):
            part[place] = data.draw(_VALUES)
            break
        part = part[place]
    assert isinstance(answer(whole), Report | NoAnswer)


def test_a_finding_of_trivys_says_what_it_is() -> None:
    assert report(system(vulnerability())).findings == (
        Finding(
            id="CVE-2026-0001",
            package="libssl3",
            installed="3.0.11-1",
            fixed="3.0.15-1",
            severity=Severity.HIGH,
            fixable=True,
            purl="pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.7",
        ),
    )


@pytest.mark.parametrize(
    ("fields", "fixable"),
    [
        ({}, True),
        ({"FixedVersion": None}, True),
        ({"FixedVersion": "", "Status": "affected"}, False),
        ({"FixedVersion": None, "Status": "will_not_fix"}, False),
        ({"FixedVersion": None, "Status": "end_of_life"}, False),
        ({"FixedVersion": ">= 3.1.0, < 4", "Status": "affected"}, True),
        ({"FixedVersion": None, "Status": None}, True),
        ({"FixedVersion": None, "Status": "of_a_later_version"}, True),
    ],
)
def test_what_may_have_a_fix_counts_as_fixable(fields: dict[str, Any], fixable: bool) -> None:
    assert [each.fixable for each in report(system(vulnerability(**fields))).findings] == [fixable]


def test_severities_that_nobody_knows_are_none_and_unknown_is_one() -> None:
    said = ["UNKNOWN", "NEGLIGIBLE", "", None, "critical"]
    read = report(system(*(vulnerability(VulnerabilityID=f"CVE-{n}", Severity=each) for n, each in enumerate(said))))
    assert [each.severity for each in read.findings] == [Severity.UNKNOWN, None, None, None, None]


def test_one_id_in_several_places_and_versions_is_several_findings_and_the_same_twice_is_one() -> None:
    jar = {"PkgName": "org.scala-lang:scala-library", "PkgPath": "a.jar"}
    java = language(
        vulnerability(**jar),
        vulnerability(**jar),
        vulnerability(**jar, InstalledVersion="2.13.8"),
        vulnerability(**{**jar, "PkgPath": "b.jar"}),
    )
    found = report(system(), java, java).findings
    assert [(each.installed, each.place) for each in found] == [
        ("3.0.11-1", "a.jar"),
        ("2.13.8", "a.jar"),
        ("3.0.11-1", "b.jar"),
    ]


def test_null_where_earlier_versions_wrote_it_is_nothing() -> None:
    read = report(system(Vulnerabilities=None, ExperimentalModifiedFindings=None), language(Packages=None))
    assert (read.findings, read.coverage.packages) == ((), 1)
    assert report(Results=None, Metadata=None, Trivy=None).coverage.system is False


def test_what_a_scanner_suppressed_is_read_as_a_finding_and_its_secrets_and_licences_are_not() -> None:
    modified = [
        {"Type": "vulnerability", "Status": "ignored", "Source": "ign.yaml", "Finding": vulnerability()},
        {"Type": "secret", "Status": "ignored", "Finding": {"RuleID": "aws-key"}},
    ]
    (found,) = report(system(ExperimentalModifiedFindings=modified)).findings
    assert (found.id, found.suppressed) == ("CVE-2026-0001", "ignored by ign.yaml")


def test_a_suppressed_finding_without_a_finding_makes_the_report_unreadable_and_not_cut_off() -> None:
    read = answer(document(system(ExperimentalModifiedFindings=[{"Type": "vulnerability"}])))
    assert isinstance(read, NoAnswer)
    assert read.trouble is Trouble.UNREADABLE


@pytest.mark.parametrize(
    ("fields", "subject", "told"),
    [
        ({}, Subject(), ""),
        ({}, Subject(DIGEST, "linux/amd64"), ""),
        ({}, Subject(ANOTHER), f"the report names {DIGEST}, and not {ANOTHER}"),
        ({}, Subject(DIGEST, "linux/arm64"), "the report is of linux/amd64, and not of linux/arm64"),
        ({"Metadata": None}, Subject(DIGEST, "linux/amd64"), "no platform that it names, and not of linux/amd64"),
        ({"Metadata": None, "ArtifactName": "debian.tar"}, Subject(DIGEST), f"names no digest, and not {DIGEST}"),
        ({"ArtifactName": f"debian@{ANOTHER}"}, Subject(DIGEST), f"names {ANOTHER} and {DIGEST}, and not {DIGEST}"),
        ({"ArtifactType": "repository"}, Subject(), "which is no container image"),
        ({"ArtifactType": "cyclonedx"}, Subject(DIGEST), "which is no container image"),
    ],
)
def test_a_report_counts_only_for_the_image_and_platform_that_it_names(
    fields: dict[str, Any], subject: Subject, told: str
) -> None:
    why = another_image(report(system(), **fields), subject)
    assert told in why
    assert bool(why) == bool(told)


def test_platforms_are_the_same_as_containerd_has_it() -> None:
    assert normal("linux/arm64/v8") == normal("linux/aarch64") == "linux/arm64"
    assert normal("Linux/x86_64") == "linux/amd64"
    assert normal("linux/arm") == "linux/arm/v7" != normal("linux/arm/v6")


def test_a_report_by_tag_names_its_image_by_what_the_registry_said() -> None:
    read = report(system(), ArtifactName="staging.example/library/debian:12")
    assert read.digests == {DIGEST}
    assert read.repositories == {"staging.example/library/debian"}
    assert read.artifact != IMAGE
