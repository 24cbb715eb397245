"""Who may ask ARM: a token is wanted, and a role that permits what the route does."""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from infra.local.emulator.callers import remember
from infra.local.emulator.front import Route
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import arm_error
from infra.local.topology import Topology

_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


class ArmGuard:
    """Refuses ARM requests without a token for ARM; blobs on the same server carry their signature in the URL."""

    def __init__(self, tokens: Tokens, topology: Topology) -> None:
        self._tokens = tokens
        self._audiences = (*_AUDIENCES, topology.https("arm"))

    def __call__(self, request: Request, route: Route) -> Response | None:  # noqa: ARG002
        """Return the refusal, or ``None`` where the request may go on."""
        if not request.path.startswith("/subscriptions/"):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims = self._tokens.read("aad", token)
        if claims is None:
            return arm_error(401, "InvalidAuthenticationToken", "The access token is missing, invalid or expired.")
        if claims["aud"] not in self._audiences:
            return arm_error(401, "InvalidAuthenticationTokenAudience", "The access token is for another audience.")
        remember(request, str(claims["appid"]))
        return None
