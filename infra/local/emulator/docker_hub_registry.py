"""Docker Hub's registry: pulls by token, counted against a limit that answers tell of.

https://docs.docker.com/docker-hub/usage/pulls/
"""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing
from infra.local.emulator.docker_hub_auth import SERVICE
from infra.local.emulator.front import Route
from infra.local.emulator.proxy import forward
from infra.local.emulator.rate_limits import Window
from infra.local.emulator.settings import Settings
from infra.local.emulator.tags_list import tags_list
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import registry_error

_MANIFEST = "/v2/<path:repository>/manifests/<reference>"
_BLOB = "/v2/<path:repository>/blobs/<digest>"
_EXHAUSTED = (
    "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limit",
)


class DockerHubRegistry:
    """The routes of registry-1.docker.io."""

    def __init__(self, backing: Backing, tokens: Tokens, settings: Settings, auth_url: str) -> None:
        self._backing = backing
        self._tokens = tokens
        self._settings = settings
        self._auth_url = auth_url
        self._pulls = Window()

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", "/v2/", "GET v2", self.version),
            Route("HEAD", _MANIFEST, "HEAD manifest", self.manifest),
            Route("GET", _MANIFEST, "GET manifest", self.manifest),
            Route("GET", "/v2/<path:repository>/tags/list", "GET tags list", self.tags),
            Route("HEAD", _BLOB, "HEAD blob", self.blob),
            Route("GET", _BLOB, "GET blob", self.blob),
        ]

    def version(self, request: Request) -> Response:
        """Answer that this is a registry, to whoever has a token."""
        self._account(request, "")
        return forward(request, self._backing)

    def tags(self, request: Request, repository: str) -> Response:
        """Answer a page of tags."""
        self._account(request, repository)
        return tags_list(request, self._backing, repository)

    def blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Pass on a pull of a blob, which costs nothing."""
        self._account(request, repository)
        return forward(request, self._backing)

    def manifest(self, request: Request, repository: str, reference: str) -> Response:  # noqa: ARG002 - likewise
        """Pass on a pull; a GET counts as one, a HEAD does not, and neither is answered once none is left."""
        account = self._account(request, repository)
        caller = account or request.remote_addr or ""
        now = self._settings.now
        limit = now.account_pull_limit if account else now.anonymous_pull_limit
        if limit is None:
            return forward(request, self._backing)
        window = (caller, limit, now.pull_window_seconds)
        head = request.method == "HEAD"
        allowed = self._pulls.look(*window).remaining > 0 if head else self._pulls.use(*window)
        left = self._pulls.look(*window)
        response = forward(request, self._backing) if allowed else self._exhausted(bool(account))
        response.headers["ratelimit-limit"] = f"{limit};w={now.pull_window_seconds}"
        response.headers["ratelimit-remaining"] = f"{left.remaining};w={now.pull_window_seconds}"
        response.headers["docker-ratelimit-source"] = caller
        return response

    @staticmethod
    def _exhausted(authenticated: bool) -> Response:
        return registry_error(429, "TOOMANYREQUESTS", _EXHAUSTED[authenticated])

    def _account(self, request: Request, repository: str) -> str:
        """Return whose token came with the request, empty for an anonymous one; challenge where none covers it."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims: dict[str, Any] = self._tokens.read("hub-registry", token) or {}
        scope = f"repository:{repository}:pull" if repository else ""
        granted = [entry for text in claims.get("access", []) for entry in text.split()]
        if not claims or (scope and not any(_allows(entry, repository) for entry in granted)):
            abort(self._challenge(scope))
        return str(claims["sub"])

    def _challenge(self, scope: str) -> Response:
        response = registry_error(401, "UNAUTHORIZED", "authentication required")
        wanted = f',scope="{scope}"' if scope else ""
        response.headers["WWW-Authenticate"] = f'Bearer realm="{self._auth_url}/token",service="{SERVICE}"{wanted}'
        return response


def _allows(scope: str, repository: str) -> bool:
    resource, _, actions = scope.rpartition(":")
    return resource == f"repository:{repository}" and "pull" in actions.split(",")
