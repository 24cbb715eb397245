"""What the roles permit that somebody has on the twin's registries.

The built-in ones as Microsoft lists them; that for runs is read from its template, so that the twin follows it; a test
holds the others equal to the templates. Nothing but the standard library is needed.

https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

REGISTRIES = "Microsoft.ContainerRegistry/registries"

IMPORTER = "Container Registry Data Importer and Data Reader"
TASKS_CONTRIBUTOR = "Container Registry Tasks Contributor"
REPOSITORY_READER = "Container Registry Repository Reader"
REPOSITORY_CONTRIBUTOR = "Container Registry Repository Contributor"
REPOSITORY_WRITER = "Container Registry Repository Writer"
CATALOG_LISTER = "Container Registry Repository Catalog Lister"
PULL, PUSH, DELETE = "AcrPull", "AcrPush", "AcrDelete"
IDENTITY_OPERATOR = "Managed Identity Operator"
# 12338af0-0e69-4776-bea7-57ae8d297424 and 14b46e9e-c2b7-41b4-b07b-48a6ebf60603.
CRYPTO_USER, CRYPTO_OFFICER = "Key Vault Crypto User", "Key Vault Crypto Officer"
OWNER = "Owner"
# Of our own: for named runs, for running a task that is there, for gates that are too large for a run with a name, and
# for locks.
RUNS, TASK, SCHEDULE = "Tidegate runs", "Tidegate application task", "Tidegate large gates"
# Of our own as well: pushing records into staging, and signing them by one key.
RECORDS, SIGNS = "Tidegate records into staging", "Tidegate records by a key"
# Of our own, too: deletes where rights go by registry, or by repository.
HOUSEKEEPING = "Tidegate housekeeping"
LOCKS = "Tidegate locks"
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
_REPOSITORY_WRITES = ("repositories/metadata/write", "repositories/content/write")
_REPOSITORY_DELETES = ("repositories/metadata/delete", "repositories/content/delete")


def _of_keys(*names: str) -> frozenset[str]:
    return frozenset(f"Microsoft.KeyVault/vaults/keys/{name}" for name in names)


_CRYPTO = ("update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify")

ROLES = {
    IMPORTER: Role(_of("importImage/action", "read", "pull/read")),
    RUNS: defined("access-runs.bicep", "runs"),
    TASK: Role(_of("tasks/write")),
    RECORDS: Role(_of("push/write"), _of("repositories/content/write")),
    SIGNS: Role(data_actions=frozenset(f"Microsoft.KeyVault/vaults/keys/{name}" for name in ("read", "sign/action"))),
    SCHEDULE: Role(_of("scheduleRun/action")),
    HOUSEKEEPING: Role(_of("artifacts/delete"), _of(*_REPOSITORY_DELETES)),
    LOCKS: Role(
        _of("metadata/read", "metadata/write"), _of("repositories/metadata/read", "repositories/metadata/write")
    ),
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
    REPOSITORY_WRITER: Role(data_actions=_of(*_REPOSITORY_READS, *_REPOSITORY_WRITES)),
    REPOSITORY_CONTRIBUTOR: Role(data_actions=_of(*_REPOSITORY_READS, *_REPOSITORY_WRITES, *_REPOSITORY_DELETES)),
    CATALOG_LISTER: Role(data_actions=_of("catalog/read")),
    PULL: Role(_of("pull/read")),
    PUSH: Role(_of("pull/read", "push/write")),
    DELETE: Role(_of("artifacts/delete")),
    IDENTITY_OPERATOR: Role(frozenset({"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"})),
    CRYPTO_USER: Role(data_actions=_of_keys("read", *(f"{one}/action" for one in _CRYPTO))),
    CRYPTO_OFFICER: Role(data_actions=_of_keys("*") | {"Microsoft.KeyVault/vaults/keyrotationpolicies/*"}),
    OWNER: Role(frozenset({"*"})),
}


def with_own(own: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, Role]:
    """Return all roles there are, with those of the settings.

    Args:
        own: by name, ``{"actions": [...], "dataActions": [...]}`` each, in full.

    Raises:
        ValueError: one has neither, or something else.
    """
    found = dict(ROLES)
    for name, given in own.items():
        if not given or set(given) - {"actions", "dataActions"}:
            raise ValueError(f"roles: {name}: expected actions and dataActions, not {', '.join(given) or 'nothing'}")
        found[name] = Role(frozenset(given.get("actions", ())), frozenset(given.get("dataActions", ())))
    return found
