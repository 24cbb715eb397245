"""What the roles permit that somebody has on the twin's registries.

The built-in ones as Microsoft lists them; that for runs is read from its template, so that the twin follows it; a test
holds the others equal to the templates. Nothing but the standard library is needed.

https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

REGISTRIES = "Microsoft.ContainerRegistry/registries"

IMPORTER = "Container Registry Data Importer and Data Reader"
TASKS_CONTRIBUTOR = "Container Registry Tasks Contributor"
REPOSITORY_READER = "Container Registry Repository Reader"
REPOSITORY_CONTRIBUTOR = "Container Registry Repository Contributor"
IDENTITY_OPERATOR = "Managed Identity Operator"
OWNER = "Owner"
# Of our own: for named runs, for running a task that is there, for gates that are too large for a run with a name.
RUNS, TASK, SCHEDULE = "Tidegate runs", "Tidegate application task", "Tidegate large gates"
_TEMPLATES = Path(__file__).resolve().parents[2] / "modules"


@dataclass(frozen=True)
class Role:
    """Actions, and data actions, which registries that give rights by repository ask for; ``*`` stands for anything."""

    actions: frozenset[str] = frozenset()
    data_actions: frozenset[str] = frozenset()

    def permits(self, action: str) -> bool:
        """Tell whether an action is among them; case does not matter in Azure."""
        return _covers(self.actions, action)

    def permits_data(self, action: str) -> bool:
        """Tell whether a data action is among them."""
        return _covers(self.data_actions, action)


def _covers(permitted: frozenset[str], action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in permitted)


def _of(*names: str) -> frozenset[str]:
    return frozenset(f"{REGISTRIES}/{name}" for name in names)


def defined(template: str, symbol: str) -> Role:
    """Return the role that a template in infra/modules defines.

    Args:
        template: its file name.
        symbol: of the role definition in it.

    Raises:
        ValueError: the template defines no such role.
    """
    text = re.sub(r"//.*", "", (_TEMPLATES / template).read_text())
    found = re.search(rf"^resource {symbol} 'Microsoft\.Authorization/roleDefinitions@.*?^}}", text, re.M | re.S)
    if found is None:
        raise ValueError(f"{template} defines no role {symbol}")
    return Role(frozenset(re.findall(rf"'({re.escape(REGISTRIES)}/[^']+)'", found[0])))


_REPOSITORY_READS = ("repositories/metadata/read", "repositories/content/read")
_REPOSITORY_CHANGES = (
    "repositories/metadata/write",
    "repositories/content/write",
    "repositories/metadata/delete",
    "repositories/content/delete",
)

ROLES = {
    IMPORTER: Role(_of("importImage/action", "read", "pull/read")),
    RUNS: defined("access-runs.bicep", "runs"),
    TASK: Role(_of("tasks/write")),
    SCHEDULE: Role(_of("scheduleRun/action")),
    TASKS_CONTRIBUTOR: Role(
        _of(
            "agentpools/read",
            "agentpools/write",
            "agentpools/delete",
            "agentpools/listQueueStatus/action",
            "agentpools/operationResults/status/read",
            "agentpools/operationStatuses/read",
            "tasks/read",
            "tasks/write",
            "tasks/delete",
            "tasks/listDetails/action",
            "scheduleRun/action",
            "listBuildSourceUploadUrl/action",
            "runs/read",
            "runs/write",
            "runs/listLogSasUrl/action",
            "runs/cancel/action",
            "taskruns/read",
            "taskruns/write",
            "taskruns/delete",
            "taskruns/listDetails/action",
            "taskruns/operationStatuses/read",
            "read",
        )
        | {"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read"}
    ),
    REPOSITORY_READER: Role(data_actions=_of(*_REPOSITORY_READS)),
    REPOSITORY_CONTRIBUTOR: Role(data_actions=_of(*_REPOSITORY_READS, *_REPOSITORY_CHANGES)),
    IDENTITY_OPERATOR: Role(frozenset({"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"})),
    OWNER: Role(frozenset({"*"})),
}
