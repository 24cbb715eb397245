"""Documents of many images, merged and really scanned by one run, say of each image what a scan of it says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra.local.scanner.advisories import DEBIAN, KNOWN, SEVERITIES, Advisory
from infra.local.scanner.database import push_database
from infra.local.scanner.systems import ALPINE_HIGH, CLEAN, FIXABLE_CRITICAL, JAVA_CRITICAL, UNFIXED_HIGH
from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import words_of
from shared.domain.references import Digest
from shared.domain.scan.merged import Bundle, found_in, merged, report_on
from shared.domain.scan.packages import Package, Packages, packages_in
from shared.domain.scan.report import Report
from shared.domain.scan.run_log import ScanAnswer, platform_rows, read_scan_log
from shared.run_ports import ScannerInUse, ScanRun
from tests.twin import test_scan_runs
from tests.twin.test_scan_runs import AMD, Scans

pytestmark = pytest.mark.twin
scans = test_scan_runs.scans

IMAGES = {
    "critical": FIXABLE_CRITICAL,
    "unfixed": UNFIXED_HIGH,
    "clean": CLEAN,
    "alpine": ALPINE_HIGH,
    "jar": JAVA_CRITICAL,
}
MOST = 4000


def watched(scans: Scans, bundle: Bundle, tools: ScannerInUse) -> tuple[ScanAnswer, str, float]:
    """Scan a bundle by one run; return the answer, the log and the seconds that the run took."""
    scans.number += 1
    words, names = words_of("secret", 1, scans.number), tuple(bundle.documents)
    run_name, began = f"tidegate-watch-{scans.number}", time.monotonic()
    run = scans.runs.start_scan(run_name, ScanRun("", bundle.digest, names, words, tools, bundle.texts()))
    while run.status in UNDER_WAY:
        assert time.monotonic() < began + 500, "the run does not end"
        time.sleep(0.2)
        run = scans.runs.find_scan(run_name, words) or run
    seconds, log = time.monotonic() - began, scans.runs.log(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, log
    return read_scan_log(log, words, bundle.digest, names), log, seconds


def test_each_image_is_told_what_a_scan_of_it_tells(scans: Scans) -> None:
    listed, reports = dict[str, Packages](), dict[str, Report]()
    for name, files in IMAGES.items():
        digest = scans.pushed(name, files)
        answer, log = scans.scan(name, digest)
        rows = platform_rows(log, words_of("secret", 1, scans.number), Digest(digest), (AMD,))
        report, packages = answer.reports[AMD], packages_in(rows[AMD])
        assert isinstance(report, Report), log
        assert isinstance(packages, Packages), packages
        listed[name], reports[name] = packages, report
    (bundle,) = merged(listed.values(), MOST)
    answer, log, _ = watched(scans, bundle, scans.tools)
    looked_at = found_in(bundle, answer.reports)
    for name, packages in listed.items():
        found = report_on(Digest("sha256:" + 64 * "1"), AMD, packages, looked_at)
        assert isinstance(found, Report), log
        assert {decisive(found)} == {decisive(reports[name])}, name
        assert (found.system, found.end_of_life) == (reports[name].system, reports[name].end_of_life)
    assert answer.database is not None
    assert answer.database.updated_at is not None


def decisive(report: Report) -> frozenset[tuple[object, ...]]:
    """Return everything of findings by which is decided."""
    return frozenset(
        (one.id, one.package, one.installed, one.fixed, one.severity, one.fixable) for one in report.findings
    )


def thousand() -> Iterator[Packages]:
    """A thousand images of twelve versions of Debian, with three hundred packages each, most of which others have."""
    for image in range(1000):
        release = image % 12
        system = ("debian", f"12.{release}")
        suffix = f"?arch=amd64&distro=debian-12.{release}"
        base = (
            Package(f"pkg:deb/debian/lib{i}@1.{release}-1{suffix}", f"src{i}", f"1.{release}-1") for i in range(290)
        )
        own = (Package(f"pkg:npm/module{(image * 7 + i) % 900}@1.{i}.0") for i in range(10))
        yield Packages(system, (*base, *own))


def test_a_thousand_images_are_looked_at_by_few_runs_that_fit_their_logs(scans: Scans) -> None:
    advisories = (
        *KNOWN,
        *(Advisory(DEBIAN, f"src{i}", f"CVE-2026-{i:05}", SEVERITIES[i % 5], fixed="9.0-1") for i in range(0, 290, 3)),
    )
    url = scans.outside.topology.http("backing_staging")
    database = push_database(url, "tools/trivy-db", "many", advisories=advisories)
    tools = ScannerInUse(scans.tools.scanner, f"tools/trivy-db@{database}", scans.tools.java_database)
    began = time.monotonic()
    bundles = merged(thousand(), MOST)
    seconds = [time.monotonic() - began]
    sizes = []
    for bundle in bundles:
        answer, log, took = watched(scans, bundle, tools)
        assert all(isinstance(report, Report) and not report.left_out for report in answer.reports.values())
        assert sum(len(report.findings) for report in answer.reports.values() if isinstance(report, Report)) > 0
        assert len(log) < 1024 * 1024
        seconds.append(took)
        sizes.append((len(bundle.documents), sum(len(one.packages) for one in bundle.documents.values()), len(log)))
    assert len(bundles) <= 4
    print(f"merged in {seconds[0]:.1f} s; runs of {[round(one) for one in seconds[1:]]} s: {sizes}")
