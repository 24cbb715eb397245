"""What Trivy finds by the document of an image is what it finds in the image; and the rows list all that is in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.scanner import systems
from infra.local.scanner.advisories import DEBIAN, KNOWN, SEVERITIES, Advisory, buckets
from infra.local.scanner.bbolt import bbolt
from infra.local.scanner.database import _java
from infra.local.scanner.program import INSTALLED
from infra.local.scanner.systems import Files, Package
from shared.adapters.azure.scan_script import FOLDER, prepare
from shared.domain.references import Digest
from shared.domain.scan.cyclonedx import Described, document_of
from shared.domain.scan.packages import Packages, packages_in

TRIVY = INSTALLED / "bin" / "trivy"
pytestmark = [
    pytest.mark.twin,
    pytest.mark.skipif(not TRIVY.exists(), reason="the scanner is not installed: run `infra/local/setup.sh twin`"),
]

NOW = datetime.now(UTC)
MANY = 3000
ADVISORIES = (
    *KNOWN,
    *(
        Advisory(DEBIAN, f"src{i}", f"CVE-2026-{i:05}", SEVERITIES[i % 5], fixed=f"2.{i}-1" if i % 2 else "")
        for i in range(MANY)
    ),
)
HOSTILE = 'x"\\ {{.}} $(it)'
KINDS: Mapping[str, Files] = {
    "critical": systems.FIXABLE_CRITICAL,
    "epoch, and no fix": systems.UNFIXED_HIGH,
    "clean": systems.CLEAN,
    "alpine": systems.ALPINE_HIGH,
    "jar": systems.JAVA_CRITICAL,
    "no packages": systems.NO_PACKAGES,
    "another version of the source": systems.debian([Package("binary", "1.0-1+b2", "src7 (1.0-1)")]),
    "capitals": systems.debian([Package("Binary", "1.0-1"), Package("src9", "1.0-1")]),
    "hostile": systems.debian([Package(HOSTILE, "1.0-1", "src11"), Package("other", HOSTILE, "src13")]),
    "somebody else's": {
        path: content.replace("the twin", "NodeSource <it@nodesource.com>") if isinstance(content, str) else content
        for path, content in systems.debian([Package("node", "1.0-1", "src15")]).items()
    },
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scanner's databases."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "db").mkdir()
    (folder / "java-db").mkdir()
    (folder / "db" / "trivy.db").write_bytes(bbolt(buckets(ADVISORIES)))
    (folder / "java-db" / "trivy-java.db").write_bytes(_java(()))
    for name, version in (("db", 2), ("java-db", 1)):
        times = {"NextUpdate": NOW + timedelta(days=1), "UpdatedAt": NOW, "DownloadedAt": NOW}
        told = {key: time.isoformat() for key, time in times.items()}
        (folder / name / "metadata.json").write_text(json.dumps({"Version": version, **told}))
    return folder


class Scanner:
    """Trivy on this machine, in a folder."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._cache = cache

    def image(self, files: Files) -> dict[str, Any]:
        """Scan the files of an image; return the report."""
        for path, content in files.items():
            place = self.folder / "root" / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        (self.folder / "root").mkdir(exist_ok=True)
        return self._report("rootfs", self.folder / "root")

    def document(self, listed: Packages) -> dict[str, Any]:
        """Scan a document of packages; return the report."""
        image = Described("base/it", Digest("sha256:" + 64 * "1"), "linux/amd64", NOW)
        (self.folder / "document.json").write_bytes(document_of(image, listed))
        return self._report("sbom", self.folder / "document.json")

    def rows(self, report: dict[str, Any]) -> list[str]:
        """Return the rows that a run makes of a report."""
        text = prepare(1).split("<<'END'\n")[1].rpartition("\nEND")[0]
        assert FOLDER not in text
        (self.folder / "rows.tpl").write_text(text)
        (self.folder / "again.json").write_text(json.dumps(report, indent=2))
        template = ["--format", "template", "--template", f"@{self.folder}/rows.tpl"]
        self._run("convert", *template, "--output", str(self.folder / "rows"), str(self.folder / "again.json"))
        system = report["Metadata"].get("OS", {})
        about = [f"about os.{name} {json.dumps(system[name])}" for name in ("Family", "Name") if name in system]
        return [*about, *(row for row in (self.folder / "rows").read_text().split("\n") if row)]

    def _report(self, kind: str, what: Path) -> dict[str, Any]:
        out = self.folder / f"{kind}.json"
        alone = ["--skip-db-update", "--skip-java-db-update", "--skip-version-check", "--disable-telemetry"]
        scan = ["--offline-scan", "--scanners", "vuln", "--show-suppressed", "--format", "json", "--output", str(out)]
        self._run(kind, "--cache-dir", str(self._cache), *alone, *scan, str(what))
        found: dict[str, Any] = json.loads(out.read_bytes())
        return found

    def _run(self, kind: str, *arguments: str) -> None:
        nothing = ["--quiet", "--config", "/dev/null", "--ignorefile", "/dev/null"]
        subprocess.run([TRIVY, kind, *nothing, *arguments], check=True, timeout=120)


