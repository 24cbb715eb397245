"""GET /api/candidates and GET /api/candidates/{candidate}."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import azure.functions as func
import msgspec

from shared.domain.promotion.candidate import Candidate, Change, GateVerdict, Objection, Place
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest, Tag, parse_path
from shared.errors import ServiceError, WatchListError
from shared.flows import inspect
from shared.flows.impact import ImpactTold
from shared.ports import Records
from shared.target_ports import Targets
from shared.web.answers import json_answer, part_answer
from shared.web.parts import Part, shown_as
from shared.web.queries import after_of, limit_of, one_of

log = logging.getLogger("tidegate.web")


class CandidateLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One digest of an upstream repository under a gate, on its way to the tags that want it.

    Attributes:
        id: the candidate's.
        image: the name of the entry for which it was detected.
        source: the upstream repository.
        source_tag: the upstream tag under which the digest was seen first.
        digest: what was seen, is tested and is promoted.
        gate: the gate's name; absent for no functional test.
        tool: the name of the tool that it is mirrored as; absent if it is to be promoted.
        targets: the tags that asked for it.
        target: in records of early versions, the repository in the base registry.
        tag: in such records, the tag in the base registry.
        status: where it is.
        reason: why.
        detail: the same for people.
        changed: when it last changed, UTC.
        generation: 1, and one more each time its way begins anew.
        step: counts the changes of its record.
        look_at: when it is to be looked at again, UTC; at an end, when that was.
        since: when the present status began, UTC.
        detected_at: when this generation began, UTC.
        passed_at: when it passed its gate in this generation, UTC.
        objection: what its test has against it, though it is proposed.
        failures: how often in a row the present step did not succeed.
        retried: whether this generation began because the one before had failed.
        runs: how many runs of the gate were started in this generation.
        unanswered: how many of these found no agent in time.
        contents: of the files that the gate's last run was given, a hash.
        verdict: what its gate said last, in whichever generation.
        trusts_image: whether the gate of the last run trusts what it runs.
        run_id: the registry's id of the last run whose end was seen.
        live_run: the registry's id of the run under way.
        unnamed_run: in records of early versions, the same of a run that has no name.
        unwanted: why no tag wants it any more.
        evidence: names of what is kept of it.
        traceparent: W3C trace context of the check that noticed it.
    """

    id: str
    image: str
    source: str
    source_tag: Tag
    digest: Digest
    gate: str | None = None
    tool: str = ""
    targets: tuple[Place, ...]
    target: str = ""
    tag: Tag = Tag("")
    status: Status
    reason: Reason
    detail: str
    changed: datetime
    generation: int = 1
    step: int = 1
    look_at: datetime
    since: datetime
    detected_at: datetime
    passed_at: datetime | None = None
    objection: Objection | None = None
    failures: int = 0
    retried: bool = False
    runs: int = 0
    unanswered: int = 0
    contents: str = ""
    verdict: GateVerdict | None = None
    trusts_image: bool = False
    run_id: str = ""
    live_run: str = ""
    unnamed_run: str = ""
    unwanted: Reason | None = None
    evidence: tuple[str, ...] = ()
    traceparent: str = ""


class ShownCandidate(CandidateLine, frozen=True, omit_defaults=True, kw_only=True):
    """One candidate, with its history.

    Attributes:
        history: the latest changes, oldest first.
        impact: who would be rebuilt if it is promoted; absent once that is decided, or if it cannot be told now.
    """

    history: tuple[Change, ...]
    impact: ImpactTold | None = None


class CandidatesPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some candidates, newest change first, each without its history."""

    candidates: tuple[CandidateLine, ...]


def list_candidates(
    request: func.HttpRequest, candidates: Records[Candidate], targets: Targets, registry: str
) -> func.HttpResponse:
    """List candidates, newest change first.

    Args:
        request: may ask for one ``repository`` of the base registry, for one ``status``, for at most so many
            (``limit``), and for those ``after`` the ``next`` of an earlier answer.
        candidates: where they are kept.
        targets: where the targets are.
        registry: the base registry's name.

    Returns:
        200 with ``{"candidates": [...], "next": "..."}``, each without its history; no ``next`` at the end.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    repository = request.params.get("repository", "")
    if repository:
        parse_path(repository)
    found = inspect.list_candidates(
        candidates,
        targets,
        registry,
        repository=repository,
        status=one_of(request, "status", Status),
        limit=limit_of(request),
        after=after_of(request),
    )
    shown = tuple(map(_line, found.records))
    part = CandidatesPart(candidates=shown, next=found.after, unreadable=found.unreadable)
    return part_answer(part, request, found.after)


def get_candidate(
    candidate_id: str, candidates: Records[Candidate], impact: Callable[[Candidate], ImpactTold | None] | None = None
) -> func.HttpResponse:
    """Show one candidate with its history and what would come of it; 404 if there is none with the id.

    Args:
        candidate_id: which.
        candidates: where they are kept.
        impact: tells who would be rebuilt; what it cannot tell keeps nobody from the candidate.
    """
    found = inspect.get_candidate(candidates, candidate_id)
    return json_answer(shown_as(ShownCandidate, found, **_beside(found), impact=impact_of(found, impact)))


def impact_of(found: Candidate, impact: Callable[[Candidate], ImpactTold | None] | None) -> ImpactTold | None:
    """Return what would come of a candidate; ``None`` where that is decided, or cannot be told now."""
    try:
        return impact(found) if impact is not None else None
    except (ServiceError, WatchListError) as error:
        log.warning("what would be rebuilt by %s cannot be told now: %s", found.id, error)
        return None


def _line(candidate: Candidate) -> CandidateLine:
    return shown_as(CandidateLine, candidate, **_beside(candidate))


def _beside(candidate: Candidate) -> dict[str, object]:
    last = candidate.last
    beside = {"id": candidate.id, "source": str(candidate.source), "targets": candidate.places}
    return {**beside, "reason": last.reason, "detail": last.detail, "changed": last.at}
