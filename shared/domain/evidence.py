"""What is kept as evidence, known by its name: the names are those that its writers give."""

from __future__ import annotations

import re
from enum import Enum

from shared.errors import InvalidReference

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class EvidenceKind(Enum):
    """What a piece of evidence is."""

    TEST_LOG = "test-log"  # what a run of the test printed
    SCAN_LOG = "scan-log"  # what a run of the scan printed: the report, in rows
    DOCUMENT = "document"  # what is in the image, as CycloneDX
    DECISION = "decision"  # what a scan meant for a tag, with every finding
    SIGNATURES = "signatures"  # what was found of signatures, and what it was held to be
    MATERIAL = "material"  # what lies beside an image and may be its signatures, as it was read
    RECORD = "record"  # what was signed of a decision, and lies beside the image
    REBUILD_LOG = "rebuild-log"  # what the failed run of an application's task printed
    OTHER = "other"  # something that no version of this app is known to keep


_BEGINNINGS = {
    "gate-": EvidenceKind.TEST_LOG,
    "run-": EvidenceKind.TEST_LOG,
    "scan-": EvidenceKind.SCAN_LOG,
    "document-": EvidenceKind.DOCUMENT,
    "documents.": EvidenceKind.DOCUMENT,
    "admission-": EvidenceKind.DECISION,
    "signatures-": EvidenceKind.SIGNATURES,
    "beside-": EvidenceKind.MATERIAL,
    "record-": EvidenceKind.RECORD,
    "rebuild-": EvidenceKind.REBUILD_LOG,
}


def kind_of(name: str) -> EvidenceKind:
    """Return what a piece of evidence is, by its name."""
    return next((kind for begin, kind in _BEGINNINGS.items() if name.startswith(begin)), EvidenceKind.OTHER)


def parse_evidence_name(text: str) -> str:
    """Return a name of evidence.

    Raises:
        InvalidReference: no evidence is called so.
    """
    if not _NAME.fullmatch(text):
        raise InvalidReference(f"evidence: {text[:80]!r} is not the name of a piece of evidence")
    return text
