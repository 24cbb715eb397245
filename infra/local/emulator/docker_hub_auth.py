"""Docker Hub's accounts: registry tokens from auth.docker.io, API tokens from hub.docker.com.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import hmac
import time

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.settings import Settings
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_object, json_reply, timestamp

SERVICE = "registry.docker.io"
_REGISTRY_SECONDS = 300
_API_SECONDS = 600


class DockerHubAuth:
    """Checks the one account of the settings, and issues tokens to it and to anonymous callers."""

    def __init__(self, tokens: Tokens, settings: Settings) -> None:
        self._tokens = tokens
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes of the token service."""
        return [Route("GET", "/token", "GET token", self.token)]

    def api_routes(self) -> list[Route]:
        """Return the login route of the API."""
        return [Route("POST", "/v2/auth/token", "POST login", self.login)]

    def token(self, request: Request) -> Response:
        """Answer a registry token for the scopes asked for; 401 for a wrong account, 400 for another service."""
        given = request.authorization
        if given and not self._is_account(given.username or "", given.password or ""):
            return json_reply({"details": "incorrect username or password"}, 401)
        if request.args.get("service") != SERVICE:
            return json_reply({"details": "unknown service"}, 400)
        account = given.username if given else ""
        scopes = request.args.getlist("scope")
        token = self._tokens.issue("hub-registry", _REGISTRY_SECONDS, sub=account, access=scopes)
        issued = timestamp(time.time())
        return json_reply({"token": token, "access_token": token, "expires_in": _REGISTRY_SECONDS, "issued_at": issued})

    def login(self, request: Request) -> Response:
        """Answer an API token for an identifier and secret."""
        body = json_object(request)
        if not self._is_account(str(body.get("identifier")), str(body.get("secret"))):
            return json_reply({"detail": "Incorrect authentication credentials"}, 401)
        return json_reply({"access_token": self._tokens.issue("hub-api", _API_SECONDS, sub=body["identifier"])})

    def _is_account(self, user: str, secret: str) -> bool:
        now = self._settings.now
        right = hmac.compare_digest(f"{user}\n{secret}".encode(), f"{now.hub_user}\n{now.hub_token}".encode())
        return bool(now.hub_user) and right
