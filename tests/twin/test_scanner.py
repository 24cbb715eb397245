"""Trivy itself, in runs that reach nothing but the registry, on each kind of image that the twin makes."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.runner import RunResult
from infra.local.scanner import systems
from infra.local.scanner.advisories import DEBIAN, KNOWN, SEVERITIES, Advisory
from infra.local.scanner.database import Jar, push_database, push_java_database
from infra.local.scanner.program import VERSION, push_scanner
from infra.local.scanner.systems import Files, Package, debian
from infra.local.topology import Topology
from infra.local.twin.images import push_image
from tests.twin.runner_fixtures import Registry, Runs, running_registry

pytestmark = pytest.mark.twin

# Nothing of the image decides what is found: no configuration, no list of what to ignore, no other source of the image.
SCAN = """
  - cmd: >
      {scanner} image --quiet --config /dev/null --ignorefile /dev/null --cache-dir /workspace/cache
      --skip-version-check --disable-telemetry --image-src remote --scanners vuln
      --db-repository {database} --java-db-repository {java} --format json {more} {image}
"""
AGE = "  - cmd: {scanner} version --cache-dir /workspace/cache --format json\n"
HEAD = "networks: [{name: scan, isDefault: true}]\nsteps:"


@dataclass(frozen=True)
class Scans:
    """Runs that scan: the registry that they own, and what lies there."""

    runs: Runs
    scanner: str
    database: str
    java: str

    def scan(
        self, *images: str, database: str = "", java: str = "", more: str = "", age: bool = False
    ) -> tuple[RunResult, list[str]]:
        """Scan images of the registry, in one run; return its result and log."""
        own = f"localhost:{self.runs.registry.address.rpartition(':')[2]}"
        names = {
            "scanner": f"{own}/{self.scanner}",
            "database": f"{own}/{database or self.database}",
            "java": f"{own}/{java or self.java}",
            "more": more,
        }
        steps = [SCAN.format(**names, image=f"{own}/{image}") for image in images]
        return self.runs.start(HEAD + "".join(steps) + (AGE.format(**names) if age else ""), own=own)

    def reports(self, *images: str, **more: Any) -> list[dict[str, Any]]:
        """Return what the scanner prints in a run, which has to succeed: a report of each image."""
        result, log = self.scan(*images, **more)
        assert result.status == "Succeeded", log
        begins = [number for number, line in enumerate(log) if line.startswith("{")]
        return [json.JSONDecoder().raw_decode("\n".join(log[number:]))[0] for number in begins]

    def report(self, files: Files, **more: Any) -> dict[str, Any]:
        """Return the report of an image of these files."""
        return self.reports(self.pushed(files), **more)[0]

    def pushed(self, files: Files) -> str:
        """Push an image of these files; return its name by digest."""
        url = f"http://{self.runs.registry.address}"
        return f"app@{push_image(url, 'app', 'latest', '1', files=files).digest}"


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, str, str, str]]:
    """A registry with the scanner and its databases, each named by digest."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        url = f"http://{registry.address}"
        topology = Topology(tmp_path_factory.mktemp("state"), 0, "", "", "")
        topology.ca_bundle.parent.mkdir()
        topology.ca_bundle.write_text("nobody is trusted\n")
        if platform.machine() != "x86_64":
            pytest.skip("the scanner's package is for x86_64")
        scanner = push_scanner(topology, url, "tools/trivy").digest
        database, java = push_database(url, "tools/trivy-db"), push_java_database(url, "tools/trivy-java-db")
        yield registry, f"tools/trivy@{scanner}", f"tools/trivy-db@{database}", f"tools/trivy-java-db@{java}"


@pytest.fixture
def scans(laid: tuple[Registry, str, str, str], tmp_path: Path) -> Scans:
    """Scans with a folder of their own."""
    registry, *pushed = laid
    return Scans(Runs(registry, tmp_path), *pushed)


