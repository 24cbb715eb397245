"""GET /api/candidates/{candidate}/evidence and …/evidence/{evidence}; the same of rebuilds.

What is kept is written by tested images, too. So it is given to be saved and not to be shown: as what it is, as an
attachment, with nothing in it that a browser would run, load or take for something else.
"""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.rebuilds import Rebuild
from shared.evidence_ports import EvidenceStore
from shared.flows.evidence import Piece, list_evidence, read_evidence, read_log_of_rebuild
from shared.ports import Records
from shared.web.answers import json_answer

_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class EvidenceListed(msgspec.Struct, frozen=True):
    """What is kept of a candidate, and of the scan of its digest."""

    evidence: tuple[Piece, ...]


_ANY = msgspec.json.Decoder(msgspec.Raw)
_TEXT, _JSON = "text/plain", "application/json"


def listed_evidence(candidate: str, candidates: Records[Candidate], evidence: EvidenceStore) -> func.HttpResponse:
    """List what is kept of a candidate and of its digest's scan; 404 if there is no such candidate."""
    return json_answer(EvidenceListed(list_evidence(candidates, evidence, candidate)))


def one_piece(candidate: str, name: str, candidates: Records[Candidate], evidence: EvidenceStore) -> func.HttpResponse:
    """Give a piece of evidence as it was kept; 404 if there is none of this name.

    Args:
        candidate: the candidate's id.
        name: of the piece; it has no character that a header would take for another one.
        candidates: where they are kept.
        evidence: where it is kept.
    """
    return _to_be_saved(read_evidence(candidates, evidence, candidate, name), name)


def log_of_rebuild(rebuild: str, name: str, rebuilds: Records[Rebuild], evidence: EvidenceStore) -> func.HttpResponse:
    """Give what is kept of a rebuild's run; 404 if there is none of this name."""
    return _to_be_saved(read_log_of_rebuild(rebuilds, evidence, rebuild, name), name)


def _to_be_saved(content: bytes, name: str) -> func.HttpResponse:
    return func.HttpResponse(
        content,
        mimetype=_JSON if name.endswith(".json") and _is_json(content) else _TEXT,
        charset="utf-8",
        headers={**_HARMLESS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _is_json(content: bytes) -> bool:
    try:
        _ANY.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
