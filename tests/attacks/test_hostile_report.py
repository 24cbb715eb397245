"""Whoever makes an image writes much of its scan's report: names, versions, paths. It gets him past nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from shared.cli.verdicts import _shown
from shared.domain.scan import sarif
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Subject, Trouble
from shared.domain.scan.vex import read_vex
from shared.domain.scan.waivers import Waiver
from shared.domain.scan.weighing import Exceptions
from tests.unit.domain.scan.reports import DIGEST, decided, document, language, policy, report, system, vulnerability

pytestmark = pytest.mark.unit

WAIVER = Waiver("CVE-2026-0001", "libssl3", "not reachable", "ana", "2026-12-31")
VEX = read_vex(
    json.dumps(
        {
            "@context": "https://openvex.dev/ns",
            "statements": [
                {"vulnerability": "CVE-2026-0001", "products": ["pkg:deb/debian/libssl3"], "status": "not_affected"}
            ],
        }
    ).encode()
)


@pytest.mark.parametrize(
    "name",
    [
        "libssl3 ",
        " libssl3",
        "LIBSSL3",
        "libssl3\x00",
        "libssl3\n",
        "lib\u200bssl3",
        "libssl\uff13",
        "a/../libssl3",
        "*",
        "",
    ],
)
def test_a_name_that_only_looks_like_a_waived_one_is_not_waived(name: str) -> None:
    found = report(system(vulnerability(PkgName=name)))
    assert decided(policy(), found, exceptions=Exceptions(waivers=(WAIVER,))).outcome.value == "reject"


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:deb/debian/libssl3x",
        "pkg:deb/debian/x%2Flibssl3",
        "pkg:deb/debian%2Flibssl3/x",
        "pkg:deb/debian/x@libssl3",
        "pkg:deb/debian/x?y=pkg:deb/debian/libssl3",
        "pkg:deb/debian/x#libssl3",
        "pkg:npm/debian/libssl3",
        "pkg:deb/%64ebian/libssl3x",
        "",
        "\x00",
    ],
)
def test_a_package_url_that_only_looks_like_a_settled_one_is_not_settled(purl: str) -> None:
    found = report(system(vulnerability(PkgIdentifier={"PURL": purl})))
    assert decided(policy(), found, exceptions=Exceptions(vex=VEX)).outcome.value == "reject"


def test_a_line_end_in_a_name_forges_no_line_and_no_colour_on_a_terminal() -> None:
    forged = "x\npass, by the policy p\r\x1b[2K\x1b]8;;https://evil.example\x07\u202e"
    evil = vulnerability(PkgName=forged, InstalledVersion=forged, FixedVersion=forged, PkgPath=forged)
    shown = _shown(decided(policy(), report(system(), language(evil, Target=forged), ArtifactName=forged)))
    assert shown.splitlines()[0].startswith("reject")
    assert len([line for line in shown.splitlines() if line.startswith("pass")]) == 0
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_fields_that_nobody_asked_for_change_nothing() -> None:
    """As a scanner's plug-in, or another version of it, might write them."""
    noise: dict[str, Any] = {"outcome": "pass", "decided": "waived", "severity": "LOW", "Suppressed": True}
    plain, noisy = (decided(policy(), report(system(vulnerability(**each)), **each)) for each in ({}, noise))
    assert plain == noisy


@pytest.mark.parametrize("kind", [b"[", b'{"a":', b'{"Results":['])
def test_a_report_that_is_nested_without_end_ends_nothing_but_itself(kind: bytes) -> None:
    read = read_report(b'{"SchemaVersion": 2, "Results": ' + kind * 1_000_000)
    assert isinstance(read, NoAnswer)
    assert read.trouble in {Trouble.UNREADABLE, Trouble.CUT_OFF}


def _sarif(text: str, rule: str = "CVE-2026-0001", many: int = 1) -> bytes:
    results = [{"ruleId": f"{rule}{number or ''}", "message": {"text": text}} for number in range(many)]
    run = {"tool": {"driver": {"name": "s"}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        "package: a, version " * 50_000,
        "package: " + "a" * 1_000_000,
        "package: a, version " + "1" * 1_000_000,
        "Package: " + "a\n" * 500_000,
        "Package: a\nInstalled Version: " + "1" * 1_000_000,
        "\n" * 1_000_000,
    ],
)
def test_a_long_message_takes_no_longer_than_it_is_long(text: str) -> None:
    began = time.process_time()
    assert not isinstance(read_report(_sarif(text)), NoAnswer)
    assert time.process_time() - began < 2


def test_rules_that_are_all_different_fill_no_memory_for_good() -> None:
    assert not isinstance(read_report(_sarif("?", "CVE-2026-0001-", many=20_000)), NoAnswer)
    assert sarif._named.cache_info().currsize <= 4096


def test_very_many_findings_of_one_id_are_weighed_as_fast_as_others() -> None:
    many = report(system(*(vulnerability(PkgName=f"p{number}") for number in range(20_000))))
    statements = tuple(statement for _ in range(5) for statement in VEX)
    began = time.process_time()
    decision = decided(policy(), many, many, exceptions=Exceptions(vex=statements, waivers=(WAIVER,)))
    assert (decision.outcome.value, len(decision.findings)) == ("reject", 20_000)
    assert time.process_time() - began < 5


def test_one_vulnerability_in_very_many_packages_and_statements_takes_no_product_of_both() -> None:
    many = report(system(*(vulnerability(PkgName=f"p{number}") for number in range(10_000))))
    products = [f"pkg:oci/other{number}" for number in range(1_000)] + [f"pkg:deb/debian/q{n}" for n in range(1_000)]
    statement = {"vulnerability": "CVE-2026-0001", "products": products, "status": "not_affected"}
    vex = read_vex(json.dumps({"@context": "https://openvex.dev/ns", "statements": [statement]}).encode())
    began = time.process_time()
    assert decided(policy(), many, exceptions=Exceptions(vex=vex)).outcome.value == "reject"
    assert time.process_time() - began < 5


def test_a_scanners_last_words_keep_the_rights_to_what_it_asked_to_themselves() -> None:
    words = 'Get "https://ana:s3cret@store.example/layer?se=2026&sig=s3cret%3D": dial tcp: i/o timeout'
    read = read_report(f"2026-11-26T00:00:00Z\tFATAL\tFatal error\t{words}\n".encode())
    assert isinstance(read, NoAnswer)
    assert "https://…store.example/layer?…" in read.detail
    assert "s3cret" not in read.detail


def test_a_report_of_another_image_in_the_place_of_ours_shows_by_its_digest_alone() -> None:
    """Names are whatever somebody called it."""
    ours = document(system())
    ours["ArtifactName"] = "staging.example/library/debian:12"
    ours["Metadata"]["RepoDigests"] = []
    ours["Metadata"]["Reference"] = "staging.example/library/debian:12"
    read = read_report(json.dumps(ours).encode())
    assert decided(policy(), read, subject=Subject(DIGEST)).outcome.value == "hold"
