"""Docker Hub: the one upstream that wants a token for every repository, and grants one for many at once.

Tokens: https://distribution.github.io/distribution/spec/auth/token/
Limits: https://docs.docker.com/docker-hub/usage/pulls/ (HEAD is not a pull, GET of a manifest is)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import msgspec

from shared.adapters.upstream.challenges import Challenge
from shared.adapters.upstream.docker_hub_catalogue import DockerHubCatalogue
from shared.adapters.upstream.http import UpstreamHttp, blobs_of, unmetered
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.token_service import KeptTokens, TokenService, scope_of
from shared.budget_ports import Meter
from shared.domain.references import DOCKER_HUB
from shared.errors import NotFound, Refused
from shared.registry_accounts import Account

log = logging.getLogger("tidegate.docker_hub")

_SERVICE = "registry.docker.io"
_CHECK = "check DOCKER_HUB_USERNAME, and whether the access token in DOCKER_HUB_TOKEN has expired or was revoked"
# A token names every repository it is good for, and travels in a header of which servers take 8 KiB.
_MOST_SCOPES = 25
_LONGEST_SCOPES = 1500


class HubAddresses(msgspec.Struct, frozen=True):
    """Where Docker Hub is reached, or proxies of it.

    Attributes:
        registry: its registry.
        auth: its token service.
        api: its API.
    """

    registry: str
    auth: str
    api: str


def docker_hub(addresses: HubAddresses, account: Account = Account(), meter: Meter = unmetered) -> OciRegistry:  # noqa: B008  frozen
    """Return Docker Hub as an upstream.

    Args:
        addresses: where it is reached.
        account: with a personal access token for password; empty to ask anonymously.
        meter: is told what answers say of limits.
    """
    http = UpstreamHttp(DOCKER_HUB, meter)
    return OciRegistry(
        "Docker Hub",
        addresses.registry,
        http,
        tokens=HubTokens(http, addresses.auth, account),
        catalogue=DockerHubCatalogue(addresses.api, account, meter),
        blobs=blobs_of(DOCKER_HUB, addresses.registry, meter),
    )


class HubTokens:
    """The port ``Tokens`` of ``oci_registry`` for Docker Hub, whose token service is known beforehand.

    Args:
        http: how Docker Hub is asked.
        url: the token service.
        account: empty to ask anonymously.
        clock: seconds that only go forward.
    """

    def __init__(
        self, http: UpstreamHttp, url: str, account: Account, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = TokenService(http, "Docker Hub", account, _CHECK)
        self._challenge = Challenge("bearer", f"{url.rstrip('/')}/token", _SERVICE)
        self._kept = KeptTokens(clock)
        self._together: dict[str, tuple[str, ...]] = {}

    def authorization(self, path: str) -> str:
        """See the port."""
        return self._token(path, refused="")

    def renewed(self, path: str, refused: str, challenge: str) -> str:  # noqa: ARG002  the settings say where to ask
        """See the port."""
        return self._token(path, refused)

    def withheld(self) -> bool:
        """See the port. Docker Hub is shown its account with each question."""
        return False

    def prepare(self, paths: tuple[str, ...]) -> None:
        """See the port. The first that needs a token asks for one for as many as fit; often none does."""
        for scopes in _batches(tuple(map(scope_of, paths))):
            self._together.update(dict.fromkeys(scopes, scopes))

    def _token(self, path: str, refused: str) -> str:
        scope = scope_of(path)
        together = self._together.pop(scope, ())
        if len(together) > 1 and not refused and not self._kept.get(scope):
            self._ask_for_all(together)
        return self._kept.get_or_ask(scope, lambda: self._service.ask(self._challenge, (scope,)), refused)

    def _ask_for_all(self, scopes: tuple[str, ...]) -> None:
        """Each gets its own if that is refused."""
        for scope in scopes:
            self._together.pop(scope, None)
        try:
            self._kept.keep(scopes, self._service.ask(self._challenge, scopes))
        except (Refused, NotFound) as error:
            log.warning("no token for many repositories, each gets its own: %s", error)


def _batches(scopes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    batch: tuple[str, ...] = ()
    for scope in scopes:
        if len(batch) == _MOST_SCOPES or sum(map(len, batch)) + len(scope) > _LONGEST_SCOPES:
            yield batch
            batch = ()
        batch = (*batch, scope)
    if batch:
        yield batch
