"""Tell what is kept of a candidate and of the scan of its digest: logs, reports and decisions; and of a rebuild."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.evidence import EvidenceKind, kind_of, parse_evidence_name
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.rebuilds import Rebuild
from shared.errors import MalformedRequest
from shared.evidence_ports import EvidenceStore
from shared.ports import Records

# What the app keeps is smaller: logs are kept shortened. Whatever else lies there is had from the container itself.
MOST_SHOWN = 8 * 1024 * 1024


class Piece(msgspec.Struct, frozen=True):
    """A piece of evidence, as it is listed.

    Attributes:
        name: by which it is asked for.
        kind: what it is.
        of: the id of the record that it is kept for: the candidate, or the digest, which has one scan for all.
        size: in bytes.
        at: when it was kept, UTC.
    """

    name: str
    kind: EvidenceKind
    of: str
    size: int
    at: datetime


def list_evidence(candidates: Records[Candidate], evidence: EvidenceStore, candidate: str) -> tuple[Piece, ...]:
    """List what is kept of a candidate and of its digest's scan.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such candidate.
    """
    found: dict[str, Piece] = {}
    for record in _records(candidates, candidate):
        for one in evidence.of(record):
            found.setdefault(one.name, Piece(one.name, kind_of(one.name), record, one.size, one.at))
    return tuple(found.values())


def read_evidence(candidates: Records[Candidate], evidence: EvidenceStore, candidate: str, name: str) -> bytes:
    """Return a piece of evidence.

    Raises:
        InvalidReference: the id is not one, or no evidence is called so.
        MalformedRequest: there is no such candidate or evidence (404), or it is too large (422).
    """
    parse_evidence_name(name)
    listed = next((one for one in list_evidence(candidates, evidence, candidate) if one.name == name), None)
    return _content(evidence, listed, candidate, name)


def read_log_of_rebuild(rebuilds: Records[Rebuild], evidence: EvidenceStore, rebuild: str, name: str) -> bytes:
    """Return what is kept of a rebuild's run.

    Raises:
        InvalidReference: no evidence is called so.
        MalformedRequest: there is no such rebuild or evidence (404), or it is too large (422).
    """
    parse_evidence_name(name)
    if rebuilds.get(rebuild) is None:
        raise MalformedRequest(f"there is no rebuild {rebuild!r}", status=404)
    kept = next((one for one in evidence.of(rebuild) if one.name == name), None)
    listed = Piece(kept.name, kind_of(kept.name), rebuild, kept.size, kept.at) if kept is not None else None
    return _content(evidence, listed, rebuild, name)


def _content(evidence: EvidenceStore, listed: Piece | None, record: str, name: str) -> bytes:
    if listed is None:
        raise MalformedRequest(f"nothing is kept of {record} as {name!r}", status=404)
    if listed.size > MOST_SHOWN:
        raise MalformedRequest(
            f"{name} has {listed.size} bytes, and no more than {MOST_SHOWN} are shown here: it is in the container "
            f"evidence, as {listed.of}/{name}",
            status=422,
        )
    content = evidence.read(listed.of, name)
    if content is None:
        raise MalformedRequest(f"{name} of {record} was deleted just now", status=404)
    return content


def _records(candidates: Records[Candidate], candidate: str) -> tuple[str, ...]:
    stored = candidates.get(candidate)
    if stored is None:
        raise MalformedRequest(f"there is no candidate {candidate!r}", status=404)
    return stored.record.id, stored.record.digest
