"""What people know and the scanner does not: VEX by product, and waivers by id and package while they last."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.scan.purl import parse_purl
from shared.domain.scan.vex import Statement, read_vex
from shared.domain.scan.waivers import Waiver, end_of, read_waivers
from shared.domain.scan.weighing import Exceptions
from shared.errors import MalformedInput
from tests.unit.domain.scan.reports import (
    ANOTHER,
    DIGEST,
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
JINJA = report(
    system(),
    language(vulnerability(PkgName="Jinja2", PkgIdentifier={"PURL": "pkg:pypi/jinja2@3.1.2"})),
)


def vex(*products: object, **fields: Any) -> tuple[Statement, ...]:
    """Return the statements of a document that says one thing."""
    statement = {"vulnerability": {"name": "CVE-2026-0001"}, "products": list(products), "status": "not_affected"}
    return document({**statement, **fields})


def document(*statements: dict[str, Any], **fields: Any) -> tuple[Statement, ...]:
    written = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "timestamp": "2026-11-01T00:00:00Z",
        "statements": list(statements),
        **fields,
    }
    return read_vex(json.dumps(written).encode())


def outcome(*said: Statement, judged: Any = HIGH) -> str:
    return decided(policy(), judged, exceptions=Exceptions(vex=said)).outcome.value


@pytest.mark.parametrize(
    ("product", "covers"),
    [
        ("pkg:deb/debian/libssl3", True),
        ("pkg:deb/debian/libssl3@3.0.11-1", True),
        ("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.7", True),
        ("pkg:deb/debian/libssl3?distro=debian-12.7", True),
        ("pkg:DEB/Debian/LIBSSL3", True),
        # The source package, another version, and the release without its point: statements that do nothing silently.
        ("pkg:deb/debian/openssl", False),
        ("pkg:deb/debian/libssl3@3.0.11-2", False),
        ("pkg:deb/debian/libssl3?distro=debian-12", False),
        ("pkg:deb/ubuntu/libssl3", False),
        ("pkg:deb/debian/libssl3#usr/lib/x86_64-linux-gnu/libssl.so.3", False),
        ("pkg:oci/debian", True),
        ("pkg:oci/debian?arch=amd64", True),
        ("pkg:oci/debian?arch=arm64", False),
        ("pkg:oci/debian?repository_url=staging.example%2Flibrary%2Fdebian", True),
        ("pkg:oci/debian?repository_url=docker.io/library/debian", False),
        (f"pkg:oci/debian@{DIGEST.replace(':', '%3A')}", True),
        (f"pkg:oci/debian@{DIGEST}", True),
        (f"pkg:oci/debian@{ANOTHER}", False),
        ("pkg:oci/ubuntu", False),
        ("libssl3", False),
        ("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*", False),
        ("", False),
    ],
)
def test_a_statement_is_about_what_its_product_covers(product: str, covers: bool) -> None:
    expected = "pass" if covers else "reject"
    assert outcome(*vex({"@id": product})) == expected
    assert outcome(*vex(product)) == expected
    assert outcome(*vex({"identifiers": {"purl": product}})) == expected


@pytest.mark.parametrize(
    ("components", "covers"),
    [
        ([{"@id": "pkg:deb/debian/libssl3"}], True),
        (["pkg:deb/debian/bash", "pkg:deb/debian/libssl3"], True),
        ([{"@id": "pkg:deb/debian/bash"}], False),
        ([{"@id": "libssl3"}], False),
        ([], True),
    ],
)
def test_in_an_image_a_statement_is_about_its_components(components: list[object], covers: bool) -> None:
    within = {"@id": "pkg:oci/debian", "subcomponents": components}
    assert outcome(*vex(within)) == ("pass" if covers else "reject")
    assert outcome(*vex("pkg:oci/debian", subcomponents=components)) == ("pass" if covers else "reject")


def test_a_statement_about_a_part_of_a_package_is_not_one_about_the_part_alone() -> None:
    within = {"@id": "pkg:deb/debian/libssl3", "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}]}
    assert outcome(*vex(within)) == "reject"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("not_affected", "pass"), ("fixed", "pass"), ("under_investigation", "reject"), ("affected", "reject")],
)
def test_only_what_does_not_affect_or_is_fixed_is_settled(status: str, expected: str) -> None:
    assert outcome(*vex("pkg:deb/debian/libssl3", status=status)) == expected


@pytest.mark.parametrize(
    "vulnerability_named",
    ["CVE-2026-0001", {"@id": "CVE-2026-0001"}, {"name": "GHSA-1", "aliases": ["cve-2026-0001"]}],
)
def test_a_vulnerability_is_known_by_its_name_its_id_and_its_aliases(vulnerability_named: object) -> None:
    assert outcome(*vex("pkg:deb/debian/libssl3", vulnerability=vulnerability_named)) == "pass"
    assert outcome(*vex("pkg:deb/debian/libssl3", vulnerability="CVE-2026-0002")) == "reject"


def test_the_latest_statement_counts_and_of_one_time_the_less_favourable() -> None:
    product = "pkg:deb/debian/libssl3"
    fine, bad = vex(product), vex(product, status="affected", timestamp="2026-11-02T00:00:00Z")
    assert outcome(*fine, *bad) == outcome(*bad, *fine) == "reject"
    later = vex(product, timestamp="2026-11-03T00:00:00Z")
    assert outcome(*later, *bad, *fine) == "pass"
    same = vex(product, status="affected")
    assert outcome(*fine, *same) == outcome(*same, *fine) == "reject"


def test_the_latest_statement_counts_whether_it_is_about_the_package_or_the_whole_image() -> None:
    image, package = vex("pkg:oci/debian"), vex("pkg:deb/debian/libssl3", status="affected")
    later = vex("pkg:oci/debian", timestamp="2026-11-02T00:00:00Z")
    assert outcome(*image, *package) == "reject"
    assert outcome(*later, *package) == "pass"
    again = vex("pkg:deb/debian/libssl3", status="affected", timestamp="2026-11-03T00:00:00Z")
    assert outcome(*later, *again) == "reject"


def test_of_very_many_exceptions_about_other_images_a_few_are_told() -> None:
    others = vex(*(f"pkg:oci/other{number}" for number in range(9)))
    unused = tuple(Waiver(f"CVE-2020-{number}", "bash", "r", "ana", "2026-12-31") for number in range(9))
    decision = decided(policy(), HIGH, exceptions=Exceptions(vex=others, waivers=unused))
    for reason in ("vex-unused", "waiver-unused"):
        told = [each.text for each in decision.said if each.reason.value == reason]
        assert (len(told), told[-1]) == (6, "and 4 more")


def test_a_statement_says_in_the_decision_who_said_what() -> None:
    said = vex("pkg:deb/debian/libssl3", justification="vulnerable_code_not_in_execute_path")
    (finding,) = decided(policy(), HIGH, exceptions=Exceptions(vex=said)).findings
    assert (finding.decided.value, finding.blocks) == ("vex", False)
    assert finding.detail == "not_affected says https://example.com/vex/1: vulnerable_code_not_in_execute_path"


def test_a_statement_that_matches_no_product_is_told_where_its_vulnerability_is_there() -> None:
    pinned = vex("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12")
    decision = decided(policy(), HIGH, exceptions=Exceptions(vex=pinned))
    assert names(decision) == ["database-age-not-judged", "blocking-findings", "vex-unused"]
    within = {"@id": "pkg:oci/debian", "subcomponents": ["libssl3"]}
    for nobody_knows in (vex("libssl3"), vex(), vex(within)):
        assert names(decided(policy(), HIGH, exceptions=Exceptions(vex=nobody_knows)))[-1] == "vex-unused"
    elsewhere = vex("pkg:deb/debian/libssl3", vulnerability="CVE-1999-0001")
    assert "vex-unused" not in names(decided(policy(), HIGH, exceptions=Exceptions(vex=elsewhere)))


def test_names_that_package_urls_make_small_are_the_same() -> None:
    assert outcome(*vex("pkg:pypi/Jinja2"), judged=JINJA) == "pass"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"@context": "https://cyclonedx.org", "statements": []}',
        b'{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "x", "status": "fine"}]}',
        b'{"@context": "https://openvex.dev/ns", "statements": [{"status": "fixed"}]}',
        b'{"document": {"category": "csaf_vex"}}',
    ],
)
def test_what_is_no_openvex_document_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_vex(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pkg:npm/%40angular/core@1.0", ("npm", "@angular", "core", "1.0")),
        ("pkg:npm/@angular/core@1.0", ("npm", "@angular", "core", "1.0")),
        ("pkg:npm/@angular/core", ("npm", "@angular", "core", "")),
        (
            "pkg:golang/github.com/docker/distribution@v2.7.1%2Bincompatible",
            (..., ..., "distribution", "v2.7.1+incompatible"),
        ),
        ("pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64#sub", ("deb", "debian", "bash", "5.2.15-2+b2")),
        ("pkg:pypi/Typing_Extensions@4", ("pypi", "", "typing-extensions", "4")),
    ],
)
def test_package_urls_are_taken_apart(text: str, parts: tuple[object, ...]) -> None:
    purl = parse_purl(text)
    assert purl is not None
    said = (purl.kind, purl.namespace, purl.name, purl.version)
    assert [one for one, wanted in zip(said, parts, strict=True) if wanted is not ...] == [
        wanted for wanted in parts if wanted is not ...
    ]


@pytest.mark.parametrize("text", ["", "pkg:", "pkg:deb", "pkg:deb/", "deb/debian/bash", "http://a/b"])
def test_what_is_no_package_url_is_none(text: str) -> None:
    assert parse_purl(text) is None


WAIVER = Waiver("CVE-2026-0001", "libssl3", "not reachable", "ana", "2026-12-31")


def waived(*waivers: Waiver, judged: Any = HIGH) -> tuple[str, list[str]]:
    decision = decided(policy(), judged, exceptions=Exceptions(waivers=waivers))
    return decision.outcome.value, names(decision)[1:]


def test_a_waiver_turns_a_rejection_and_says_who_and_why() -> None:
    assert waived(WAIVER) == ("pass", [])
    (finding,) = decided(policy(), HIGH, exceptions=Exceptions(waivers=(WAIVER,))).findings
    assert (finding.decided.value, finding.blocks) == ("waived", False)
    assert finding.detail == "waived by ana until 2026-12-31: not reachable"


def test_a_waiver_is_for_one_id_in_one_package() -> None:
    both = report(system(vulnerability(), vulnerability(PkgName="openssl")))
    assert waived(WAIVER, judged=both) == ("reject", ["blocking-findings"])
    assert waived(Waiver("CVE-2026-0001", "openssl", "r", "ana", "2026-12-31")) == (
        "reject",
        ["blocking-findings", "waiver-unused"],
    )


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("9999-12-31", "pass"),
        ("2026-11-26", "pass"),
        ("2026-11-25", "reject"),
        ("2026-11-26T00:00:01Z", "pass"),
        ("2026-11-26T00:00:00Z", "reject"),
        ("2026-11-26T01:00:00+02:00", "reject"),
    ],
)
def test_a_waiver_ends(until: str, expected: str) -> None:
    told = ["blocking-findings", "waiver-ended"] if expected == "reject" else []
    assert waived(Waiver("CVE-2026-0001", "libssl3", "r", "ana", until)) == (expected, told)


def test_of_several_waivers_the_one_that_ends_last_counts_in_any_order() -> None:
    ended = Waiver("cve-2026-0001", "libssl3", "r", "bob", "2020-01-01")
    assert waived(WAIVER, ended) == waived(ended, WAIVER) == ("pass", [])


def test_a_day_is_covered_to_its_end() -> None:
    assert end_of("2026-12-31") - end_of("2026-12-31T00:00:00Z") == timedelta(days=1)


@pytest.mark.parametrize(
    ("document_read", "told"),
    [
        ({}, ((), "expected `array`, got `object`")),
        ([{}], ((0,), "the field 'id' is missing")),
        ([{"id": "a", "package": "b", "reason": " ", "by": "c", "until": "2026-12-31"}], ((0, "reason"), "")),
        ([{"id": "a", "package": "b", "reason": "", "by": "c", "until": "2026-12-31"}], ((0, "reason"), "")),
        ([{"id": "a", "package": "b", "reason": "r", "by": "c", "until": "soon"}], ((0, "until"), "'soon' is neither")),
        # Days to Python, and none to whoever reads that a day is covered to its end.
        ([{"id": "a", "package": "b", "reason": "r", "by": "c", "until": "20261231"}], ((0, "until"), "is neither")),
        ([{"id": "a", "package": "b", "reason": "r", "by": "c", "until": "2026-W53-4"}], ((0, "until"), "is neither")),
        (
            [{"id": "a", "package": "b", "reason": "r", "by": "c", "until": "0001-01-01T00:00:00+14:00"}],
            ((0, "until"), ""),
        ),
        (
            [{"id": "a", "package": "b", "reason": "r", "by": "c", "until": "2026-12-31", "why": "x"}],
            ((0, "why"), "unknown"),
        ),
    ],
)
def test_a_waiver_without_reason_person_or_end_is_refused(document_read: Any, told: tuple[Any, str]) -> None:
    waivers, problems = read_waivers(document_read)
    assert waivers == ()
    assert problems[0][0] == told[0]
    assert told[1] in problems[0][1]
