"""The names of runs in one registry: its ``taskRuns``, listed and deleted.

https://learn.microsoft.com/rest/api/container-registry-tasks/task-runs/list
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import TASKS_CONTRIBUTOR, azure_errors
from shared.adapters.azure.task_models import status_of
from shared.config import RegistryId
from shared.domain.gate.verdict import UNDER_WAY
from shared.domain.housekeeping.task_runs import NamedRun
from shared.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import TaskRun

_GIVEN_UP = frozenset({"Failed", "Canceled"})


class AcrRunNames:
    """The port ``RunNames`` for one registry.

    Args:
        clients: of ARM.
        registry: which registry.
    """

    def __init__(self, clients: AzureClients, registry: RegistryId) -> None:
        self._clients = clients
        self._registry = registry
        self._place = (registry.group, registry.name)

    def names(self) -> Iterator[tuple[NamedRun, ...]]:
        """See ``RunNames.names``; one request for each page.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        pages = self._client.task_runs.list(*self._place).by_page()
        while True:
            with self._errors("listing taskRuns"):
                page = next(pages, None)
                found = None if page is None else tuple(named for one in page if (named := _named(one)))
            if found is None:
                return
            yield found

    def name(self, name: str) -> NamedRun | None:
        """See ``RunNames.name``.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        try:
            with self._errors(f"looking at the taskRun {name}"):
                return _named(self._client.task_runs.get(*self._place, name))
        except NotFound:
            return None

    def forget(self, name: str) -> None:
        """See ``RunNames.forget``; the run and its log stay.

        Raises:
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        try:
            with self._errors(f"deleting the taskRun {name}"):
                self._client.task_runs.delete(*self._place, name)
        except NotFound:
            return

    @property
    def _client(self) -> ContainerRegistryTasksMgmtClient:
        return self._clients.tasks(self._registry.subscription)

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return azure_errors(f"{self._registry.name}: {doing}", TASKS_CONTRIBUTOR)


def _named(found: TaskRun) -> NamedRun | None:
    """A run that nobody says the end of has not ended, whatever its status; one that never ran says no time either."""
    if not found.name:
        return None
    run = found.properties.run_result if found.properties else None
    if run is None or run.properties is None:
        return NamedRun(found.name, _written(found))
    try:
        under_way = status_of(run.properties.status) in UNDER_WAY
    except Unavailable:
        under_way = True
    return NamedRun(found.name, None if under_way else run.properties.finish_time)


def _written(found: TaskRun) -> datetime | None:
    """When a taskRun that could not be scheduled was given up, as far as Resource Manager tells."""
    state = found.properties.provisioning_state if found.properties else None
    given_up = getattr(state, "value", state) in _GIVEN_UP
    return found.system_data.last_modified_at if given_up and found.system_data else None
