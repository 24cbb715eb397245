"""Who asks: the identity of a token, as ARM's guard finds it, and what resources say about who made them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.wrappers import Request

from infra.local.emulator.wire import offset_time

_CALLER, _ASKED = "emulator.caller", "emulator.asked"
_OBJECTS = uuid.UUID("6f0d3c1e-5a43-4a57-9f5e-2b8f7f6f2f10")


def remember(request: Request, client: str, action: str, scope: str) -> None:
    """Keep whose token came with a request, for ``caller``, and what is done with which resource, for ``asked``."""
    request.environ[_CALLER] = client
    request.environ[_ASKED] = (action, scope)


def caller(request: Request) -> str:
    """Return the client id whose token came with a guarded request."""
    return str(request.environ[_CALLER])


def asked(request: Request) -> tuple[str, str]:
    """Return the action of a guarded request, named below the registries' provider, and the resource it is about."""
    action, scope = request.environ[_ASKED]
    return str(action), str(scope)


def object_id(client: str) -> str:
    """Return the object id of an identity, which errors name beside its client id."""
    return str(uuid.uuid5(_OBJECTS, client))


@dataclass(frozen=True)
class Authorship:
    """Who made a resource and who changed it last; times are epoch seconds.

    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types
    """

    created_by: str
    created: float = field(default_factory=time.time)
    modified_by: str = ""
    modified: float = 0.0

    def changed(self, by: str) -> Authorship:
        """Return the same with a change made now."""
        return replace(self, modified_by=by, modified=time.time())

    def whole(self) -> dict[str, str]:
        """Return ``systemData`` as most resources have it."""
        return {**_entry("created", self.created_by, self.created), **self.last()}

    def last(self) -> dict[str, Any]:
        """Return the half of it that a run has: who changed it last."""
        return _entry("lastModified", self.modified_by or self.created_by, self.modified or self.created)


def _entry(verb: str, who: str, when: float) -> dict[str, str]:
    return {f"{verb}By": who, f"{verb}ByType": "Application", f"{verb}At": offset_time(when)}
