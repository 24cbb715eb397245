"""Who may ask ARM: a token is wanted, a role that permits what the route does, and a limit that is not used up."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from infra.local.emulator.access import Access
from infra.local.emulator.arm_limits import ArmLimits
from infra.local.emulator.callers import remember
from infra.local.emulator.front import Route
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import arm_error
from infra.local.topology import Topology

_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


class ArmGuard:
    """Refuses ARM requests without a token for ARM, those that no role of the caller permits, and those beyond a limit.

    Blobs on the same server carry their signature in the URL.
    """

    def __init__(self, tokens: Tokens, topology: Topology, access: Access, limits: ArmLimits) -> None:
        self._tokens = tokens
        self._audiences = (*_AUDIENCES, topology.https("arm"))
        self._access = access
        self._limits = limits

    def __call__(self, request: Request, route: Route) -> Response | None:
        """Return the refusal, or ``None`` where the request may go on."""
        if not request.path.startswith("/subscriptions/"):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims = self._tokens.read("aad", token)
        if claims is None:
            return arm_error(401, "InvalidAuthenticationToken", "The access token is missing, invalid or expired.")
        if claims["aud"] not in self._audiences:
            return arm_error(401, "InvalidAuthenticationTokenAudience", "The access token is for another audience.")
        client, scope = str(claims["appid"]), resource_of(request.path)
        remember(request, client, route.action, scope)
        return (
            self._limits.by_caller(request, client)
            or (self._access.refusal(client, route.action, scope) if route.action else None)
            or self._limits.by_provider(request, client, route)
        )


def resource_of(path: str) -> str:
    """Return the resource that a request is about: without an action, or a kind of what is in it, at the end."""
    before, provider, rest = path.partition("/Microsoft.ContainerRegistry/")
    names = rest.split("/")
    return f"{before}{provider}{'/'.join(names[: len(names) // 2 * 2])}"
