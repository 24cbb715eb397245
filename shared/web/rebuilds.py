"""GET /api/rebuilds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import azure.functions as func
import msgspec

from shared.domain.promotion.rebuilds import BuilderKind, EndKind, Rebuild, RebuildStatus
from shared.domain.references import Digest, Tag
from shared.errors import MalformedRequest
from shared.flows import inspect
from shared.ports import Records
from shared.web.answers import part_answer
from shared.web.parts import Part, shown_as
from shared.web.queries import after_of, limit_of, one_of

# Loaded where an entry asks for waves.
if TYPE_CHECKING:
    from shared.domain.waves.wave import Wave


class How(Enum):
    """How it is known on which digest of its base a rebuild was built."""

    REPORT = "dependency-report"  # the registry says it of the run
    TAG = "tag-before-and-after"  # the tag bore it before the run was asked for and after its end
    TOLD = "told"  # whoever builds says so


class ShownRebuild(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A run of a task that builds an application anew, as its base moved.

    Attributes:
        id: the rebuild's.
        base: the tag that moved, as ``repository:tag``.
        kind: who builds; absent for ACR Tasks.
        target: what is built, as ``acr:registry/task`` or ``dispatcher:place``.
        registry: whose task it is, or the dispatcher's name.
        task: its name, or the place.
        task_id: the task's resource id.
        base_repository: in the base registry.
        base_tag: the tag that moved.
        base_digest: to what.
        base_registry: the base registry's name; absent in records of versions before it.
        decision: the number of the decision that moved it.
        generation: 1, and one more each time it is wanted anew.
        status: where it is.
        step: counts the changes of its record.
        look_at: when it is to be looked at again, UTC.
        since: when it was wanted, UTC.
        failures: how often in a row the present step did not succeed.
        waits: how often it was put off.
        runs: how many runs were started.
        asked_at: when the last one was asked for, UTC.
        run_id: the registry's id of the last run whose end was seen.
        live_run: the registry's id of the run under way.
        detail: for people.
        link: the page of the last run, as whoever builds said.
        told: whether its end was told by whoever builds, and not read.
        built_on: the digest of its base that it was built on, as far as that is known.
        traceparent: W3C trace context of what moved its base.
        wave: the id of the wave that it is of.
        attempt: which of the wave's attempts it is, from 1.
        canary: whether it goes first in it.
        ended_by: who decided its end: the build itself, or the platform that it ran on.
        how: how it is known what it was built on: by the registry's report of its run, by the tag before and after it,
            or because whoever builds says so.
    """

    id: str
    base: str
    kind: BuilderKind = BuilderKind.ACR_TASK
    target: str
    registry: str
    task: str
    task_id: str = ""
    base_repository: str
    base_tag: Tag
    base_digest: Digest
    base_registry: str = ""
    decision: int = 0
    generation: int = 1
    status: RebuildStatus
    step: int = 1
    look_at: datetime
    since: datetime
    failures: int = 0
    waits: int = 0
    runs: int = 0
    asked_at: datetime | None = None
    run_id: str = ""
    live_run: str = ""
    detail: str = ""
    link: str = ""
    told: bool = False
    built_on: str = ""
    traceparent: str = ""
    wave: str = ""
    attempt: int = 0
    canary: bool = False
    ended_by: EndKind | None = None
    how: How | None = None


class RebuildsPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some rebuilds, those that were wanted last first."""

    rebuilds: tuple[ShownRebuild, ...]


def _no_wave(wave_id: str) -> Wave | None:  # noqa: ARG001
    return None


def list_rebuilds(
    request: func.HttpRequest, rebuilds: Records[Rebuild], wave: Callable[[str], Wave | None] = _no_wave
) -> func.HttpResponse:
    """List rebuilds, those that were wanted last first.

    Args:
        request: may ask for one ``task`` as ``registry/name``, with the long ended ones too; for one ``status``; for
            at most so many (``limit``), and for those ``after`` the ``next`` of an earlier answer.
        rebuilds: where they are kept.
        wave: gives a wave by its id; asked once for each that a rebuild is of.

    Returns:
        200 with ``{"rebuilds": [...], "next": "..."}``; no ``next`` at the end.

    Raises:
        MalformedRequest, InvalidReference: a parameter is not what it should be.
    """
    found = inspect.list_rebuilds(
        rebuilds,
        task=_task(request.params.get("task")),
        status=one_of(request, "status", RebuildStatus),
        limit=limit_of(request),
        after=after_of(request),
    )
    known = {one.wave: wave(one.wave) for one in found.records if one.wave}
    shown = tuple(_shown(one, known.get(one.wave)) for one in found.records)
    part = RebuildsPart(rebuilds=shown, next=found.after, unreadable=found.unreadable)
    return part_answer(part, request, found.after)


def _task(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    registry, _, name = text.partition("/")
    if not registry or not name or not all(_is_name(part) for part in (registry, name)):
        raise MalformedRequest(f"task: {text[:80]!r} is not registry/name, such as contosoapps/shop")
    return registry, name


def _is_name(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def _shown(rebuild: Rebuild, wave: Wave | None) -> ShownRebuild:
    base = f"{rebuild.base_repository}:{rebuild.base_tag}"
    built_on, how = _built_on(rebuild, wave)
    return shown_as(ShownRebuild, rebuild, id=rebuild.id, target=rebuild.target, base=base, built_on=built_on, how=how)


def _built_on(rebuild: Rebuild, wave: Wave | None) -> tuple[str, How | None]:
    """What its wave concluded counts before what a record says alone."""
    member = wave.member(rebuild.target.lower()) if wave is not None else None
    results = member.results if member is not None else ()
    found = next((one for one in results if one.ended.attempt == rebuild.attempt), None)
    if found is not None and found.built_on:
        return found.built_on, How(found.how.value)
    if rebuild.reported:
        return rebuild.reported, How.REPORT
    return rebuild.built_on, How.TOLD if rebuild.built_on else None
