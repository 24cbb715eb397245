"""Show one candidate whole: its record, the tags that asked for it, what is kept of it, and what was found in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shared.domain.promotion.admission import Admission, admission_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Decision
from shared.errors import MalformedRequest, ServiceError
from shared.evidence_ports import EvidenceStore, Kept
from shared.ports import Records
from shared.rules.reading import readable
from shared.target_ports import Targets

# Repositories of the base registry whose tags are read; of a digest that more asked for, the record names the others.
_MOST_REPOSITORIES = 8
# What is larger is read by whoever wants it whole.
_LARGEST_DECISION = 8 * 1024 * 1024


class Compared(msgspec.Struct, frozen=True):
    """What a scan meant for one tag, as it was kept.

    Attributes:
        digest: of what.
        base: what was in use, and compared with; empty for nothing.
        platforms: the decision of each platform.
    """

    digest: Digest
    platforms: dict[str, Decision]
    base: str = ""


class CandidateShown(msgspec.Struct, frozen=True):
    """A candidate, and what is known beside its record.

    Attributes:
        candidate: the record.
        targets: the tags that asked for it and whose records can be read, by their places.
        unread: how many more asked for it.
        pieces: what is kept of it and of its digest's scan.
        compared: what was found, and how it compares with what is in use; ``None`` if nothing is kept of that.
        evidence: the name under which that is kept.
        problem: what could not be read; empty if all could.
    """

    candidate: Candidate
    targets: tuple[Target, ...]
    unread: int
    pieces: tuple[Kept, ...]
    compared: Compared | None
    evidence: str
    problem: str


_COMPARED = msgspec.json.Decoder(Compared)


def show_candidate(
    candidates: Records[Candidate], targets: Targets, evidence: EvidenceStore, registry: str, candidate_id: str
) -> CandidateShown:
    """Show one candidate: at most two transactions for it, and one for each of a few repositories.

    Args:
        candidates: where they are.
        targets: where targets are.
        evidence: what is kept.
        registry: the base registry's name.
        candidate_id: which.

    Raises:
        InvalidReference: the id is not one.
        MalformedRequest: 404, there is no such candidate.
        ServiceError: the storage account did not answer.
    """
    group_of(candidate_id)
    stored = candidates.get(candidate_id)
    if stored is None:
        raise MalformedRequest(f"there is no candidate {candidate_id!r}", status=404)
    candidate = stored.record
    found, problem = _targets(candidate, targets, registry)
    pieces = (*evidence.of(candidate.id), *evidence.of(candidate.digest))
    name, compared, unread = _compared(candidate, found, evidence, pieces)
    return CandidateShown(
        candidate=candidate,
        targets=found,
        unread=0 if candidate.tool else len(candidate.places) - len(found),
        pieces=pieces,
        compared=compared,
        evidence=name,
        problem="\n".join(one for one in (problem, unread) if one),
    )


def _targets(candidate: Candidate, targets: Targets, registry: str) -> tuple[tuple[Target, ...], str]:
    if candidate.tool:
        return (), ""
    places = frozenset(candidate.places)
    found: list[Target] = []
    problems: list[str] = []
    for repository in sorted({place.repository for place in places})[:_MOST_REPOSITORIES]:
        read, problem = readable(targets.of_repository(registry, repository))
        found += [one.record for one in read if one.record.place in places]
        problems.append(problem)
    return tuple(found), "\n".join(one for one in problems if one)


def admissions_of(candidate: Candidate, targets: tuple[Target, ...]) -> Mapping[str, Admission]:
    """Return what was decided of a candidate's digest, by the id of the tag that it was decided for."""
    found = ((target.id, admission_of(target, candidate.digest)) for target in targets)
    return {target: admission for target, admission in found if admission is not None}


def _compared(
    candidate: Candidate, targets: tuple[Target, ...], evidence: EvidenceStore, pieces: tuple[Kept, ...]
) -> tuple[str, Compared | None, str]:
    """What was decided last is shown; the others are had by their names."""
    sizes = {one.name: one.size for one in pieces if one.record == candidate.id}
    for name in _decided_last(candidate, targets):
        if sizes.get(name, _LARGEST_DECISION + 1) > _LARGEST_DECISION:
            continue
        try:
            content = evidence.read(candidate.id, name)
            return (name, _COMPARED.decode(content), "") if content is not None else ("", None, "")
        except ServiceError as error:
            return name, None, str(error)
        except msgspec.DecodeError as error:
            return name, None, f"{name} cannot be read: {error}"
    return "", None, ""


def _decided_last(candidate: Candidate, targets: tuple[Target, ...]) -> Iterator[str]:
    admissions = sorted(admissions_of(candidate, targets).values(), key=lambda one: one.at, reverse=True)
    return (one.evidence for one in admissions if one.evidence)
