"""Blob leases: the one by which a timer runs on one instance of many, and the one of the host itself.

Follows ``SingletonManager`` of Azure/azure-webjobs-sdk (60 s, renewed half-way, tried again after 60 s where another
holds it) and ``PrimaryHostCoordinator`` of Azure/azure-functions-host (15 s, every 12 s).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient

from infra.local.host.telemetry import untold
from infra.local.host.timers import TimerListener

_GIVE_BACK_SECONDS = 1.0
_CONTAINER = "azure-webjobs-hosts"
_log = logging.getLogger("host.leases")


@dataclass(frozen=True)
class LeaseTimes:
    """For how long a lease is taken, after how long renewed, and when tried again where another holds it; seconds."""

    lasts: int
    renewed: float
    tried_again: float


HOST_LEASE = LeaseTimes(15, 12.0, 12.0)


def timer_lease(seconds: int) -> LeaseTimes:
    """Return the times of a timer's lease of so many seconds."""
    return LeaseTimes(seconds, seconds / 2, seconds)


class LeaseKeeper:
    """Takes one lease, renews it, and gives it back in the end.

    Args:
        blobs: the storage account of the host.
        name: of the blob, below ``locks/``; made where it is missing.
        times: see ``LeaseTimes``.
        taken: called once, when the lease is held for the first time.
    """

    def __init__(self, blobs: BlobServiceClient, name: str, times: LeaseTimes, taken: Callable[[], None]) -> None:
        self._container = blobs.get_container_client(_CONTAINER)
        self._blob: BlobClient = self._container.get_blob_client(f"locks/local/{name}")
        self._times = times
        self._taken: Callable[[], None] | None = taken
        self._lease: BlobLeaseClient | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease {name}", daemon=True)

    def start(self) -> None:
        """Begin to ask for the lease."""
        self._thread.start()

    def stop(self) -> None:
        """Give the lease back; one that is not given back keeps others out until it runs out."""
        self._stopping.set()
        self._thread.join(_GIVE_BACK_SECONDS)

    def _run(self) -> None:
        self._look()
        while not self._stopping.wait(self._times.renewed if self._lease else self._times.tried_again):
            self._look()
        self._give_back()

    def _look(self) -> None:
        try:
            with untold():
                self._renew_or_take()
        except HttpResponseError as error:
            # Another holds it, or took it over.
            self._lease = None
            _log.debug("%s is not ours: %s", self._blob.blob_name, error.message)
        except AzureError as error:
            _log.warning("%s cannot be asked for: %s", self._blob.blob_name, error)
        if self._lease and self._taken:
            taken, self._taken = self._taken, None
            taken()

    def _renew_or_take(self) -> None:
        if self._lease:
            self._lease.renew()
            return
        try:
            self._lease = self._blob.acquire_lease(self._times.lasts)
        except ResourceNotFoundError:
            self._make()
            self._lease = self._blob.acquire_lease(self._times.lasts)

    def _make(self) -> None:
        """Make the blob; another instance may be as far."""
        with suppress(ResourceExistsError):
            self._container.create_container()
        with suppress(ResourceExistsError):
            self._blob.upload_blob(b"")

    def _give_back(self) -> None:
        if self._lease:
            with untold(), suppress(AzureError):
                self._lease.release()


class SingleTimer:
    """A timer that keeps its schedule only while no other instance does."""

    def __init__(self, timer: TimerListener, blobs: BlobServiceClient, function: str, times: LeaseTimes) -> None:
        """Prepare; nothing is asked for yet."""
        self._timer = timer
        self._keeper = LeaseKeeper(blobs, f"{function}.Listener", times, timer.start)

    def start(self) -> None:
        """Ask for the lease, and keep the schedule from when it is held."""
        self._keeper.start()

    def stop(self) -> None:
        """Start no further run, and give the lease back."""
        self._timer.stop()
        self._keeper.stop()


def blob_call(response: PipelineResponse[Any, Any]) -> str:
    """Return what a blob request is counted as, such as ``acquire``, ``renew refused``, ``GET``, ``PUT``."""
    kind: str = response.http_request.headers.get("x-ms-lease-action") or response.http_request.method
    return f"{kind} refused" if response.http_response.status_code >= 400 else kind
