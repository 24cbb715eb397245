"""What a run may do with the registry that owns it.

In a registry that gives rights by repository a quick run has none of its own:
https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.runner.errors import EngineError
from infra.local.runner.reference import Reference

PULL, PUSH = "pull", "push"
EVERYTHING = frozenset({PULL, PUSH})


@dataclass(frozen=True)
class Rights:
    """Rights on one registry; others are taken to be open.

    Attributes:
        login_server: the registry's host in references.
        granted: ``pull``, ``push``, both or neither.
    """

    login_server: str
    granted: frozenset[str]

    def require(self, right: str, reference: Reference) -> None:
        """Raise ``EngineError``, in the words of docker, for what the run may not do."""
        if reference.host != self.login_server or right in self.granted:
            return
        if right == PUSH:
            raise EngineError("denied: requested access to the resource is denied")
        url = f"https://{reference.host}/v2/{reference.repository}/manifests/{reference.version}"
        raise EngineError(
            f'Error response from daemon: Head "{url}": unauthorized: authentication required, '
            "visit https://aka.ms/acr/authorization for more information."
        )
