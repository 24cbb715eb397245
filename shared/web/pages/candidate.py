"""The page of one candidate: its way, what was found in it against what is in use, and what each tag made of it."""

from __future__ import annotations

import msgspec

from shared.domain.evidence import EvidenceKind, kind_of
from shared.domain.links import path_of
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.board import waits_of
from shared.domain.promotion.candidate import Candidate, Change
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.scan.decision import Change as Compares
from shared.domain.scan.decision import Judged
from shared.domain.watching.scanner import SCANNER
from shared.evidence_ports import Kept
from shared.flows.impact import DependantTold, ImpactTold
from shared.flows.show_candidate import CandidateShown, admissions_of
from shared.web.pages.offers import OffersAt

# Findings of one platform that a page lists; what blocks comes first, and the evidence has them all.
_MOST_FINDINGS = 100
RELOAD_AFTER = 15
# Of those who would be rebuilt the first ones are named; their own page has all.
_MOST_NAMED = 5


class Delta(msgspec.Struct, frozen=True):
    """What was found in one platform, against what is in use.

    Attributes:
        platform: which.
        new, fixed, unchanged: how many findings are so.
        blocking: how many speak against it.
        findings: them, what blocks first; of many, the first ones.
        left: how many more there are.
        scanner: which scanner said so; empty if there is no report.
    """

    platform: str
    new: int
    fixed: int
    unchanged: int
    blocking: int
    findings: tuple[Judged, ...]
    left: int
    scanner: str


class AtTarget(msgspec.Struct, frozen=True):
    """What one tag that asked for the digest made of it.

    Attributes:
        target: its record.
        admission: what was decided; ``None`` if nothing was.
        newest: the digest that its source bears by now, where that is another one; empty if this is it.
        says: in a word, where it stands.
    """

    target: Target
    admission: Admission | None
    newest: str
    says: str


class Piece(msgspec.Struct, frozen=True):
    """A piece of evidence, and where it is had."""

    name: str
    kind: EvidenceKind
    size: int
    kept: Kept
    link: str


class Comes(msgspec.Struct, frozen=True):
    """Who would be rebuilt: the first ones, how many more there are, and what is known of all."""

    told: ImpactTold
    first: tuple[DependantTold, ...]
    left: int


class CandidateView(msgspec.Struct, frozen=True):
    """What the page shows."""

    candidate: Candidate
    title: str
    way: tuple[Change, ...]
    targets: tuple[AtTarget, ...]
    unread: int
    superseded_by: str
    compared_with: str
    deltas: tuple[Delta, ...]
    evidence: str
    pieces: tuple[Piece, ...]
    under_way: bool
    problem: str
    listed: bool = True
    offered: tuple[OffersAt, ...] = ()
    comes: Comes | None = None


def candidate_view(
    shown: CandidateShown, offered: tuple[OffersAt, ...] = (), impact: ImpactTold | None = None
) -> CandidateView:
    """Return what the page shows of a candidate.

    Args:
        shown: it, and what is known beside its record.
        offered: what its reader can do to it at its tags.
        impact: who would be rebuilt; ``None`` once that is decided, or if it cannot be told now.
    """
    candidate = shown.candidate
    admissions = admissions_of(candidate, shown.targets)
    at = tuple(_at_target(candidate, one, admissions.get(one.id)) for one in shown.targets)
    newer = sorted({one.newest for one in at if one.newest})
    compared = shown.compared
    return CandidateView(
        candidate=candidate,
        # The scanner is watched without an entry.
        listed=candidate.tool != SCANNER,
        title=f"{candidate.source}:{candidate.source_tag}",
        way=candidate.history,
        targets=at,
        unread=shown.unread,
        superseded_by=newer[0] if at and len(newer) == 1 and all(one.newest for one in at) else "",
        compared_with=compared.base if compared is not None else "",
        deltas=tuple(_delta(platform, one.findings, one) for platform, one in compared.platforms.items())
        if compared is not None
        else (),
        evidence=shown.evidence,
        pieces=tuple(_piece(candidate.id, one) for one in shown.pieces),
        under_way=candidate.status not in {*ENDS, Status.HELD},
        problem=shown.problem,
        offered=offered,
        comes=_comes(impact) if impact is not None else None,
    )


def _comes(told: ImpactTold) -> Comes:
    first = told.dependants[:_MOST_NAMED]
    return Comes(told, first, told.rebuilt + told.apart - len(first))


def _delta(platform: str, findings: tuple[Judged, ...], decision: object) -> Delta:
    report = getattr(decision, "report", None)
    changes = [one.change for one in findings]
    return Delta(
        platform=platform,
        new=changes.count(Compares.NEW),
        fixed=changes.count(Compares.FIXED),
        unchanged=changes.count(Compares.UNCHANGED),
        blocking=sum(one.blocks for one in findings),
        findings=findings[:_MOST_FINDINGS],
        left=max(0, len(findings) - _MOST_FINDINGS),
        scanner=report.scanner if report is not None else "",
    )


def _at_target(candidate: Candidate, target: Target, admission: Admission | None) -> AtTarget:
    digest, newest = candidate.digest, target.newest
    newer = newest.digest if newest is not None and newest.digest != digest else ""
    return AtTarget(target, admission, newer, _says(candidate, target, admission, newer))


def _says(candidate: Candidate, target: Target, admission: Admission | None, newer: str) -> str:
    digest = candidate.digest
    if target.blocks(digest):
        return "blocked"
    if target.wanted == digest:
        return _of_wanted(target)
    if digest in target.passed:
        return "passed, another one is in force"
    return "a newer digest was seen" if newer else _of_admission(admission)


def _of_wanted(target: Target) -> str:
    if target.reached == target.number:
        return "in force"
    waits, _ = waits_of(target)
    return f"wanted, waits: {waits.value}" if waits is not None else "wanted, on its way"


def _of_admission(admission: Admission | None) -> str:
    if admission is None:
        return "not decided yet"
    return f"waits: {admission.waits_for.value}" if admission.waits_for is not None else admission.outcome.value


def _piece(candidate: str, kept: Kept) -> Piece:
    link = "/" + path_of("api/candidates", candidate, "evidence", kept.name)
    return Piece(kept.name, kind_of(kept.name), kept.size, kept, link)
