"""GET /api/targets, GET /api/targets/{target} and GET /api/rulings."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import msgspec

from shared.domain.promotion.admission import Admission, admission_of
from shared.domain.promotion.barring import bar_of
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, parse_path
from shared.flows.survey import list_targets, show_target
from shared.ports import Activity
from shared.rules.sources import Sources
from shared.target_ports import Rulings, Targets
from shared.web.answers import json_answer
from shared.web.queries import limit_of


def listed_targets(request: func.HttpRequest, targets: Targets, registry: str) -> func.HttpResponse:
    """List targets, a part at a time.

    Args:
        request: may ask for one ``repository``, for at most so many (``limit``), and for those ``after`` an id.
        targets: where they are kept.
        registry: the base registry's name.

    Returns:
        200 with ``{"targets": [...], "next": "<id to ask for those after>"}``; no ``next`` at the end.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    repository, after = request.params.get("repository", ""), request.params.get("after", "")
    if repository:
        parse_path(repository)
    limit = limit_of(request)
    found, last = list_targets(targets, registry, repository=repository, after=after, limit=limit)
    return json_answer({"targets": [shown_target(one) for one in found], **({"next": last} if last else {})})


def one_target(target_id: str, *, targets: Targets, sources: Sources, activity: Activity) -> func.HttpResponse:
    """Show one target: what is wanted and why, what it bore before and who still has it, and what is under way."""
    shown = show_target(targets, sources, activity, target_id)
    content = shown_target(shown.target)
    for former in content["previous"]:
        former["can_be_had_from"] = shown.had_from[Digest(former["digest"])]
    lines = [{"name": line.name, "at": line.at, "detail": line.detail} for line in shown.lines]
    return json_answer({**content, "activity": lines})


def listed_rulings(rulings: Rulings) -> func.HttpResponse:
    """List what is blocked and what is held, whatever targets there are."""
    said = [one for one in rulings.every() if one.in_force]
    blocks = [{"digest": one.subject, **_said(one)} for one in said if one.kind is Kind.BLOCK]
    holds = [{"image": one.subject, **_said(one)} for one in said if one.kind is Kind.HOLD]
    return json_answer({"blocked": blocks, "held": holds})


def shown_target(target: Target) -> dict[str, Any]:
    """Return a target as it is shown, fit to be JSON."""
    record: dict[str, Any] = msgspec.to_builtins(target)
    (record.get("importing") or {}).pop("operation", None)
    forced = {one.digest: msgspec.to_builtins(one.said) for one in target.forced}
    refused = {one.digest for one in target.blocked}
    previous = [
        {**msgspec.to_builtins(one), "against_gate": forced.get(one.digest), "blocked": one.digest in refused}
        for one in target.former
    ]
    of_record = ("registry", "repository", "tag", "origin", "step", "look_at", "decided_at", "seen_at")
    said = ("pinned", "chosen", "hold", "importing", "awaited", "trouble", "retry_at")
    return {
        "id": target.id,
        **{name: record.get(name) for name in of_record},
        "wanted": target.wanted or None,
        "why": target.why.value,
        "number": target.number,
        "against_gate": forced.get(target.wanted),
        "reached": bool(target.wanted) and target.reached == target.number,
        "seen": target.seen or None,
        "foreign": target.foreign,
        "newest": record["sightings"][-1] if target.sightings else None,
        "previous": previous,
        **{name: record.get(name) for name in said},
        "blocked": record.get("blocked", []),
        "forced": record.get("forced", []),
        "override": record.get("override"),
        "waived": record.get("waived", []),
        "consents": record.get("consents", []),
        "admissions": [shown_admission(one) for one in target.admissions],
        **_waiting(target),
        "unsettled": record.get("unsettled", []),
        "failures": target.failures,
    }


def shown_admission(admission: Admission) -> dict[str, Any]:
    """Return what was decided of a digest as it is shown, with what it waits for and what it would have come to."""
    waits, would = admission.waits_for, admission.would_be
    beside = {"waits_for": waits.value if waits else None, "would_be": would.value if would else None}
    return {**msgspec.to_builtins(admission), **{name: value for name, value in beside.items() if value}}


def _waiting(target: Target) -> dict[str, Any]:
    """What the tag waits for before it comes to what its source was last seen to bear, and until when."""
    bar = bar_of(target)
    if bar is not None:
        return {"waits_for": bar.waiting.value, "until": bar.until}
    newest = admission_of(target, target.newest.digest) if target.newest is not None else None
    waits = newest.waits_for if newest is not None else None
    return {"waits_for": waits.value if waits else None, "until": newest.until if newest is not None else None}


def _said(ruling: Ruling) -> dict[str, Any]:
    return {"by": ruling.said.by, "why": ruling.said.why, "at": ruling.said.at}
