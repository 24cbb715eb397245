"""Docker Hub's API: tags of a repository, newest first.

https://docs.docker.com/reference/api/hub/latest/#tag/repositories/operation/ListRepositoryTags
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.front import Route
from infra.local.emulator.rate_limits import Window
from infra.local.emulator.settings import Settings
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import json_reply, timestamp

_MINUTE = 60
_ANONYMOUS_OFFSET = 1000
_MAX_PAGE = 100
_DEFAULT_PAGE = 10


class DockerHubApi:
    """The route of hub.docker.com that lists tags."""

    def __init__(self, backing: Backing, catalog: Catalog, tokens: Tokens, settings: Settings) -> None:
        self._backing = backing
        self._catalog = catalog
        self._tokens = tokens
        self._settings = settings
        self._requests = Window()

    def routes(self) -> list[Route]:
        """Return the routes served."""
        pattern = "/v2/namespaces/<namespace>/repositories/<repository>/tags"
        return [
            Route("GET", pattern, "GET tags", self.tags),
            Route("GET", f"{pattern}/<tag>", "GET tag", self.tag),
        ]

    def tags(self, request: Request, namespace: str, repository: str) -> Response:
        """Answer a page of tags; 403 to anonymous callers past the thousandth, 429 past the limit."""
        return self._within_limit(
            request, lambda anonymous: self._page(request, f"{namespace}/{repository}", anonymous)
        )

    def tag(self, request: Request, namespace: str, repository: str, tag: str) -> Response:
        """Answer one tag with the images behind it, one for each manifest of an index; 404 if there is none."""
        return self._within_limit(request, lambda _: self._one(f"{namespace}/{repository}", tag))

    def _within_limit(self, request: Request, answer: Callable[[bool], Response]) -> Response:
        claims = self._tokens.read("hub-api", request.headers.get("Authorization", "").removeprefix("Bearer "))
        caller = str(claims["sub"]) if claims else request.remote_addr or ""
        limit = self._settings.now.hub_api_limit
        allowed = self._requests.use(caller, limit, _MINUTE)
        response = answer(claims is None) if allowed else _too_many()
        self._tell_limits(response, caller, limit)
        return response

    def _one(self, repository: str, name: str) -> Response:
        manifest = self._backing.manifest(repository, name)
        if manifest is None:
            return json_reply({"message": "httperror 404: object not found", "errinfo": {}}, 404)
        listed = manifest.get("manifests")
        platforms = [entry.get("platform", {}) for entry in listed] if isinstance(listed, list) else [{}]
        images = [{"architecture": each.get("architecture"), "os": each.get("os")} for each in platforms]
        return json_reply({**self._tag(repository, name), "images": images})

    def _page(self, request: Request, repository: str, anonymous: bool) -> Response:
        number = max(1, request.args.get("page", 1, type=int))
        size = min(_MAX_PAGE, max(1, request.args.get("page_size", _DEFAULT_PAGE, type=int)))
        first = (number - 1) * size
        if anonymous and first >= _ANONYMOUS_OFFSET:
            return json_reply({"message": "pagination depth limit exceeded for unauthenticated requests"}, 403)
        names = self._newest_first(repository)
        if not names or (first and first >= len(names)):
            return json_reply({"message": "httperror 404: object not found", "errinfo": {}}, 404)
        page = names[first : first + size]
        return json_reply(
            {
                "count": len(names),
                "next": _link(request, number + 1, size) if first + size < len(names) else None,
                "previous": _link(request, number - 1, size) if number > 1 else None,
                "results": [self._tag(repository, name) for name in page],
            }
        )

    def _newest_first(self, repository: str) -> list[str]:
        names = self._backing.tags(repository)
        return sorted(names, key=lambda tag: self._updated(repository, tag), reverse=True)

    def _updated(self, repository: str, tag: str) -> float:
        return self._catalog.times("docker_hub", repository, tag).updated

    def _tag(self, repository: str, name: str) -> dict[str, Any]:
        found = self._backing.head(repository, name)
        updated = timestamp(self._updated(repository, name))
        return {
            "name": name,
            "digest": found.digest if found else None,
            "media_type": found.media_type if found else None,
            "content_type": "image",
            "last_updated": updated,
            "tag_last_pushed": updated,
            "tag_status": "active",
            "v2": True,
        }

    def _tell_limits(self, response: Response, caller: str, limit: int) -> None:
        left = self._requests.look(caller, limit, _MINUTE)
        response.headers["X-RateLimit-Limit"] = str(limit)
        response.headers["X-RateLimit-Remaining"] = str(left.remaining)
        response.headers["X-RateLimit-Reset"] = str(int(left.resets))
        if response.status_code == 429:
            response.headers["X-Retry-After"] = str(int(left.resets))


def _too_many() -> Response:
    return json_reply({"detail": "Rate limit exceeded", "error": False}, 429)


def _link(request: Request, page: int, size: int) -> str:
    return f"{request.base_url}?page={page}&page_size={size}"
