"""Who has which role where: what the deployment gives the app's identity, and an operator who may do everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from infra.local.emulator.role_definitions import (
    CRYPTO_OFFICER,
    HOUSEKEEPING,
    IMPORTER,
    LOCKS,
    OWNER,
    REPOSITORY_CONTRIBUTOR,
    REPOSITORY_READER,
    ROLES,
    RUNS,
    TASK,
)
from infra.local.topology import APPLICATIONS, BASE, STAGING, SUBSCRIPTION, Topology

# Client ids at the identity endpoint: the app asks without one.
APP, OPERATOR = "system-assigned", "operator"


@dataclass(frozen=True)
class Assignment:
    """One role of one identity on a resource and all that is in it."""

    principal: str
    role: str
    scope: str

    def reaches(self, scope: str) -> bool:
        """Tell whether a resource is this one or in it."""
        own, other = self.scope.lower(), scope.lower()
        return other == own or other.startswith(f"{own}/")


def read(records: Iterable[Mapping[str, str]], roles: Iterable[str] = ROLES) -> tuple[Assignment, ...]:
    """Return assignments from their JSON objects; ``ValueError`` says what is wrong with one.

    Args:
        records: the objects.
        roles: names of the roles there are.
    """
    try:
        found = tuple(Assignment(**record) for record in records)
    except TypeError as error:
        raise ValueError(f"assignments: {error}") from error
    known = set(roles)
    for one in found:
        if one.role not in known:
            raise ValueError(f"assignments: {one.role!r} is none of {', '.join(sorted(known))}")
    return found


def as_deployed(topology: Topology) -> tuple[dict[str, str], ...]:
    """Return, as JSON objects, the assignments that infra/main.bicep makes, and the operator's.

    Images of staging and base, runs of staging and of the application registries; it deletes in staging alone. Where
    staging gives rights by repository, the app reads it as a Repository Reader. A task that the app may run is one that
    is named to it, and locks are changed in base alone, where that is switched on.
    """
    staging, base, applications = map(topology.registry_id, (STAGING, BASE, APPLICATIONS))
    given = [(IMPORTER, staging), (IMPORTER, base), (RUNS, staging), (RUNS, applications)]
    given += [(HOUSEKEEPING, staging)]
    given += [(TASK, f"{applications}/tasks/{name}") for name in topology.application_tasks]
    given += [(REPOSITORY_READER, staging)] if topology.abac else []
    given += [(LOCKS, base)] if topology.locks else []
    everything = f"/subscriptions/{SUBSCRIPTION}"
    made = [Assignment(APP, role, scope) for role, scope in given]
    made += [Assignment(OPERATOR, role, everything) for role in (OWNER, REPOSITORY_CONTRIBUTOR, CRYPTO_OFFICER)]
    return tuple(asdict(assignment) for assignment in made)
