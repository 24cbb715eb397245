"""Who may ask the vault: a token for it is wanted, a role that permits what the route does, and a limit that is left.

https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
https://learn.microsoft.com/azure/key-vault/general/service-limits
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.arm import LOCATION
from infra.local.emulator.callers import object_id
from infra.local.emulator.front import Route
from infra.local.emulator.rate_limits import Window
from infra.local.emulator.settings import Settings
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.vault_wire import vault_error
from infra.local.topology import VAULT, Topology

AUDIENCE = "https://vault.azure.net"
TENANT = "00000000-0000-0000-0000-000000000002"
_ISSUER = f"https://sts.windows.net/{TENANT}/"
_CHALLENGE = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="{AUDIENCE}"'
_DENIED = (
    "Caller is not authorized to perform action on resource.\r\n"
    "If role assignments, deny assignments or role definitions were changed recently, "
    "please observe propagation time.\r\n"
)
_THROTTLED = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"


class VaultGuard:
    """Refuses what the vault would.

    Args:
        tokens: say whose request it is.
        topology: names the vault.
        access: says what an identity may do.
        settings: ``vault_limits``.
        clock: seconds, from whenever.
    """

    def __init__(
        self,
        tokens: Tokens,
        topology: Topology,
        access: Access,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._topology = topology
        self._access = access
        self._settings = settings
        self._clock = clock
        self._window = Window(clock)

    def __call__(self, request: Request, route: Route) -> Response | None:
        """Return the refusal, or ``None`` where the request may go on; what is refused counts against no limit."""
        claims = self._tokens.read("aad", request.headers.get("Authorization", "").removeprefix("Bearer "))
        if claims is None or claims["aud"] != AUDIENCE:
            return _challenge(request, claims["aud"] if claims else "")
        if "api-version" not in request.args:
            return vault_error(400, "BadParameter", "api-version must be specified")
        client, scope = str(claims["appid"]), self._scope(request)
        if not self._access.may_with_data(client, route.action, scope):
            return vault_error(403, "Forbidden", self._denied(client, route.action, scope), "ForbiddenByRbac")
        return self._limited(route)

    def _scope(self, request: Request) -> str:
        """Return the resource that a request is about: a key, or the vault."""
        names = [name for name in request.path.split("/")[1:] if name]
        return "/".join([self._topology.vault_id, *names[:2]]) if len(names) > 1 else self._topology.vault_id

    def _limited(self, route: Route) -> Response | None:
        limit = self._settings.now.vault_limits.get(route.kind)
        if not limit:
            return None
        window = (route.kind, int(limit[0]), float(limit[1]))
        if self._window.use(*window):
            return None
        response = vault_error(429, "Throttled", _THROTTLED)
        left = self._window.look(*window).resets - self._clock()
        response.headers["Retry-After"] = str(max(1, math.ceil(left)))
        return response

    @staticmethod
    def _denied(client: str, action: str, scope: str) -> str:
        return (
            f"{_DENIED}Caller: appid={client};oid={object_id(client)};iss={_ISSUER}\r\n"
            f"Action: '{action}'\r\nResource: '{scope.lower()}'\r\nAssignment: (not found)\r\n"
            f"DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {VAULT};location={LOCATION}\r\n"
        )


def _challenge(request: Request, audience: str) -> Response:
    message = "AKV10000: Request is missing a Bearer or PoP token."
    if "Authorization" in request.headers:
        message = "AKV10032: Invalid issuer."
    if audience:
        message = f"AKV10022: Invalid audience. Expected {AUDIENCE}, found: {audience}."
    response = vault_error(401, "Unauthorized", message)
    response.headers["WWW-Authenticate"] = _CHALLENGE
    return response
