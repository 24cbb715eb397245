"""GET /api/targets, GET /api/targets/{target} and GET /api/rulings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import azure.functions as func
import msgspec
from msgspec import UNSET

from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, parse_path
from shared.flows.survey import list_targets, show_target
from shared.ports import Activity
from shared.rules.sources import Sources
from shared.target_ports import Rulings, Targets
from shared.web.answers import json_answer, part_answer
from shared.web.parts import shown_as
from shared.web.queries import after_of, limit_of
from shared.web.shown_companions import shown_companions
from shared.web.shown_targets import TargetLine, TargetsPart, shown_target

# What travels with images is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.travel.companions import Companions


class BlockedDigest(msgspec.Struct, frozen=True):
    """A digest that is refused wherever it comes from, by whom, why and since when."""

    digest: Digest
    by: str
    why: str
    at: datetime


class HeldImage(msgspec.Struct, frozen=True):
    """An entry for whose targets nothing is decided, by whom, why and since when."""

    image: str
    by: str
    why: str
    at: datetime


class RulingsInForce(msgspec.Struct, frozen=True):
    """What is blocked, and what is held."""

    blocked: tuple[BlockedDigest, ...]
    held: tuple[HeldImage, ...]


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
    repository, after, limit = request.params.get("repository", ""), after_of(request), limit_of(request)
    if repository:
        parse_path(repository)
    found, last = list_targets(targets, registry, repository=repository, after=after, limit=limit)
    return part_answer(TargetsPart(targets=tuple(map(shown_target, found)), next=last), request, last)


def _nothing_beside(target: Target) -> Companions | None:
    """Nobody wants anything beside images."""


def one_target(
    target_id: str,
    *,
    targets: Targets,
    sources: Sources,
    activity: Activity,
    beside: Callable[[Target], Companions | None] = _nothing_beside,
) -> func.HttpResponse:
    """Show one target: what is wanted and why, what it bore before and who still has it, and what is under way.

    Args:
        target_id: the target's id.
        targets: where they are kept.
        sources: tells who still has what it bore before.
        activity: tells what happened to it.
        beside: gives what lies beside what is wanted, where its entry asks for any.
    """
    found = show_target(targets, sources, activity, target_id)
    lines = tuple(TargetLine(line.name, line.at, line.detail) for line in found.lines)
    known = beside(found.target)
    companions = shown_companions(found.target, known) if known is not None else UNSET
    shown = msgspec.structs.replace(shown_target(found.target, found.had_from), activity=lines, companions=companions)
    return json_answer(shown)


def listed_rulings(rulings: Rulings) -> func.HttpResponse:
    """List what is blocked and what is held, whatever targets there are."""
    said = [one for one in rulings.every() if one.in_force]
    blocks = tuple(_blocked(one) for one in said if one.kind is Kind.BLOCK)
    holds = tuple(_held(one) for one in said if one.kind is Kind.HOLD)
    return json_answer(RulingsInForce(blocks, holds))


def _blocked(ruling: Ruling) -> BlockedDigest:
    return shown_as(BlockedDigest, ruling.said, digest=Digest(ruling.subject))


def _held(ruling: Ruling) -> HeldImage:
    return shown_as(HeldImage, ruling.said, image=ruling.subject)
