"""Clients of Azure's registries: made once, when first used, over one pool of connections."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from shared.budget_ports import Pace
from shared.domain.pacing.asking import asked
from shared.domain.pacing.bucket import Work

if TYPE_CHECKING:
    from azure.containerregistry import ContainerRegistryClient
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.storage.blob import BlobClient

C = TypeVar("C")

_CONNECT_SECONDS, _READ_SECONDS = 5, 30
# Three tries where no answer came. A bad answer is not asked for again here: the SDKs sleep for as long as Retry-After
# says, and a function that sleeps holds a thread that others need. The flows come back by a message instead.
_RETRIES: dict[str, Any] = {"retry_total": 2, "retry_status": 0}
_BACKOFF: dict[str, Any] = {"retry_backoff_factor": 0.5, "retry_backoff_max": 2}
_BLOB_BACKOFF: dict[str, Any] = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1}


class AzureClients:
    """Hands out clients of ARM and of the registries' data plane, to be shared by threads.

    Args:
        credential: gives the app's identity.
        arm_endpoint: address of Azure Resource Manager.
        arm_audience: audience of tokens for it.
        acr_audience: audience of tokens for the registries' data plane.
        pace: says whose turn it is at ARM; without one every request is sent at once.
    """

    def __init__(
        self,
        credential: Callable[[], TokenCredential],
        *,
        arm_endpoint: str,
        arm_audience: str,
        acr_audience: str,
        pace: Pace | None = None,
    ) -> None:
        self._credential = credential
        self._pace = pace
        self._work = Work.IMPORT
        self.arm_endpoint = arm_endpoint
        self._arm_audience = arm_audience
        self._acr_audience = acr_audience
        self._lock = threading.RLock()
        self._made: dict[tuple[str, str], Any] = {}

    def at(self, work: Work) -> AzureClients:
        """Return the same clients, but for ARM's: requests of these take their turns by what they are for."""
        other = copy.copy(self)
        other._work = work
        return other

    def reserve(self, *requests: tuple[str, str]) -> None:
        """Make sure of ARM's turn for requests that this thread is about to make, by method and path.

        Raises:
            Paced: it is not its turn.
        """
        found = (asked(method, path) for method, path in requests)
        if self._pace is not None:
            self._pace.reserve(self._work, *(one for one in found if one is not None))

    def registries(self, subscription: str) -> ContainerRegistryManagementClient:
        """Return the ARM client of one subscription's registries."""
        return self._once((f"registries {self._work.value}", subscription), lambda: self._new_registries(subscription))

    def tasks(self, subscription: str) -> ContainerRegistryTasksMgmtClient:
        """Return the ARM client of one subscription's ACR Tasks."""
        return self._once((f"tasks {self._work.value}", subscription), lambda: self._new_tasks(subscription))

    def data_plane(self, login_server: str) -> ContainerRegistryClient:
        """Return the client of one registry's own API."""
        return self._once(("data", login_server), lambda: self._new_data_plane(login_server))

    def blob(self, url: str, **options: Any) -> BlobClient:
        """Return the client of one blob whose address, given by ARM, carries its permission. It is not kept.

        Args:
            url: the address.
            options: of ``BlobClient``, such as the sizes it downloads in.
        """
        from azure.storage.blob import BlobClient  # noqa: PLC0415

        return BlobClient.from_blob_url(url, **{**self._options(), **_BLOB_BACKOFF, **options})

    def vault(self, address: str, audience: str) -> PipelineClient[Any, Any]:
        """Return what asks one key vault, signed in.

        Args:
            address: of the vault.
            audience: of tokens for it.
        """
        return self._once(("vault", address), lambda: self._new_vault(address, audience))

    def _once(self, key: tuple[str, str], make: Callable[[], C]) -> C:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            made: C = self._made[key]
            return made

    def _new_registries(self, subscription: str) -> ContainerRegistryManagementClient:
        from azure.mgmt.containerregistry import ContainerRegistryManagementClient  # noqa: PLC0415

        return ContainerRegistryManagementClient(self._credential(), subscription, **self._arm_options())

    def _new_tasks(self, subscription: str) -> ContainerRegistryTasksMgmtClient:
        from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient  # noqa: PLC0415

        return ContainerRegistryTasksMgmtClient(self._credential(), subscription, **self._arm_options())

    def _new_data_plane(self, login_server: str) -> ContainerRegistryClient:
        from azure.containerregistry import ContainerRegistryClient  # noqa: PLC0415

        from shared.adapters.azure.kept_tokens import KeptTokens  # noqa: PLC0415

        options = {**self._options(), **_BACKOFF, "per_call_policies": [KeptTokens()]}
        return ContainerRegistryClient(
            f"https://{login_server}", self._credential(), audience=self._acr_audience.rstrip("/"), **options
        )

    def _new_vault(self, address: str, audience: str) -> PipelineClient[Any, Any]:
        from azure.core import PipelineClient  # noqa: PLC0415
        from azure.core.pipeline import policies  # noqa: PLC0415

        # The vault's own challenge says no more than what is known: who asks without a token asks twice.
        signed_in = policies.BearerTokenCredentialPolicy(self._credential(), f"{audience.rstrip('/')}/.default")
        again = policies.RetryPolicy(**_RETRIES, **_BACKOFF)
        return PipelineClient(address, policies=[again, signed_in], transport=self._options()["transport"])

    def _arm_options(self) -> dict[str, Any]:
        scope = f"{self._arm_audience.rstrip('/')}/.default"
        where = {"base_url": self.arm_endpoint, "credential_scopes": [scope]}
        return {**self._options(), **_BACKOFF, **where, "per_retry_policies": self._policies()}

    def _policies(self) -> list[Any]:
        from shared.adapters.azure.pacing import InTurn  # noqa: PLC0415

        return [InTurn(self._pace, self._work)] if self._pace is not None else []

    def _options(self) -> dict[str, Any]:
        return {"transport": self._once(("transport", ""), _transport), **_RETRIES}


def _transport() -> RequestsTransport:
    from shared.adapters.kept_alive import sdk_transport  # noqa: PLC0415  costs 0.1 s

    return sdk_transport(_CONNECT_SECONDS, _READ_SECONDS)
