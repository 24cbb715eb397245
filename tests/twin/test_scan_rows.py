"""What Trivy wrote is judged by the rows that Trivy and the scripts of a scan's run make of it as it was before."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.local.scanner.program import INSTALLED
from shared.adapters.azure.scan_script import TELL, prepare
from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.exploited import Exploited
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Report, Subject
from shared.domain.scan.run_log import ScanAnswer, read_scan_log
from shared.domain.scan.verdict import Evidence, judge
from shared.domain.scan.vex import read_vex
from shared.domain.scan.weighing import Exceptions
from tests.doubles.gates import WORDS
from tests.doubles.scans import LINUX, UPDATED
from tests.unit.domain.scan.reports import (
    DIGEST,
    IMAGE,
    NOW,
    SAMPLES,
    document,
    language,
    system,
    vulnerability,
)

TRIVY = INSTALLED / "bin" / "trivy"
pytestmark = [
    pytest.mark.twin,
    pytest.mark.skipif(not TRIVY.exists(), reason="the scanner is not installed: run `infra/local/setup.sh twin`"),
]

POLICIES = [
    ScanCheck(),
    ScanCheck(block=Severity.UNKNOWN),
    ScanCheck(block=Severity.CRITICAL, fixable=True),
    ScanCheck(block=Severity.LOW, delta=True, end_of_life=Mode.OBSERVE),
    ScanCheck(fixable=True, known_exploited=Mode.ENFORCE),
]
EXPLOITED = Exploited(frozenset({"cve-2026-0003", "cve-2019-14697"}), NOW)


def found(**fields: Any) -> dict[str, Any]:
    """Return a finding as Trivy writes it, with the number by which it knows the package again."""
    written = vulnerability(**fields)
    identifier = written.get("PkgIdentifier") or {}
    if not str(fields.get("PkgName", "")).isprintable():
        identifier = {}  # a package's URL escapes what is in its name
    return {**written, "PkgIdentifier": {**identifier, "UID": str(fields.get("PkgName", "it"))[:9]}}


def sampled() -> dict[str, bytes]:
    """Return the samples that are reports of Trivy's in JSON."""
    paths = [*SAMPLES.glob("*.json"), *SAMPLES.glob("upstream/*.json.golden")] if SAMPLES.is_dir() else []
    return {path.name: path.read_bytes() for path in sorted(paths) if b'"SchemaVersion"' in path.read_bytes()}


HOSTILE = 'x"\\\n\r\t\x1b[31m\x7f\u009b\u2028\u202e ' + WORDS.nonce + " 3 end\n"
MADE: dict[str, dict[str, Any]] = {
    "nothing": document(),
    "clean": document(system(packages=3), language(packages=4)),
    "no packages": document(system(packages=0)),
    "another class": document(system(), {**system(found()), "Class": "others"}),
    "no severity that is known": document(system(found(Severity="UNKNOWN", FixedVersion=None))),
    "each status": document(
        system(
            *(
                found(VulnerabilityID=f"CVE-2026-1{number}", Status=status, FixedVersion=None)
                for number, status in enumerate(
                    ("not_affected", "affected", "fixed", "under_investigation", "will_not_fix", "fix_deferred")
                )
            ),
            found(VulnerabilityID="CVE-2026-20", Status=None, FixedVersion=None),
            found(VulnerabilityID="CVE-2026-21", Status="end_of_life", FixedVersion="1.0"),
        )
    ),
    "no purl": document(system(found(PkgIdentifier=None))),
    "places": document(
        language(found(PkgPath="usr/lib/it")), language(found(), Target="usr/bin/it", Class="lang-pkgs")
    ),
    "hostile names": document(
        system(found(PkgName=HOSTILE, InstalledVersion=HOSTILE, FixedVersion=HOSTILE)),
        language(found(PkgPath=HOSTILE), Target=HOSTILE),
    ),
    "end of life": document(
        system(),
        Metadata={
            "OS": {"Family": "alpine", "Name": "3.10", "EOSL": True},
            "RepoDigests": [IMAGE],
            "ImageConfig": {
                "architecture": "arm64",
                "os": "linux",
                "variant": "v8",
                "config": {"Labels": {"architecture": "amd64", "os": "windows"}},
            },
        },
    ),
}


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[[bytes], ScanAnswer]:
    """Make rows of a report as a scan's run does, with the last step's script in bash; and read them."""

    def made(report: bytes, most: int = 0) -> ScanAnswer:
        folder = tmp_path / "tidegate"
        bash(tmp_path, prepare(1).replace(str(192 * 1024), str(most or 192 * 1024)))
        (folder / "report-1.json").write_bytes(indented(report))
        (tmp_path / "cache" / "db").mkdir(parents=True, exist_ok=True)
        written = json.dumps({"Version": 2, "UpdatedAt": UPDATED.isoformat()})
        (tmp_path / "cache" / "db" / "metadata.json").write_text(f"{written}\n")
        options = ["--quiet", "--config", "/dev/null", "--ignorefile", "/dev/null", "--format", "template"]
        files = ["--template", f"@{folder}/rows.tpl", "--output", str(folder / "rows-1"), str(folder / "report-1.json")]
        subprocess.run([TRIVY, "convert", *options, *files], check=True, timeout=60)
        log = bash(
            tmp_path,
            TELL,
            {"TIDEGATE_NONCE": WORDS.nonce, "TIDEGATE_SCANNED": DIGEST, "TIDEGATE_PLATFORMS": LINUX},
        )
        assert all(line.isascii() and line.isprintable() and len(line) < 32 * 1024 for line in log.split("\n"))
        return read_scan_log(log, WORDS, Digest(DIGEST), (LINUX,))

    return made


