"""The logs of one registry's runs, which ACR Tasks keeps in a blob store of its own.

https://learn.microsoft.com/rest/api/container-registry-tasks/runs/get-log-sas-url
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from shared.adapters.azure.clients import AzureClients
from shared.config import RegistryId
from shared.domain.gate.run_log import LEFT_OUT
from shared.domain.pacing.bucket import Work
from shared.errors import NotFound, Unavailable

# A test's first word stands near a log's beginning, and at its end which step failed, and with what. What is between
# is left out of a log that is larger than both: a megabyte is more than anybody reads.
_LARGEST_LOG = 1024 * 1024
_HALF = _LARGEST_LOG // 2


class RunLogs:
    """Fetches logs.

    Args:
        clients: of ARM and of blob stores.
        registry: whose runs.
        errors: translates what happens while something is done.
    """

    def __init__(
        self, clients: AzureClients, registry: RegistryId, errors: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._clients = clients
        self._registry = registry
        self._errors = errors

    def log(self, run_id: str) -> str:
        """Return a finished run's log; of one larger than a megabyte, the first and the last half of one.

        Raises:
            Unavailable: the log is still being written; its end, which decides, may be missing.
            ServiceError: see ``shared.adapters.azure.errors``.
        """
        if not run_id:  # a run that could not even be scheduled
            return ""
        try:
            with self._errors(f"fetching the log of run {run_id}"):
                ends = self._clients.at(Work.VERDICT).tasks(self._registry.subscription)
                links = ends.runs.get_log_sas_url(self._registry.group, self._registry.name, run_id)
                link = links.log_link or links.log_artifact_link
                return self._download(link, run_id) if link else ""
        except NotFound:
            return ""

    def _download(self, url: str, run_id: str) -> str:
        """Fetch by one request what is no larger than is kept, and by another the end of what is larger."""
        blob = self._clients.blob(url, max_single_get_size=_LARGEST_LOG)
        whole = blob.download_blob()
        if not any(name.lower() == "complete" for name in whole.properties.metadata or {}):
            raise Unavailable(f"{self._registry.name}: the log of run {run_id} is still being written")
        if whole.size <= _LARGEST_LOG:
            return whole.readall().decode("utf-8", "replace")
        return _shortened(whole.read(_HALF), blob.download_blob(offset=whole.size - _HALF).readall(), whole.size)


def _shortened(begin: bytes, end: bytes, size: int) -> str:
    """Join a long log's two ends. Lines that were cut are left out: half a line may look like a whole one."""
    left_out = f"{LEFT_OUT}: the middle of {size} bytes"
    first, last = begin.rpartition(b"\n")[0], end.partition(b"\n")[2]
    return "\n".join([first.decode("utf-8", "replace"), left_out, last.decode("utf-8", "replace")])
