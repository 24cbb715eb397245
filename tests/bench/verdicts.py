"""A verdict over a scan of very many findings: the whole command in fresh processes, measured from inside."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.table import Row

_PACKAGES, _EACH, _RUNS = 3000, 12, 5
_SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
_MEASURE = """
import time
began = time.perf_counter()
import json, os, resource, sys
sys.stdout = open(os.devnull, "w")
from shared.cli.commands import main
status = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([status, time.perf_counter() - began, peak / 1024]), file=sys.stderr)
"""


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows.

    Args:
        folder: for the report; it is made.
    """
    folder.mkdir()
    report, policy = folder / "report.json", folder / "policy.yaml"
    _write(report)
    policy.write_text("scan: {block: high, fixable: true, delta: true}\n")
    alone = ["verdict", "--policy", str(policy), "--report", str(report), "--json"]
    size = report.stat().st_size / 1e6
    what = f"a verdict over {_PACKAGES * _EACH:,} findings, {size:.0f} MB, its command whole"
    return [
        Row(what, _median(alone, 1), "1 s, 200 MB"),
        Row("  compared with a base that has the same", _median([*alone, "--base-report", str(report)], 0)),
    ]


def _median(arguments: list[str], expected: int) -> str:
    measured = [_once(arguments, expected) for _ in range(_RUNS)]
    seconds, megabytes = (statistics.median(values) for values in zip(*measured, strict=True))
    return f"{seconds:.2f} s, {megabytes:.0f} MB"


def _once(arguments: list[str], expected: int) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", _MEASURE, *arguments], check=True, capture_output=True, text=True)
    status, seconds, megabytes = json.loads(done.stderr)
    if status != expected:
        raise RuntimeError(f"the verdict ended with {status}, and not with {expected}")
    return seconds, megabytes


def _write(report: Path) -> None:
    """Write a report as large as Trivy's, piece by piece: a process's peak is counted to those that it starts, too."""
    system = {"OS": {"Family": "debian", "Name": "12.7"}}
    begun = {"SchemaVersion": 2, "ArtifactType": "container_image", "Metadata": system, "Results": []}
    found = {"Target": "debian", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": []}
    with report.open("w") as file:
        file.write(json.dumps(begun)[:-2] + json.dumps(found)[:-2])
        for number, finding in enumerate(_findings()):
            file.write(("," if number else "") + json.dumps(finding))
        file.write("]}]}")


def _findings() -> Iterator[dict[str, Any]]:
    for package in range(_PACKAGES):
        for number in range(_EACH):
            yield {
                "VulnerabilityID": f"CVE-2026-{number * _PACKAGES + package:05}",
                "PkgName": f"package{package}",
                "PkgIdentifier": {"PURL": f"pkg:deb/debian/package{package}@1.0-1?arch=amd64&distro=debian-12.7"},
                "InstalledVersion": "1.0-1",
                "FixedVersion": "1.0-2",
                "Status": "fixed",
                "Severity": _SEVERITIES[number % len(_SEVERITIES)],
                "Description": "made up for measuring. " * 60,
                "References": [f"https://example.com/{number}/{each}" for each in range(15)],
            }
