"""Reports, policies and times to test with: what Trivy and others write, made small."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.decision import Decision
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Report
from shared.domain.scan.verdict import Evidence, judge

# Reports that real scanners wrote. They lie beside the repository on machines that have them.
SAMPLES = Path(__file__).resolve().parents[4].parent / "shared" / "samples" / "trivy"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
DIGEST = "sha256:" + "e4" * 32
ANOTHER = "sha256:" + "0f" * 32
IMAGE = f"staging.example/library/debian@{DIGEST}"


def vulnerability(**fields: Any) -> dict[str, Any]:
    """Return a finding as Trivy writes it, with what is given otherwise; ``None`` leaves a field out."""
    package, installed = fields.get("PkgName", "libssl3"), fields.get("InstalledVersion", "3.0.11-1")
    written = {
        "VulnerabilityID": "CVE-2026-0001",
        "PkgName": package,
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/{package}@{installed}?arch=amd64&distro=debian-12.7"},
        "InstalledVersion": installed,
        "FixedVersion": "3.0.15-1",
        "Status": "fixed",
        "Severity": "HIGH",
        **fields,
    }
    return {name: value for name, value in written.items() if value is not None}


def system(*vulnerabilities: dict[str, Any], packages: int = 1, **fields: Any) -> dict[str, Any]:
    """Return the result of a distribution's packages."""
    listed = {"Packages": [{"Name": f"package{number}"} for number in range(packages)]} if packages else {}
    found = {"Vulnerabilities": list(vulnerabilities)} if vulnerabilities else {}
    return {"Target": f"{IMAGE} (debian 12.7)", "Class": "os-pkgs", "Type": "debian", **listed, **found, **fields}


def language(*vulnerabilities: dict[str, Any], packages: int = 1, **fields: Any) -> dict[str, Any]:
    """Return the result of a language's packages."""
    return {**system(*vulnerabilities, packages=packages), "Target": "Python", "Class": "lang-pkgs", **fields}


def document(*results: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a report of Trivy's, with the fields that are given otherwise; ``None`` leaves a field out."""
    written = {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.76.0"},
        "ArtifactName": IMAGE,
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.7"},
            "RepoDigests": [IMAGE],
            "Reference": IMAGE,
            "ImageConfig": {"os": "linux", "architecture": "amd64"},
        },
        "Results": list(results),
        **fields,
    }
    return {name: value for name, value in written.items() if value is not None}


def answer(written: dict[str, Any]) -> Report | NoAnswer:
    """Read a document."""
    return read_report(json.dumps(written).encode())


def report(*results: dict[str, Any], **fields: Any) -> Report:
    """Return a report of Trivy's, read."""
    read = answer(document(*results, **fields))
    assert isinstance(read, Report)
    return read


def policy(**scan: Any) -> Policy:
    """Return a policy that scans, and blocks what is high unless told otherwise."""
    return Policy("p", scan=ScanCheck(**{"block": Severity.HIGH, **scan}))


STANDARD = Policy("standard", GateCheck("shell"), ScanCheck(fixable=True, delta=True))


def decided(by: Policy, judged: Report | NoAnswer, base: Report | NoAnswer | None = None, **evidence: Any) -> Decision:
    """Judge at the time of these tests."""
    return judge(by, Evidence(judged, base, **evidence), NOW)


def names(decision: Decision) -> list[str]:
    """Return the names of a decision's reasons."""
    return [reason.value for reason in decision.reasons]


def about(decision: Decision) -> list[tuple[str, str, str, str]]:
    """Return id, package, change and what decided, of each finding."""
    return [(each.id, each.package, each.change.value, each.decided.value) for each in decision.findings]
