"""GET /api/candidates and GET /api/candidates/{candidate}."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.references import parse_path
from shared.flows import inspect
from shared.ports import Records
from shared.target_ports import Targets
from shared.web.answers import json_answer
from shared.web.queries import after_of, limit_of, one_of, part_of


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
    shown = [_shown(candidate, whole=False) for candidate in found.records]
    return json_answer(part_of("candidates", shown, found.after, found.unreadable))


def get_candidate(candidate_id: str, candidates: Records[Candidate]) -> func.HttpResponse:
    """Show one candidate with its history; 404 if there is none with the id."""
    return json_answer(_shown(inspect.get_candidate(candidates, candidate_id), whole=True))


def _shown(candidate: Candidate, *, whole: bool) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(candidate)
    history = record.pop("history", [])
    for kept in ("secret", "operation"):  # an operation is found by an address that its registry has signed
        record.pop(kept, None)
    shown = {"id": candidate.id, **record, "source": str(candidate.source), "reason": candidate.last.reason.value}
    shown |= {"targets": msgspec.to_builtins(candidate.places)}
    shown |= {"detail": candidate.last.detail, "changed": history[-1]["at"]}
    return {**shown, "history": history} if whole else shown
