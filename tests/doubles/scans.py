"""What the log of a scan's run says, made up: with the words of the run, between lines of ACR's engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.domain.gate.words import Words
from shared.domain.references import Digest
from shared.domain.scan.run_log import scan_step
from shared.run_ports import ScannerInUse, ScanRun
from tests.doubles.gates import WORDS

LINUX = "linux/amd64"
UPDATED = datetime(2026, 11, 25, tzinfo=UTC)
TOOLS = ScannerInUse(*(f"tools/{name}@sha256:{'7' * 64}" for name in ("scanner", "trivy-db", "trivy-java-db")))
# A package, and a finding in it that can be mended.
CRITICAL = (
    'p "libssl3" "3.0.11-1" "" "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.7" '
    'f C fixed "CVE-2026-0001" "3.0.15-1"'
)
# What is in every image, unless a test says otherwise: three packages of Debian.
LISTED = (
    'list g 1 "pkg:deb/debian/" "arch=amd64&distro=debian-12.7" 1 "base-files@12.4" 1 "libssl3@3.0.11-1" "openssl" '
    '1 "zlib1g@1.2.13-1" "zlib"'
)


def scan_run(digest: Digest, image: str = "base/node", platforms: tuple[str, ...] = (LINUX,)) -> ScanRun:
    """Return a scan of an image."""
    return ScanRun(image, digest, platforms, WORDS, TOOLS)


def scan_log(
    words: Words,
    digest: Digest,
    found: Mapping[str, Iterable[str] | str] | None = None,
    *,
    updated: datetime = UPDATED,
    image: str = "staging.azurecr.io/base/node",
    listed: tuple[str, ...] = (),
) -> str:
    """Return the log of a scan.

    Args:
        words: of the run.
        digest: of the image.
        found: of each platform the rows with findings, or what the scanner said that could not scan; else one is clean.
        updated: of when the scanner's database is.
        image: what the scanner calls the image.
        listed: the rows that list what is in it; else ``LISTED`` does.
    """
    platforms = {LINUX: ()} if found is None else found
    rows = [f"begin 1 {digest}", f"database {json.dumps({'Version': 2, 'UpdatedAt': updated.isoformat()})}"]
    said = ["2026/11/26 00:00:00 Executing step ID: it"]
    for number, (platform, findings) in enumerate(platforms.items(), 1):
        rows.append(f"platform {platform}")
        if isinstance(findings, str):
            said += [f"2026/11/26 00:00:00 Launching container with name: {scan_step(words, number)}", findings]
            rows.append("none")
        else:
            rows += platform_rows(platform, f"{image}@{digest}", [*findings], listed)
    numbered = [f"{words.nonce} {number} {row}" for number, row in enumerate([*rows, "end"], 1)]
    launched = f"2026/11/26 00:00:00 Launching container with name: {words.end_step}"
    return "\n".join([*said, launched, *numbered, "Run ID: cab was successful after 9s", ""])


def platform_rows(platform: str, reference: str, findings: list[str], listed: tuple[str, ...] = ()) -> list[str]:
    """Return the rows of a platform: one row with findings for each package with one finding."""
    system, _, machine = platform.partition("/")
    about = {
        "SchemaVersion": 2,
        "trivy.Version": "0.76.0",
        "ArtifactName": reference,
        "ArtifactType": "container_image",
        "os.Family": "debian",
        "os.Name": "12.7",
        "digest": reference,
        "Reference": reference,
        "config.architecture": machine,
        "config.os": system,
    }
    said = [f"about {name} {json.dumps(value)}" for name, value in about.items()]
    counts = [f"count os-pkgs 1 3 {len(findings)}", "count lang-pkgs 0 0 0", "count others 0 0 0"]
    return [*said, *counts, *findings, *(listed or (LISTED, "listed 3")), f"done {len(findings)} 0"]