def bash(folder: Path, script: str, told: Mapping[str, str] | None = None) -> str:
    """Run a script of a run, whose workspace is this folder."""
    script = script.replace("/workspace", str(folder))
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, timeout=60, env=told)
    assert not done.stderr
    return done.stdout.decode()


def indented(report: bytes) -> bytes:
    """Return a report as Trivy indents it."""
    text = json.dumps(json.loads(report), indent=2, ensure_ascii=False)
    return "".join({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}.get(each, each) for each in text).encode()


def same_verdicts(report: bytes, answer: ScanAnswer) -> None:
    """Hold the rows against the report that they are made of, by every policy and with all that people may know."""
    whole, rows = read_report(report), answer.reports[LINUX]
    assert isinstance(whole, Report)
    assert isinstance(rows, Report), rows
    assert answer.database == Database(UPDATED)
    vex = read_vex((SAMPLES / "openvex-used.json").read_bytes()) if SAMPLES.is_dir() else ()
    for exceptions in (Exceptions(), Exceptions(vex=vex, exploited=EXPLOITED)):
        for check in POLICIES:
            for subject in (Subject(), Subject(DIGEST, LINUX)):
                decisions = [
                    judge(
                        Policy("it", scan=check),
                        Evidence(each, database=answer.database, subject=subject, exceptions=exceptions),
                        NOW,
                    )
                    for each in (whole, rows)
                ]
                assert decisions[0] == decisions[1]
    assert set(whole.findings) == set(rows.findings)
    assert (whole.coverage, whole.digests, whole.repositories) == (rows.coverage, rows.digests, rows.repositories)


@pytest.mark.parametrize("name", sampled())
def test_what_a_real_scan_wrote_is_judged_by_its_rows_as_by_itself(
    name: str, rows_of: Callable[[bytes], ScanAnswer]
) -> None:
    same_verdicts(sampled()[name], rows_of(sampled()[name]))


@pytest.mark.parametrize("name", MADE)
def test_what_a_scan_may_write_is_judged_by_its_rows_as_by_itself(
    name: str, rows_of: Callable[[bytes], ScanAnswer]
) -> None:
    report = json.dumps(MADE[name]).encode()
    same_verdicts(report, rows_of(report))


def test_a_name_that_is_too_long_is_told_by_its_hash_so_that_two_of_them_are_two(
    rows_of: Callable[[bytes], ScanAnswer],
) -> None:
    names = ["n" * 70_000, "n" * 70_001]
    report = json.dumps(document(system(*(found(PkgName=name) for name in names)))).encode()
    told = rows_of(report).reports[LINUX]
    assert isinstance(told, Report)
    assert len({one.key for one in told.findings}) == 2
    assert all(len(one.package) < 300 and "SHA-256" in one.package for one in told.findings)


def test_an_image_may_have_a_name_as_long_as_the_scanner_takes(rows_of: Callable[[bytes], ScanAnswer]) -> None:
    name = f"{'s' * 50}.azurecr.io/{'r' * 250}@{DIGEST}"
    made = document(system(), ArtifactName=name, Metadata={"RepoDigests": [name], "Reference": name})
    report = rows_of(json.dumps(made).encode()).reports[LINUX]
    assert isinstance(report, Report)
    assert (report.artifact, report.digests) == (name, {DIGEST})


@pytest.mark.parametrize(
    "odd",
    [
        {"OS": {"Family": "debian", "Name": "1" * 700}},
        {"OS": {"Family": "debian", "Name": "12\u009b"}},
        {"ImageConfig": {"os": "linux", "architecture": "amd64" + " " * 70_000}},
    ],
)
def test_what_no_image_says_of_itself_is_no_answer(odd: dict[str, Any], rows_of: Callable[[bytes], ScanAnswer]) -> None:
    report = json.dumps(document(system(), Metadata={"RepoDigests": [IMAGE], **odd})).encode()
    assert isinstance(rows_of(report).reports[LINUX], NoAnswer)


def test_what_there_is_no_room_for_blocks_least_and_is_counted(
    rows_of: Callable[[bytes, int], ScanAnswer],
) -> None:
    ranks = ("LOW", "CRITICAL", "UNKNOWN", "HIGH", "MEDIUM")
    many = [
        found(VulnerabilityID=f"CVE-2026-{number}", Severity=severity, FixedVersion=fixed, Status=status)
        for number, (severity, fixed, status) in enumerate(
            (each, *how) for each in ranks for how in ((None, "affected"), ("2.0", "fixed"))
        )
    ]
    report = json.dumps(document(system(*many))).encode()
    told = rows_of(report, 225).reports[LINUX]
    assert isinstance(told, Report)
    assert [(one.severity, bool(one.fixed)) for one in told.findings] == [
        (Severity.CRITICAL, True),
        (Severity.CRITICAL, False),
        (Severity.HIGH, True),
        (Severity.HIGH, False),
    ]
    assert sum(each.count for each in told.left_out) == 6
    assert {each.severity for each in told.left_out} == {Severity.MEDIUM, Severity.LOW, Severity.UNKNOWN}
