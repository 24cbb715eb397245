"""The right to read any registry, as it asks for it: by a token of the service it names, or by user and password."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from shared.adapters.upstream.challenges import Challenge, is_token_service, may_be_shown, read_challenge
from shared.adapters.upstream.http import UpstreamHttp
from shared.adapters.upstream.token_service import KeptTokens, TokenService, basic, scope_of
from shared.errors import Refused
from shared.registry_accounts import Account


class ChallengedTokens:
    """The port ``Tokens`` of ``oci_registry`` for a registry that is known by its host alone.

    What the registry asked for once is brought along from then on, so that a challenge costs one request and not one
    for each repository. Credentials are shown to nobody before they are asked for.

    Args:
        http: how the registry is asked.
        registry: its host, and port if it has one.
        account: for this registry; empty to ask anonymously.
        clock: seconds that only go forward.
    """

    def __init__(
        self, http: UpstreamHttp, registry: str, account: Account, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._account = account
        self._service = TokenService(http, registry, account, f"check its entry {registry} in REGISTRY_CREDENTIALS")
        self._kept = KeptTokens(clock)
        self._challenge: Challenge | None = None

    def authorization(self, path: str) -> str:
        """See the port."""
        challenge = self._challenge
        return self._answer(challenge, path, refused="") if challenge else ""

    def renewed(self, path: str, refused: str, challenge: str) -> str:
        """See the port."""
        asked = read_challenge(challenge)
        if asked is None:
            return ""
        if asked.scheme == "bearer":
            self._check_realm(asked.realm)
        self._challenge = asked
        answer = self._answer(asked, path, refused)
        # A password that was refused is refused again; a token service may well grant the same token twice.
        return "" if asked.scheme == "basic" and answer == refused else answer

    def withheld(self) -> bool:
        """See the port."""
        return bool(self._account.username) and self._challenge is None

    def prepare(self, paths: tuple[str, ...]) -> None:
        """Do nothing: which registries grant one token for many repositories is not known."""

    def _answer(self, challenge: Challenge, path: str, refused: str) -> str:
        if challenge.scheme == "basic":
            return basic(self._account)
        # Some services, such as that of public.ecr.aws, know one scope for all repositories.
        scope = challenge.scope if _is_general(challenge.scope) else scope_of(path)
        return self._kept.get_or_ask(scope, lambda: self._service.ask(challenge, (scope,)), refused)

    def _check_realm(self, realm: str) -> None:
        if not is_token_service(realm):
            raise Refused(f"{self._registry} asks for a token of {_host(realm)}, which is no https address")
        allowed = may_be_shown(self._registry, realm) or self._account.token_host == urlsplit(realm).hostname
        if self._account.username and not allowed:
            raise Refused(
                f"{self._registry} asks for a token of {_host(realm)}, to which its credentials are not sent: they go "
                "to its own host and to those above and below it. If that is its token service, name the host as "
                "token_host in the registry's entry in REGISTRY_CREDENTIALS"
            )


def _is_general(scope: str) -> bool:
    return bool(scope) and not scope.startswith("repository:")


def _host(realm: str) -> str:
    """Return whom a realm names, for people; a query may hold what is not to be shown."""
    try:
        return urlsplit(realm).hostname or "nobody"
    except ValueError:
        return "nobody"
