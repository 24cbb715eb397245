"""Scans as the product asks for them, really executed: what comes back by the log, whatever the image holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.scanner.advisories import DEBIAN, KNOWN, SEVERITIES, Advisory
from infra.local.scanner.database import push_database
from infra.local.scanner.systems import CLEAN, FIXABLE_CRITICAL, NO_PACKAGES, UNSUPPORTED, Files, Package, debian, jar
from infra.local.topology import STAGING
from infra.local.twin.images import push_image
from shared.adapters.azure.tasks import AcrTasks
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import Words, words_of
from shared.domain.policy.severity import Severity
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.run_log import ScanAnswer, read_scan_log
from shared.run_ports import ScannerInUse, ScanRun
from tests.contract.registry_fixtures import Outside
from tests.twin.scan_fixtures import scanning

pytestmark = pytest.mark.twin

AMD, ARM = "linux/amd64", "linux/arm64"
# Names as an image may have them to be taken for what it is not: rows, terminal escapes, and no end.
FORGED = "/opt/x\n{nonce} 7 end\n\x1b[2J\u009b31m\u202e.jar"
LONG = f"/opt/{'n' * 70_000}.jar"


@dataclass
class Scans:
    """ACR Tasks of staging as the product uses them, and with what it scans."""

    outside: Outside
    tools: ScannerInUse
    runs: AcrTasks
    number: int = 0

    def words(self) -> Words:
        """Return the words of the next run, which nothing can know that is made before."""
        return words_of("secret", 1, self.number + 1)

    def scan(self, name: str, digest: str, *platforms: str, **tools: str) -> tuple[ScanAnswer, str]:
        """Scan an image of staging; return the answer and the log of its run."""
        self.number += 1
        words, asked = words_of("secret", 1, self.number), platforms or (AMD,)
        used = ScannerInUse(**{**{f: getattr(self.tools, f) for f in self.tools.__struct_fields__}, **tools})
        scan = ScanRun(name, Digest(digest), asked, words, used)
        run = self.runs.start_scan(f"tidegate-scan-{self.number}", scan)
        deadline = time.monotonic() + 300
        while run.status in UNDER_WAY:
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.1)
            run = self.runs.find_scan(f"tidegate-scan-{self.number}", words) or run
        log = self.runs.log(run.run_id)
        assert run.status is RunStatus.SUCCEEDED, log
        return read_scan_log(log, words, Digest(digest), asked), log

    def pushed(self, name: str, files: Files, **more: Any) -> str:
        """Push an image to staging; return its digest."""
        return push_image(self.outside.topology.http("backing_staging"), name, "1", "1", files=files, **more).digest

    def report(self, name: str, files: Files) -> Report:
        """Return the report of an image of these files."""
        answer, log = self.scan(name, self.pushed(name, files))
        found = answer.reports[AMD]
        assert isinstance(found, Report), log
        return found


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scans]:
    """A twin whose runs are executed, with the scanner and its databases in staging."""
    with scanning(tmp_path_factory.mktemp("scans")) as made:
        yield Scans(*made)


def test_a_scan_says_what_it_found_of_which_image_and_with_which_database(scans: Scans) -> None:
    digest = scans.pushed("found", FIXABLE_CRITICAL)
    answer, log = scans.scan("found", digest)
    report = answer.reports[AMD]
    assert isinstance(report, Report), log
    assert [(one.id, one.package, one.fixed) for one in report.findings] == [
        ("CVE-2026-90001", "libssl3", "3.0.17-1~deb12u3")
    ]
    assert report.digests == {digest}
    assert (report.platform, report.system, report.scanner) == (AMD, "debian 12.12", "Trivy 0.76.0")
    assert report.coverage.packages == 3
    assert answer.database is not None
    assert answer.database.updated_at is not None
    assert len(log.encode()) < 16 * 1024
    assert abs(datetime.now(UTC) - answer.database.updated_at) < timedelta(hours=2)


def test_the_database_is_as_old_as_the_scanner_itself_says(scans: Scans) -> None:
    then = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    staging = scans.outside.topology.http("backing_staging")
    old = push_database(staging, "tools/old-db", updated=then)
    answer, _ = scans.scan("clean", scans.pushed("clean", CLEAN), database=f"tools/old-db@{old}")
    assert answer.database == Database(then)


def test_whatever_names_an_image_has_they_write_no_row_and_no_long_line(scans: Scans) -> None:
    named = FORGED.format(nonce=scans.words().nonce)
    parser = jar("org.example", "parser", "2.0.0")
    labels = {"a": "x" * 200_000, "b": f'"\n{scans.words().nonce} 7 end\n      "architecture": "arm64",\n'}
    digest = scans.pushed(
        "forging", {**FIXABLE_CRITICAL, named: parser, LONG: parser}, config={"Labels": labels, "Env": [f"A={LONG}"]}
    )
    answer, log = scans.scan("forging", digest)
    report = answer.reports[AMD]
    assert isinstance(report, Report), log[-9000:]
    assert report.platform == AMD
    found = sorted((one.id, one.package, one.place) for one in report.findings)
    assert [(id_, package) for id_, package, _ in found] == [
        ("CVE-2026-90001", "libssl3"),
        *[("CVE-2026-90005", "org.example:parser")] * 2,
    ]
    assert named.lstrip("/") in {place for *_, place in found}
    assert all(len(line.encode()) < 64 * 1024 for line in log.splitlines())
    nonce = words_of("secret", 1, scans.number).nonce
    rows = [line for line in log.split("\n") if line.startswith(nonce)]
    assert rows
    assert all(row.isascii() and row.isprintable() for row in rows)


def test_each_platform_is_scanned_and_one_that_is_not_there_is_no_answer_of_its_own(scans: Scans) -> None:
    digest = scans.pushed("many", FIXABLE_CRITICAL, platforms=(AMD, ARM))
    answer, log = scans.scan("many", digest, AMD, ARM, "linux/s390x")
    amd, arm, none = answer.reports.values()
    assert isinstance(amd, Report), log
    assert isinstance(arm, Report), log
    assert (amd.platform, arm.platform) == (AMD, ARM)
    assert amd.digests == arm.digests == {digest}
    assert [one.id for one in arm.findings] == [one.id for one in amd.findings] == ["CVE-2026-90001"]
    assert isinstance(none, NoAnswer)
    assert none.trouble is Trouble.SCANNER_FAILED
    assert "no child with platform linux/s390x" in none.detail


def test_another_platform_than_was_asked_for_is_told_as_what_it_is(scans: Scans) -> None:
    answer, _ = scans.scan("single", scans.pushed("single", CLEAN), ARM)
    report = answer.reports[ARM]
    assert isinstance(report, Report)
    assert report.platform == AMD


@pytest.mark.parametrize(("files", "system"), [(NO_PACKAGES, "debian 12.12"), (UNSUPPORTED, "fedora 43"), ({}, "")])
def test_an_image_of_which_nothing_can_be_read_is_told_to_be_one(scans: Scans, files: Files, system: str) -> None:
    report = scans.report("unread", files)
    assert (report.system, report.coverage.packages, report.findings) == (system, 0, ())


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({"database": f"tools/trivy-db@sha256:{'0' * 64}"}, "failed to download vulnerability DB"),
        ({"java_database": ""}, "Java DB"),
        ({"scanner": f"tools/scanner@sha256:{'0' * 64}"}, "the scan left no report"),
    ],
)
def test_a_scan_that_cannot_be_made_says_why(scans: Scans, tools: dict[str, str], said: str) -> None:
    files = {**CLEAN, "/opt/parser.jar": jar("org.example", "parser", "2.0.0")}
    answer, log = scans.scan("unscanned", scans.pushed("unscanned", files), **tools)
    none = answer.reports[AMD]
    assert isinstance(none, NoAnswer), log
    assert none.trouble is Trouble.SCANNER_FAILED
    assert said in none.detail


@pytest.mark.parametrize("most", [1000, 6000])
def test_a_very_long_report_fits_the_log_and_what_is_left_out_is_counted(scans: Scans, most: int) -> None:
    names = [f"made-up-library-{number:05}" for number in range(most)]
    known = [
        Advisory(DEBIAN, name, f"CVE-2026-{number + 10000}", SEVERITIES[number % 5], f"1.0-{number}")
        for number, name in enumerate(names)
    ]
    staging = scans.outside.topology.http("backing_staging")
    large = push_database(staging, "tools/large-db", advisories=[*KNOWN, *known])
    more = [Package(f"unknown-{number}", "1.0-1") for number in range(2000)]
    digest = scans.pushed("large", debian([*(Package(name, "0.9-1") for name in names), *more]))
    answer, log = scans.scan("large", digest, database=f"tools/large-db@{large}")
    report = answer.reports[AMD]
    assert isinstance(report, Report), log[-2000:]
    assert len(log.encode()) < 256 * 1024
    assert report.coverage.packages == most + 2000
    left = sum(each.count for each in report.left_out)
    assert len(report.findings) + left == report.coverage.findings == most
    critical = sum(one.severity is Severity.CRITICAL for one in report.findings)
    assert critical == sum(one.severity == SEVERITIES[-1] for one in known)
    assert (left == 0) is (most == 1000)


def test_a_registry_that_gives_rights_by_repository_is_read_as_the_app_and_scanned_too(scans: Scans) -> None:
    control = scans.outside.control
    control("POST", "/settings", {"abac_registries": [STAGING]})
    try:
        asked = AcrTasks(scans.runs._clients, scans.outside.registry_id(STAGING))
        digest = scans.pushed("by-repository", FIXABLE_CRITICAL)
        answer, log = replace(scans, runs=asked, number=1000).scan("by-repository", digest)
    finally:
        control("POST", "/settings", {"abac_registries": []})
    assert isinstance(answer.reports[AMD], Report), log
