"""GET /api/me: who the app takes the caller for."""

from __future__ import annotations

from datetime import datetime

import azure.functions as func
import msgspec

from shared.domain.access.callers import Kind, Role
from shared.version import VERSION
from shared.web.answers import json_answer
from shared.web.asked import Asked


class Me(msgspec.Struct, frozen=True):
    """Who asks, and whom.

    Attributes:
        name: the caller's, as records show it.
        kind: person, application or API key.
        id: what stays when the name changes.
        roles: what may be asked for.
        signed_in_at: when a person signed in, UTC; ``None`` if nobody said.
        installation: what the app is called; empty if nobody named it.
        version: the app's.
        at: what the app takes for now, UTC.
    """

    name: str
    kind: Kind
    id: str
    roles: tuple[Role, ...]
    signed_in_at: datetime | None
    installation: str
    version: str
    at: datetime


def me(asked: Asked, *, installation: str, at: datetime) -> func.HttpResponse:
    """Tell the caller who it is here.

    Args:
        asked: the request.
        installation: what the app is called.
        at: now.

    Returns:
        200 with ``Me``.
    """
    caller = asked.caller
    roles = tuple(sorted(caller.roles, key=lambda role: role.value))
    said = (caller.name, caller.kind, caller.id, roles, caller.signed_in_at)
    return json_answer(Me(*said, installation, VERSION, at))
