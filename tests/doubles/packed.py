"""The rows that a run makes of another scanner's report, made up, and a report in SARIF to pack."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

from shared.domain.gate.words import Words
from shared.domain.references import Digest

_PART = 7600


def packed(report: bytes, form: str = "sarif", how: str = "gzip") -> list[str]:
    """Return the rows of a report."""
    text = base64.b64encode(gzip.compress(report, mtime=0) if how == "gzip" else report).decode()
    parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    return [f"packed {form} {how}", *(f"part {part}" for part in parts), f"done {len(parts)} {len(text)}"]


def packed_log(
    words: Words, digest: Digest, rows: Mapping[str, Iterable[str]], database: str = "", before: str = ""
) -> str:
    """Return the log of a run of another scanner.

    Args:
        words: of the run.
        digest: of the image.
        rows: of each platform.
        database: what lies where Trivy tells of its database; empty if nothing does.
        before: what the scanner printed.
    """
    said = [f"begin 1 {digest}", *([f"database {database}"] if database else [])]
    for platform, of_it in rows.items():
        said += [f"platform {platform}", *of_it]
    return "\n".join([before, *(f"{words.nonce} {number} {row}" for number, row in enumerate([*said, "end"], 1)), ""])


def sarif(*results: dict[str, Any], score: str = "9.8", **fields: Any) -> bytes:
    """Return what a scanner writes that says nothing of the image."""
    driver = {
        "name": "other",
        "version": "1",
        "rules": [{"id": "CVE-2026-0001", "properties": {"security-severity": score}}],
    }
    run = {"tool": {"driver": driver}, "results": list(results), **fields}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def result(package: str = "libssl3", name: str = "CVE-2026-0001") -> dict[str, Any]:
    """Return a finding in it, as Grype puts it."""
    text = f"A critical vulnerability in deb package: {package}, version 1.0 was found in image it at: /x"
    return {"ruleId": name, "message": {"text": text}}
