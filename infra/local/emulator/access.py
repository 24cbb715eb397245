"""Roles enforced as Azure does: by ARM for every route, by the registries for tokens, and by ARM's linked access check.

https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.assignments import read
from infra.local.emulator.callers import asked, caller, object_id
from infra.local.emulator.role_definitions import REGISTRIES, Role, with_own
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import arm_error
from infra.local.topology import Topology

# What an action on a repository asks for: of a registry's roles any of these, or this data action.
_WHOLE = {
    "pull": ("pull/read",),
    "push": ("push/write",),
    "delete": ("artifacts/delete",),
    "metadata_read": ("pull/read", "metadata/read"),
    "metadata_write": ("metadata/write",),
    "*": ("pull/read",),  # the catalog's one action
}
_OF_RUNS = frozenset({"pull", "push"})
# As whom a run signs in that names nobody: it may do everything with its own registry, unless that gives rights by
# repository.
RUN = "acr-tasks-run"
_BY_REPOSITORY = {
    "pull": "repositories/content/read",
    "push": "repositories/content/write",
    "delete": "repositories/content/delete",
    "metadata_read": "repositories/metadata/read",
    "metadata_write": "repositories/metadata/write",
    "*": "catalog/read",
}


@dataclass(frozen=True)
class SignIn:
    """As whom a run signs in to its own registry, and what it may do there: ``pull``, ``push``."""

    client: str
    rights: frozenset[str]


class Access:
    """What identities may do, by the assignments in the settings."""

    def __init__(self, topology: Topology, settings: Settings) -> None:
        self._topology = topology
        self._settings = settings

    def may(self, client: str, action: str, scope: str) -> bool:
        """Tell whether an identity may do an action, the registries' if it names no provider, with a resource."""
        whole = _in_full(action)
        return any(role.permits(whole) for role in self._roles(client, scope))

    def may_with_data(self, client: str, action: str, scope: str) -> bool:
        """Tell whether an identity may do a data action, named in full, with a resource."""
        return any(role.permits_data(action) for role in self._roles(client, scope))

    def _roles(self, client: str, scope: str) -> list[Role]:
        """Return the roles that an identity has on a resource or above it."""
        now = self._settings.now
        known = with_own(now.roles)
        given = read(now.assignments, known)
        return [known[one.role] for one in given if one.principal == client and one.reaches(scope)]

    def is_by_repository(self, registry: str) -> bool:
        """Tell whether a registry gives rights by repository (``AbacRepositoryPermissions``)."""
        return registry in self._settings.now.abac_registries

    def may_with_images(self, client: str, action: str, registry: str) -> bool:
        """Tell whether an identity may ``pull``, ``push``, ... in a registry, in the way that registry gives rights."""
        scope = self._topology.registry_id(registry)
        if client == RUN:
            return not self.is_by_repository(registry)
        if not self.is_by_repository(registry):
            return any(self.may(client, wanted, scope) for wanted in _WHOLE.get(action, ()))
        return self.may_with_data(client, f"{REGISTRIES}/{_BY_REPOSITORY.get(action, 'nothing')}", scope)

    def of_a_run(self, registry: str, identity: str, by: str) -> SignIn:
        """Return as whom a run signs in to its own registry, and what it may do there.

        Args:
            registry: where it runs.
            identity: as whom it signs in: ``[caller]``, an identity, or empty where the request names none. Then it may
                do everything, unless the registry gives rights by repository: then nothing.
            by: who asked for the run.
        """
        client = by if identity == "[caller]" else identity or RUN
        return SignIn(client, frozenset(right for right in _OF_RUNS if self.may_with_images(client, right, registry)))

    def refusal(self, client: str, action: str, scope: str) -> Response | None:
        """Return ARM's 403 for what an identity may not do; ``None`` if it may."""
        if self.may(client, action, scope):
            return None
        message = (
            f"The client '{client}' with object id '{object_id(client)}' does not have authorization to perform action "
            f"'{REGISTRIES}/{action}' over scope '{scope}' or the scope is invalid. "
            "If access was recently granted, please refresh your credentials."
        )
        return arm_error(403, "AuthorizationFailed", message)

    def require_linked(self, request: Request, action: str, scope: str) -> None:
        """Answer 403 unless the caller may also do this with another resource, which the request names."""
        client = caller(request)
        if self.may(client, action, scope):
            return
        did, where = asked(request)
        message = (
            f"The client '{client}' with object id '{object_id(client)}' has permission to perform action "
            f"'{REGISTRIES}/{did}' on scope '{where}'; however, it does not have permission to perform action(s) "
            f"'{_in_full(action)}' on the linked scope(s) '{scope}' (respectively) or the linked scope(s) are "
            "invalid."
        )
        abort(arm_error(403, "LinkedAuthorizationFailed", message))


def _in_full(action: str) -> str:
    return action if action.startswith("Microsoft.") else f"{REGISTRIES}/{action}"
