"""The managed-identity endpoint of an App Service or Functions app.

https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import hmac
import time

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_reply

_SECONDS = 86400


class Identity:
    """Hands out Entra tokens to whoever knows the header's secret, for any resource."""

    def __init__(self, tokens: Tokens, secret: str) -> None:
        self._tokens = tokens
        self._secret = secret

    def routes(self) -> list[Route]:
        """Return the endpoint under any path: the client is given the whole URL by its environment."""
        return [
            Route("GET", "/", "token", self.token),
            Route("GET", "/<path:path>", "token", self.token),
        ]

    def token(self, request: Request, path: str = "") -> Response:  # noqa: ARG002 - any path will do
        """Answer a token for ``resource``; 401 without the right header, 400 without a resource."""
        if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", "").encode(), self._secret.encode()):
            return json_reply({"statusCode": 401, "message": "The X-IDENTITY-HEADER is not valid."}, 401)
        resource = request.args.get("resource", "")
        if not resource:
            return json_reply({"statusCode": 400, "message": "The resource is missing."}, 400)
        identity = request.args.get("client_id", "system-assigned")
        token = self._tokens.issue("aad", _SECONDS, aud=resource.rstrip("/"), appid=identity)
        expires = str(int(time.time()) + _SECONDS)
        return json_reply(
            {
                "access_token": token,
                "expires_on": expires,
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity,
            }
        )
