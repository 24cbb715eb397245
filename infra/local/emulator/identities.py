"""User-assigned identities of tasks and task runs, and who may give them one.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-authentication-managed-identity
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from infra.local.emulator.access import Access

_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"


def user_assigned(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the resource ids of the identities that a resource has."""
    return tuple((resource.get("identity") or {}).get("userAssignedIdentities") or ())


def require_assigned(access: Access, request: Request, resource: Mapping[str, Any]) -> None:
    """Answer 403 unless the caller may assign each identity that the resource is to have."""
    for identity in user_assigned(resource):
        access.require_linked(request, _ASSIGN, identity)
