"""What the twin's database knows: some made-up vulnerabilities of real packages, and any that a test adds.

How Trivy's own builder lays them out: https://github.com/aquasecurity/trivy-db (pkg/db, pkg/types).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from infra.local.scanner.bbolt import Bucket

SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")
STATUSES = (
    "unknown",
    "not_affected",
    "affected",
    "fixed",
    "under_investigation",
    "will_not_fix",
    "fix_deferred",
    "end_of_life",
)
DEBIAN, ALPINE, MAVEN = "debian 12", "alpine 3.22", "maven::GitHub Security Advisory Maven"
_SOURCES = {
    DEBIAN: {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://security-tracker.debian.org"},
    ALPINE: {"ID": "alpine", "Name": "Alpine Secdb", "URL": "https://secdb.alpinelinux.org/"},
    MAVEN: {"ID": "ghsa", "Name": "GitHub Security Advisory Maven", "URL": "https://github.com/advisories"},
}


@dataclass(frozen=True)
class Advisory:
    """One vulnerability of one package.

    Attributes:
        source: whose it is: ``DEBIAN``, ``ALPINE`` or ``MAVEN``.
        package: the source package; of Maven ``group:artifact``.
        id: such as ``CVE-2026-90001``.
        severity: one of ``SEVERITIES``, as that source rates it.
        fixed: the version that has it no more; empty if there is none.
        status: one of ``STATUSES``, of what has no fix.
    """

    source: str
    package: str
    id: str
    severity: str
    fixed: str = ""
    status: str = "affected"


KNOWN = (
    Advisory(DEBIAN, "openssl", "CVE-2026-90001", "CRITICAL", fixed="3.0.17-1~deb12u3"),
    Advisory(DEBIAN, "zlib", "CVE-2026-90002", "HIGH"),
    Advisory(DEBIAN, "bash", "CVE-2026-90003", "LOW", status="will_not_fix"),
    Advisory(ALPINE, "openssl", "CVE-2026-90001", "CRITICAL", fixed="3.5.4-r0"),
    Advisory(ALPINE, "musl", "CVE-2026-90004", "HIGH", fixed="1.2.5-r12"),
    Advisory(MAVEN, "org.example:parser", "CVE-2026-90005", "CRITICAL", fixed="2.0.1"),
)


@dataclass
class _Buckets:
    content: dict[str, Any] = field(default_factory=dict)

    def put(self, *path: str, value: object) -> None:
        """Put a value, as JSON, at the end of a path of buckets."""
        *buckets, key = path
        place = self.content
        for bucket in buckets:
            place = place.setdefault(bucket, {})
        place[key] = json.dumps(value, separators=(",", ":")).encode()


def buckets(advisories: Iterable[Advisory]) -> Bucket:
    """Return a database of schema 2 that knows these and nothing else."""
    made = _Buckets({"vulnerability": {}})  # without this bucket Trivy panics
    for name, source in _SOURCES.items():
        made.put("data-source", name, value=source)
    for advisory in advisories:
        made.put(advisory.source, advisory.package, advisory.id, value=_advisory(advisory))
        made.put("vulnerability", advisory.id, value=_details(advisory))
    return made.content


def _advisory(advisory: Advisory) -> dict[str, object]:
    if advisory.source == MAVEN:
        return {"PatchedVersions": [advisory.fixed], "VulnerableVersions": [f"< {advisory.fixed}"]}
    if advisory.fixed:
        return {"FixedVersion": advisory.fixed}
    return {"Status": STATUSES.index(advisory.status), "Severity": SEVERITIES.index(advisory.severity)}


def _details(advisory: Advisory) -> dict[str, object]:
    severity = SEVERITIES.index(advisory.severity)
    return {
        "Title": f"{advisory.package.rpartition(':')[2]}: made up for the twin",
        "VendorSeverity": {str(_SOURCES[advisory.source]["ID"]): severity, "nvd": severity},
        "PublishedDate": "2026-01-02T03:04:05Z",
        "LastModifiedDate": "2026-02-03T04:05:06Z",
    }
