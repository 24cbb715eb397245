"""ACR's token service, and the challenge that sends clients there.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.front import Route
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_reply, registry_error

_REFRESH_SECONDS = 3 * 3600
_ACCESS_SECONDS = 75 * 60
# The user name under which a refresh token is accepted as a password.
_TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - a published constant, no secret

# Whoever may do any of these gets a token to begin with.
_ENTRY = ("pull", "push", "delete", "metadata_read", "metadata_write", "*")
_REQUIRED = "authentication required, visit https://aka.ms/acr/authorization for more information."


class AcrAuth:
    """Exchanges Entra tokens for refresh tokens, and those for access tokens of named scopes.

    Args:
        tokens: issues and reads all of them.
        service: the registry's login server.
        registry: its name in Azure.
        access: says what an identity may do with its images.
    """

    def __init__(self, tokens: Tokens, service: str, registry: str, access: Access) -> None:
        self._tokens = tokens
        self._service = service
        self._registry = registry
        self._access = access

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", "/oauth2/exchange", "POST exchange", self.exchange),
            Route("POST", "/oauth2/token", "POST token", self.token),
            Route("GET", "/oauth2/token", "GET token", self.login),
        ]

    def exchange(self, request: Request) -> Response:
        """Answer a refresh token for an Entra token; 401 to whoever may not even pull."""
        claims = self._tokens.read("aad", request.form.get("access_token", ""))
        if claims is None or request.form.get("grant_type") != "access_token":
            return _unauthorized("")
        client = str(claims["appid"])
        if not self._permitted(client, _ENTRY):
            return _unauthorized("")
        refresh = self._tokens.issue("acr-refresh", _REFRESH_SECONDS, aud=self._service, sub=client)
        return json_reply({"refresh_token": refresh})

    def token(self, request: Request) -> Response:
        """Answer an access token for a refresh token."""
        return self._grant(request.form.get("refresh_token", ""), request.form.getlist("scope"))

    def login(self, request: Request) -> Response:
        """Answer an access token for a refresh token given as a password, as container tools do."""
        given = request.authorization
        password = (given.password or "") if given and given.username == _TOKEN_USER else ""
        return self._grant(password, request.args.getlist("scope"))

    def require(self, request: Request, scope: str) -> None:
        """Challenge the client unless its token covers ``scope``, such as ``repository:base/node:pull,push``."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims = self._tokens.read("acr-access", token)
        if claims is None or claims["aud"] != self._service:
            abort(self._challenge(scope))
        if not _covers(claims["access"], scope):
            abort(self._challenge(scope, ',error="insufficient_scope"'))

    def _permitted(self, client: str, actions: Iterable[str]) -> list[str]:
        return [action for action in actions if self._access.may_with_images(client, action, self._registry)]

    def _narrowed(self, client: str, scope: str) -> str:
        """Return a scope with those of its actions that the client may do; empty if there are none."""
        resource, _, actions = scope.rpartition(":")
        permitted = self._permitted(client, actions.split(","))
        return f"{resource}:{','.join(permitted)}" if permitted else ""

    def _grant(self, refresh: str, scopes: Iterable[str]) -> Response:
        claims = self._tokens.read("acr-refresh", refresh)
        if claims is None or claims["aud"] != self._service:
            return _unauthorized("")
        asked_for = [scope for entry in scopes for scope in entry.split()]
        access = [scope for wanted in asked_for if (scope := self._narrowed(str(claims["sub"]), wanted))]
        whose = {"aud": self._service, "sub": claims["sub"]}
        token = self._tokens.issue("acr-access", _ACCESS_SECONDS, **whose, access=access)
        return json_reply({"access_token": token})

    def _challenge(self, scope: str, error: str = "") -> Response:
        realm = f"https://{self._service}/oauth2/token"
        wanted = f',scope="{scope}"' if scope else ""
        response = _unauthorized(scope)
        response.headers["WWW-Authenticate"] = f'Bearer realm="{realm}",service="{self._service}"{wanted}{error}'
        return response


def _unauthorized(scope: str) -> Response:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    wanted = [{"Type": kind, "Name": name, "Action": action} for action in actions.split(",")] if scope else None
    return registry_error(401, "UNAUTHORIZED", _REQUIRED, detail=wanted)


def _covers(granted: Iterable[str], scope: str) -> bool:
    """Tell whether one granted scope names the same resource and at least the same actions."""
    resource, _, actions = scope.rpartition(":")
    for entry in granted:
        own, _, own_actions = entry.rpartition(":")
        if own == resource and (own_actions == "*" or set(actions.split(",")) <= set(own_actions.split(","))):
            return True
    return scope == ""
