"""GET /api/rebuilds."""

from __future__ import annotations

from typing import Any

import azure.functions as func
import msgspec

from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.errors import MalformedRequest
from shared.flows import inspect
from shared.ports import Records
from shared.web.answers import json_answer
from shared.web.queries import after_of, limit_of, one_of, part_of


def list_rebuilds(request: func.HttpRequest, rebuilds: Records[Rebuild]) -> func.HttpResponse:
    """List rebuilds, those that were wanted last first.

    Args:
        request: may ask for one ``task`` as ``registry/name``, with the long ended ones too; for one ``status``; for
            at most so many (``limit``), and for those ``after`` the ``next`` of an earlier answer.
        rebuilds: where they are kept.

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
    return json_answer(part_of("rebuilds", [_shown(one) for one in found.records], found.after, found.unreadable))


def _task(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    registry, _, name = text.partition("/")
    if not registry or not name or not all(_is_name(part) for part in (registry, name)):
        raise MalformedRequest(f"task: {text[:80]!r} is not registry/name, such as contosoapps/shop")
    return registry, name


def _is_name(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def _shown(rebuild: Rebuild) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(rebuild)
    base = f"{rebuild.base_repository}:{rebuild.base_tag}"
    return {"id": rebuild.id, "base": base, **record, "status": rebuild.status.value}
