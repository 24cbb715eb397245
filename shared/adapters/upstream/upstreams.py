"""Every upstream there is: Docker Hub and MCR by what is known of them, any other registry by its host alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from shared.adapters.upstream.docker_hub import HubAddresses, docker_hub
from shared.adapters.upstream.http import UpstreamHttp, unmetered
from shared.adapters.upstream.mcr import mcr
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.places import Within
from shared.adapters.upstream.registry_tokens import ChallengedTokens
from shared.budget_ports import Meter
from shared.domain.references import DOCKER_HUB, MCR
from shared.registry_accounts import Account

# As many as registry.k8s.io needs, and two for whoever stands before a registry.
_REDIRECTS = 3


class Upstreams:
    """Makes upstreams when they are first asked for.

    Args:
        hub: where Docker Hub is reached.
        mcr_url: MCR's address, or that of a proxy.
        accounts: by registry, such as ``docker.io`` or ``ghcr.io``; registries without one are asked anonymously.
        meter: is told what answers say of limits.
    """

    def __init__(
        self, hub: HubAddresses, mcr_url: str, accounts: Mapping[str, Account], meter: Meter = unmetered
    ) -> None:
        self._hub = hub
        self._mcr_url = mcr_url
        self._accounts = accounts
        self._meter = meter
        self._lock = threading.Lock()
        self._made: dict[str, OciRegistry] = {}

    def upstream_for(self, registry: str) -> OciRegistry:
        """Return the upstream of a registry, the same one each time.

        Args:
            registry: its host, and port if it has one, as in ``Repository.registry``.
        """
        with self._lock:
            if registry not in self._made:
                self._made[registry] = self._make(registry)
            return self._made[registry]

    def _make(self, registry: str) -> OciRegistry:
        account = self._accounts.get(registry, Account())
        if registry == DOCKER_HUB:
            return docker_hub(self._hub, account, self._meter)
        if registry == MCR:
            return mcr(self._mcr_url, self._meter)
        return any_registry(registry, account, self._meter)


def any_registry(registry: str, account: Account = Account(), meter: Meter = unmetered) -> OciRegistry:  # noqa: B008  frozen
    """Return a registry of which nothing is known but its host.

    Args:
        registry: its host, and port if it has one.
        account: empty to ask anonymously.
        meter: is told what answers say of limits.
    """
    http = UpstreamHttp(registry, meter, redirects=_REDIRECTS, within=Within(registry, account.token_host))
    return OciRegistry(
        registry,
        f"https://{registry}",
        http,
        tokens=ChallengedTokens(http, registry, account),
        elsewhere=lambda place: ChallengedTokens(http, place, Account()),
        reads=True,
    )