@pytest.fixture
def scanner(tmp_path: Path, cache: Path) -> Scanner:
    """The scanner, in a folder of its own."""
    return Scanner(tmp_path, cache)


def found(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return what was found: everything that decides."""
    fields = ("VulnerabilityID", "PkgName", "InstalledVersion", "FixedVersion", "Severity", "Status")
    return sorted(
        tuple(one.get(field, "") for field in fields)
        for result in report.get("Results", [])
        for one in result.get("Vulnerabilities", [])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_by_its_document_is_found_what_is_found_in_the_image(scanner: Scanner, kind: str) -> None:
    report = scanner.image(KINDS[kind])
    listed = packages_in(scanner.rows(report))
    assert isinstance(listed, Packages), listed
    assert found(scanner.document(listed)) == found(report)
    assert bool(found(report)) is (kind not in {"clean", "no packages", "somebody else's"})


def test_what_others_than_the_distribution_made_is_held_against_nothing_and_not_listed(scanner: Scanner) -> None:
    listed = packages_in(scanner.rows(scanner.image(KINDS["somebody else's"])))
    assert isinstance(listed, Packages)
    assert listed.packages == ()


def many(count: int) -> Files:
    """Return the files of an image with many packages, each with a name and a version of usual length."""
    return systems.debian(
        Package(f"libsomething{i}", f"1.{i}.0-1~deb12u{i % 7}", f"src{i % MANY}") for i in range(count)
    )


def test_three_thousand_packages_are_listed_and_what_is_found_in_them_is_the_same(scanner: Scanner) -> None:
    report = scanner.image(many(MANY))
    rows = scanner.rows(report)
    listed = packages_in(rows)
    assert isinstance(listed, Packages)
    assert len(listed.packages) == MANY
    assert sum(len(row) for row in rows if row.startswith("list ")) < 160 * 1024
    assert found(scanner.document(listed)) == found(report)


def test_more_packages_than_there_is_room_for_are_no_list_and_the_findings_are_told_all_the_same(
    scanner: Scanner,
) -> None:
    rows = scanner.rows(scanner.image(many(6000)))
    assert packages_in(rows) == "its packages are more than the log of a run has room for"
    assert not [row for row in rows if row.startswith("list ")]
    assert [row for row in rows if row.startswith("p ")]


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda package: package.update(Modularitylabel="nodejs:20:1:abc"),
        lambda package: package.update(BuildInfo={"ContentSets": ["rhel-9"]}),
        lambda package: package["Identifier"].pop("PURL"),
        lambda package: package.pop("Identifier"),
        lambda package: package.update(SrcName="x" * 3000),
    ],
)
def test_a_package_of_which_a_document_would_say_less_than_the_report_is_no_list(
    scanner: Scanner, change: Change
) -> None:
    report = scanner.image(systems.CLEAN)
    change(report["Results"][0]["Packages"][0])
    told = packages_in(scanner.rows(report))
    assert told == "something of its packages is more, or longer, than a document of them can say"