def findings(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return what a report found: id, package, severity and the version that has it no more."""
    return [
        (found["VulnerabilityID"], found["PkgName"], found["Severity"], found.get("FixedVersion", ""))
        for result in report.get("Results", [])
        for found in result.get("Vulnerabilities", [])
    ]


def packages(report: dict[str, Any]) -> dict[str, int]:
    """Return how many packages a report lists, by kind."""
    return {result["Type"]: len(result.get("Packages", [])) for result in report.get("Results", [])}


KINDS: dict[str, tuple[Files, list[tuple[str, str, str, str]], dict[str, int]]] = {
    "critical": (
        systems.FIXABLE_CRITICAL,
        [("CVE-2026-90001", "libssl3", "CRITICAL", "3.0.17-1~deb12u3")],
        {"debian": 3},
    ),
    "fixed": (systems.FIXED, [], {"debian": 3}),
    "unfixed": (systems.UNFIXED_HIGH, [("CVE-2026-90002", "zlib1g", "HIGH", "")], {"debian": 3}),
    "clean": (systems.CLEAN, [], {"debian": 2}),
    "no packages": (systems.NO_PACKAGES, [], {"debian": 0}),
    "unsupported": (systems.UNSUPPORTED, [], {}),
    "no system": ({}, [], {}),
    "alpine": (systems.ALPINE_HIGH, [("CVE-2026-90004", "musl", "HIGH", "1.2.5-r12")], {"alpine": 2}),
    "clean alpine": (systems.ALPINE_CLEAN, [], {"alpine": 1}),
    "jar": (
        systems.JAVA_CRITICAL,
        [("CVE-2026-90005", "org.example:parser", "CRITICAL", "2.0.1")],
        {"debian": 2, "jar": 1},
    ),
}


def test_a_scan_of_each_kind_of_image_finds_what_the_twins_database_knows_of_it(scans: Scans) -> None:
    names = [scans.pushed(files) for files, _, _ in KINDS.values()]
    reports = dict(zip(KINDS, scans.reports(*names), strict=True))
    for (kind, report), name in zip(reports.items(), names, strict=True):
        _, found, listed = KINDS[kind]
        assert (kind, findings(report), packages(report)) == (kind, found, listed)
        assert report["Trivy"]["Version"] == VERSION
        assert report["ArtifactName"].endswith(name)
        assert report["Metadata"]["RepoDigests"] == [report["ArtifactName"]]
        assert report["Metadata"]["ImageConfig"]["architecture"] == "amd64"
    assert reports["unsupported"]["Metadata"]["OS"]["Family"] == "fedora"
    assert "Results" not in reports["unsupported"] | reports["no system"]


def test_an_old_database_is_as_old_as_it_was_set_and_finds_as_before(scans: Scans) -> None:
    url, then = f"http://{scans.runs.registry.address}", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    old = push_database(url, "tools/old-db", updated=then)
    report, version = scans.reports(scans.pushed(systems.FIXABLE_CRITICAL), database=f"tools/old-db@{old}", age=True)
    assert [id_ for id_, *_ in findings(report)] == ["CVE-2026-90001"]
    told = version["VulnerabilityDB"]
    assert (told["UpdatedAt"], told["NextUpdate"]) == ("2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z")


def test_an_empty_database_looks_like_a_clean_image(scans: Scans) -> None:
    empty = push_database(f"http://{scans.runs.registry.address}", "tools/empty-db", advisories=())
    assert findings(scans.report(systems.FIXABLE_CRITICAL, database=f"tools/empty-db@{empty}")) == []


def test_a_database_that_is_not_there_fails_the_scan(scans: Scans) -> None:
    missing = f"tools/trivy-db@sha256:{'0' * 64}"
    result, log = scans.scan(scans.pushed(systems.CLEAN), database=missing)
    assert result.status == "Failed"
    assert any("failed to download vulnerability DB" in line for line in log)


def test_a_jar_that_does_not_say_what_it_is_is_known_by_its_bytes(scans: Scans) -> None:
    nameless = b"PK\x05\x06" + bytes(18)  # an empty archive
    jar = Jar("org.example", "parser", "2.0.0", hashlib.sha1(nameless, usedforsecurity=False).digest())
    java = push_java_database(f"http://{scans.runs.registry.address}", "tools/known-jars", jars=[jar])
    files = {**systems.CLEAN, "/opt/app.jar": nameless}
    found = findings(scans.report(files, java=f"tools/known-jars@{java}"))
    assert [(id_, package) for id_, package, *_ in found] == [("CVE-2026-90005", "org.example:parser")]


def test_a_large_database_gives_every_finding_and_no_other(scans: Scans) -> None:
    names = [f"made-up-{number:04}" for number in range(1000)]
    known = [
        Advisory(DEBIAN, name, f"CVE-2026-{number + 10000}", SEVERITIES[number % 5])
        for number, name in enumerate(names)
    ]
    large = push_database(f"http://{scans.runs.registry.address}", "tools/large-db", advisories=[*KNOWN, *known])
    files = debian(Package(name, "1.0-1") for name in names[::2])
    found = findings(scans.report(files, database=f"tools/large-db@{large}", more="--list-all-pkgs=false"))
    wanted = [(advisory.id, advisory.package, advisory.severity, "") for advisory in known[::2]]
    assert sorted(found) == sorted(wanted)
