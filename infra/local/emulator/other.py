"""Any other registry: it says by a challenge what it wants, and may send those who ask to another host.

https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import hmac
import time
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing
from infra.local.emulator.front import Route
from infra.local.emulator.proxy import forward
from infra.local.emulator.settings import Settings
from infra.local.emulator.tags_list import tags_list
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_reply, registry_error, timestamp

SERVICE = "registry.other.example"
_MANIFEST = "/v2/<path:repository>/manifests/<reference>"
_BLOB = "/v2/<path:repository>/blobs/<digest>"
_TAGS = "/v2/<path:repository>/tags/list"
# Another host to whoever compares names, and the same machine.
_ELSEWHERE = "127.0.0.1"


class OtherRegistry:
    """The routes of a registry that is known by its host alone, with its token service beside it."""

    def __init__(self, backing: Backing, tokens: Tokens, settings: Settings) -> None:
        self._backing = backing
        self._tokens = tokens
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", "/service/token", "GET token", self.token),
            Route("GET", "/v2/", "GET v2", self.version),
            Route("HEAD", _MANIFEST, "HEAD manifest", self.manifest),
            Route("GET", _MANIFEST, "GET manifest", self.manifest),
            Route("GET", _TAGS, "GET tags list", self.tags),
            Route("HEAD", _BLOB, "HEAD blob", self.blob),
            Route("GET", _BLOB, "GET blob", self.blob),
            Route("HEAD", f"/elsewhere{_MANIFEST}", "HEAD manifest elsewhere", self.elsewhere),
            Route("GET", f"/elsewhere{_TAGS}", "GET tags list elsewhere", self.tags_elsewhere),
        ]

    def token(self, request: Request) -> Response:
        """Answer a token for the scopes asked for; 401 for anybody but the account, 400 for another service."""
        if not self._is_welcome(request):
            return registry_error(401, "UNAUTHORIZED", "authentication required")
        if request.args.get("service") != SERVICE:
            return registry_error(400, "UNSUPPORTED", "unknown service")
        seconds = self._settings.now.other_token_seconds
        token = self._tokens.issue("other", seconds, access=request.args.getlist("scope"))
        return json_reply({"token": token, "expires_in": seconds, "issued_at": timestamp(time.time())})

    def version(self, request: Request) -> Response:
        """Answer that this is a registry."""
        self._admit(request, "")
        return forward(request, self._backing)

    def manifest(self, request: Request, repository: str, reference: str) -> Response:  # noqa: ARG002 - the path says it
        """Pass on a pull, or say where to ask instead."""
        self._admit(request, repository)
        return self._sent_elsewhere(request) or forward(request, self._backing)

    def tags(self, request: Request, repository: str) -> Response:
        """Answer a page of tags, or say where to ask instead."""
        self._admit(request, repository)
        return self._sent_elsewhere(request) or self._page(request, repository)

    def blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Pass on a pull of a blob."""
        self._admit(request, repository)
        return forward(request, self._backing)

    def elsewhere(self, request: Request, repository: str, reference: str) -> Response:
        """Answer whoever was sent here; 400 to a caller who shows this host the token that was for the other."""
        _refuse_tokens(request)
        request.environ["RAW_URI"] = f"/v2/{repository}/manifests/{reference}"
        return forward(request, self._backing)

    def tags_elsewhere(self, request: Request, repository: str) -> Response:
        """Answer a page of tags to whoever was sent here; 400 as above."""
        _refuse_tokens(request)
        return self._page(request, repository)

    def _page(self, request: Request, repository: str) -> Response:
        return tags_list(request, self._backing, repository, self._settings.now.other_page)

    def _sent_elsewhere(self, request: Request) -> Response | None:
        if not self._settings.now.other_redirects:
            return None
        port = request.host.rpartition(":")[2]
        query = request.query_string.decode()
        location = f"https://{_ELSEWHERE}:{port}/elsewhere{request.path}{'?' if query else ''}{query}"
        return Response(status=307, headers={"Location": location})

    def _admit(self, request: Request, repository: str) -> None:
        """Let a request through that shows what this registry asks for; else challenge it."""
        kind = self._settings.now.other_auth
        if kind == "basic" and not self._is_welcome(request):
            abort(_unauthorized('Basic realm="other, registry"'))
        if kind == "bearer" and not self._is_granted(request, repository):
            realm = f"https://{request.host}/service/token"
            scope = f',scope="repository:{repository}:pull"' if repository else ""
            abort(_unauthorized(f'Bearer realm="{realm}",service="{SERVICE}"{scope}'))

    def _is_granted(self, request: Request, repository: str) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims: dict[str, Any] = self._tokens.read("other", token) or {}
        return bool(claims) and (not repository or f"repository:{repository}:pull" in claims["access"])

    def _is_welcome(self, request: Request) -> bool:
        now, given = self._settings.now, request.authorization
        if not now.other_user:
            return True
        shown = f"{given.username}\n{given.password}" if given else ""
        return hmac.compare_digest(shown.encode(), f"{now.other_user}\n{now.other_password}".encode())


def _refuse_tokens(request: Request) -> None:
    if "Authorization" in request.headers:
        abort(registry_error(400, "UNSUPPORTED", "this host was shown what was meant for another"))


def _unauthorized(challenge: str) -> Response:
    response = registry_error(401, "UNAUTHORIZED", "authentication required")
    response.headers["WWW-Authenticate"] = challenge
    return response
