"""Another scanner than the product's own way with Trivy, really executed: what it wrote comes back by the log.

Trivy itself is the one, called as a list calls it and writing SARIF or its JSON; small programs are the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.scanner.systems import CLEAN, FIXABLE_CRITICAL, UNFIXED_HIGH, Files, jar
from infra.local.twin.images import push_image
from shared.adapters.azure.tasks import AcrTasks
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import words_of
from shared.domain.policy.policy import Gap, Policy, ScanCheck
from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.decision import Decision, Outcome, Reason
from shared.domain.scan.report import NoAnswer, Report, Subject, Trouble
from shared.domain.scan.run_log import ScanAnswer, read_scan_log
from shared.domain.scan.verdict import Evidence, judge
from shared.run_ports import ScannerInUse, ScanRun
from tests.contract.registry_fixtures import Outside
from tests.doubles.packed import result, sarif
from tests.twin.scan_fixtures import scanning

pytestmark = pytest.mark.twin

AMD, ARM = "linux/amd64", "linux/arm64"
ALONE = "--quiet --config /dev/null --ignorefile /dev/null --image-src remote --skip-version-check --disable-telemetry"
TRIVY = (
    f"image {ALONE} --offline-scan --cache-dir {{cache}} --scanners vuln --platform {{platform}} "
    "--db-repository {database} --java-db-repository {java_database} --output {output}"
)
PROGRAM = (
    "{image}",
    "{platform}",
    "{output}",
)
POLICY = Policy("p", scan=ScanCheck(fixable=True))
KNOWS_NO_AGE = Policy("p", scan=ScanCheck(accept=(Gap.DATABASE_UNKNOWN,)))


@dataclass
class Scans:
    """ACR Tasks of staging as the product uses them, with Trivy and its databases."""

    outside: Outside
    trivy: ScannerInUse
    runs: AcrTasks
    number: int = 0

    def scan(
        self, name: str, digest: str, tools: ScannerInUse, *platforms: str, ends: RunStatus = RunStatus.SUCCEEDED
    ) -> tuple[ScanAnswer, str]:
        """Scan an image of staging; return the answer and the log of its run, which has to end like this."""
        self.number += 1
        words, asked = words_of("secret", 2, self.number), platforms or (AMD,)
        scan, called = ScanRun(name, Digest(digest), asked, words, tools), f"tidegate-other-{self.number}"
        run = self.runs.start_scan(called, scan)
        deadline = time.monotonic() + 300
        while run.status in UNDER_WAY:
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.1)
            run = self.runs.find_scan(called, words) or run
        log = self.runs.log(run.run_id)
        assert run.status is ends, log
        return read_scan_log(log, words, Digest(digest), asked), log

    def pushed(self, name: str, files: Files, *platforms: str) -> str:
        """Push an image to staging; return its digest."""
        staging = self.outside.topology.http("backing_staging")
        return push_image(staging, name, "1", "1", files=files, platforms=platforms or (AMD,)).digest

    def as_trivy(self, form: ScannerFormat) -> ScannerInUse:
        """Return Trivy as another scanner, which writes its report like this."""
        written = "sarif" if form is ScannerFormat.SARIF else "json"
        command = (*TRIVY.split(), "--format", written, "{image}")
        trivy = self.trivy
        return ScannerInUse(trivy.scanner, trivy.database, trivy.java_database, form, command)

    def program(self, script: str, **files: bytes) -> ScannerInUse:
        """Push a scanner that is a script, given image, platform and output; it has the files at its root."""
        there = {"/scan": f"#!/bin/sh\nset -eu\n{script}\n", **{f"/{name}": held for name, held in files.items()}}
        staging = self.outside.topology.http("backing_staging")
        config = {"Entrypoint": ["/scan"], "Cmd": None}
        made = push_image(staging, "tools/other", "1", script, files=there, config=config)
        return ScannerInUse(f"tools/other@{made.digest}", format=ScannerFormat.SARIF, command=PROGRAM)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scans]:
    """A twin whose runs are executed, with the scanner and its databases in staging."""
    with scanning(tmp_path_factory.mktemp("scans")) as made:
        yield Scans(*made)


def decided(answer: ScanAnswer, digest: str, platform: str = AMD, policy: Policy = POLICY) -> Decision:
    """Return what is decided of a platform."""
    evidence = Evidence(answer.reports[platform], database=answer.database, subject=Subject(digest, platform))
    return judge(policy, evidence, datetime.now(UTC))


@pytest.mark.parametrize("form", ScannerFormat)
def test_a_fixable_critical_is_rejected_by_name_by_what_another_scanner_wrote(
    scans: Scans, form: ScannerFormat
) -> None:
    digest = scans.pushed("found", {**FIXABLE_CRITICAL, "/opt/it.jar": jar("org.example", "parser", "2.0.0")})
    answer, log = scans.scan("found", digest, scans.as_trivy(form))
    report = answer.reports[AMD]
    assert isinstance(report, Report), log
    found = sorted((one.id, one.package) for one in report.findings)
    assert found == [("CVE-2026-90001", "libssl3"), ("CVE-2026-90005", "org.example:parser")]
    assert (report.digests, report.platform) == ({digest}, AMD)
    said = decided(answer, digest)
    assert (said.outcome, said.reasons[0]) == (Outcome.REJECT, Reason.BLOCKING_FINDINGS)
    assert answer.database is not None
    assert answer.database.updated_at is not None
    assert abs(datetime.now(UTC) - answer.database.updated_at) < timedelta(hours=2)


def test_a_clean_image_passes_by_what_lists_packages_and_holds_by_what_lists_none(scans: Scans) -> None:
    digest = scans.pushed("clean", CLEAN)
    answer, log = scans.scan("clean", digest, scans.as_trivy(ScannerFormat.TRIVY_JSON))
    assert decided(answer, digest).outcome is Outcome.PASS, log
    answer, log = scans.scan("clean", digest, scans.as_trivy(ScannerFormat.SARIF))
    said = decided(answer, digest)
    assert (said.outcome, said.reasons) == (Outcome.HOLD, (Reason.NO_PACKAGES,)), log
    accepting = Policy("p", scan=ScanCheck(accept=(Gap.NO_PACKAGES,)))
    assert decided(answer, digest, policy=accepting).outcome is Outcome.PASS


def test_sarif_does_not_say_that_there_is_no_fix_so_there_may_be_one(scans: Scans) -> None:
    digest = scans.pushed("unfixed", UNFIXED_HIGH)
    answer, _ = scans.scan("unfixed", digest, scans.as_trivy(ScannerFormat.SARIF))
    assert decided(answer, digest).outcome is Outcome.REJECT
    answer, _ = scans.scan("unfixed", digest, scans.as_trivy(ScannerFormat.TRIVY_JSON))
    assert decided(answer, digest).outcome is Outcome.PASS


def test_each_platform_is_scanned_and_has_its_own_report(scans: Scans) -> None:
    digest = scans.pushed("many", FIXABLE_CRITICAL, AMD, ARM)
    answer, log = scans.scan("many", digest, scans.as_trivy(ScannerFormat.SARIF), AMD, ARM)
    assert [decided(answer, digest, each).outcome for each in (AMD, ARM)] == [Outcome.REJECT] * 2, log


def test_a_platform_that_is_not_there_is_no_answer(scans: Scans) -> None:
    digest = scans.pushed("few", FIXABLE_CRITICAL, AMD, ARM)
    tools = scans.as_trivy(ScannerFormat.SARIF)
    answer, log = scans.scan("few", digest, tools, AMD, "linux/s390x", ends=RunStatus.FAILED)
    assert all(isinstance(each, NoAnswer) for each in answer.reports.values()), log
    assert "no child with platform linux/s390x" in str(answer.reports["linux/s390x"])


def test_a_scanner_that_names_no_image_is_believed_by_its_run_that_it_saw_this_one(scans: Scans) -> None:
    written = sarif(result())
    tools = scans.program(
        'case $1 in */named@sha256:*) [ "$2" = linux/amd64 ] && cp /report "$3" ;; esac', report=written
    )
    digest = scans.pushed("named", CLEAN)
    answer, log = scans.scan("named", digest, tools)
    assert isinstance(answer.reports[AMD], Report), log
    assert answer.database == Database(None)
    assert decided(answer, digest).reasons[0] is Reason.DATABASE_UNKNOWN
    assert decided(answer, digest, policy=KNOWS_NO_AGE).outcome is Outcome.REJECT


def test_a_scanner_that_says_it_failed_gives_no_answer_whatever_it_wrote_before(scans: Scans) -> None:
    tools = scans.program('cp /report "$3"; exit 1', report=sarif(result()))
    answer, log = scans.scan("clean", scans.pushed("clean", CLEAN), tools, ends=RunStatus.FAILED)
    none = answer.reports[AMD]
    assert isinstance(none, NoAnswer), log
    assert none.trouble is Trouble.SCANNER_FAILED


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        (":", Trouble.SCANNER_FAILED),
        (': > "$3"', Trouble.SCANNER_FAILED),
        ('mkdir "$3"', Trouble.SCANNER_FAILED),
        ('head -c 200 /report > "$3"', Trouble.CUT_OFF),
        ('echo "{}" > "$3"', Trouble.NO_REPORT),
        ('head -c 700000 /dev/urandom > "$3"', Trouble.TOO_LONG),
        ('head -c 40000000 /dev/zero > "$3"', Trouble.TOO_LONG),
        ('printf "%s 5 end\\n" "$(cat /report)" > "$3"', Trouble.UNREADABLE),
    ],
)
def test_whatever_a_scanner_leaves_that_is_no_whole_report_is_no_answer(
    scans: Scans, script: str, trouble: Trouble
) -> None:
    tools = scans.program(script, report=sarif(result()))
    answer, log = scans.scan("clean", scans.pushed("clean", CLEAN), tools)
    none = answer.reports[AMD]
    assert isinstance(none, NoAnswer), log[-3000:]
    assert none.trouble is trouble
    assert all(len(line) < 64 * 1024 for line in log.splitlines())


def test_a_report_of_another_image_holds(scans: Scans) -> None:
    other = {"imageName": f"r.example/a@sha256:{'1' * 64}", "repoDigests": [f"r.example/a@sha256:{'1' * 64}"]}
    digest = scans.pushed("clean", CLEAN)
    tools = scans.program('cp /report "$3"', report=sarif(result(), properties=other))
    said = decided(scans.scan("clean", digest, tools)[0], digest, policy=KNOWS_NO_AGE)
    assert (said.outcome, said.reasons[-1]) == (Outcome.HOLD, Reason.REPORT_OF_ANOTHER_IMAGE)


def test_a_report_of_many_findings_comes_back_whole(scans: Scans) -> None:
    many = json.loads(sarif(*(result(f"made-up-library-{number:05}") for number in range(6000))))
    tools = scans.program('cp /report "$3"', report=json.dumps(many, indent=1).encode())
    answer, log = scans.scan("clean", scans.pushed("clean", CLEAN), tools)
    report = answer.reports[AMD]
    assert isinstance(report, Report), "\n".join(line[:90] for line in log.split("\n"))
    assert len({one.package for one in report.findings}) == 6000
    assert len(log.encode()) < 256 * 1024
