"""ACR's own routes under /acr/v1: repositories, tags, manifests and their locks.

https://learn.microsoft.com/rest/api/containerregistry/ (data plane, API version 2021-07-01)
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.acr_attributes import Attributes
from infra.local.emulator.acr_auth import AcrAuth
from infra.local.emulator.front import Route
from infra.local.emulator.locks import Locks
from infra.local.emulator.removal import Removal
from infra.local.emulator.shelf import Shelf
from infra.local.emulator.wire import disallowed, json_object, json_reply, nothing, registry_error, unknown_operation

_ONE = "/acr/v1/<path:repository>"
_A_PAGE, _MOST_A_PAGE = 100, 1000

_TAG = ("TAG_UNKNOWN", "the specified tag does not exist")


def found(attributes: dict[str, Any] | None, error: tuple[str, str]) -> dict[str, Any]:
    """Return what was found, or answer 404 with a registry's error code and text."""
    if attributes is None:
        abort(registry_error(404, *error))
    return attributes


def _repository(name: str) -> tuple[str, str]:
    return "NAME_UNKNOWN", f'repository "{name}" is not found'


def _manifest(digest: str) -> tuple[str, str]:
    return "MANIFEST_UNKNOWN", f"manifest {digest} is not found"


class AcrRepositories:
    """The routes of one registry's front."""

    def __init__(
        self,
        part: str,
        host: str,
        shelf: Shelf,
        attributes: Attributes,
        locks: Locks,
        auth: AcrAuth,
        removal: Removal,
    ) -> None:
        self._part = part
        self._host = host
        self._shelf = shelf
        self._attributes = attributes
        self._locks = locks
        self._auth = auth
        self._removal = removal

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", "/acr/v1/_catalog", "GET catalog", self.catalog),
            Route("GET", f"{_ONE}/_tags", "GET tags", self.tags),
            Route("GET", f"{_ONE}/_tags/<tag>", "GET tag", self.tag),
            Route("PATCH", f"{_ONE}/_tags/<tag>", "PATCH tag", self.lock_tag),
            Route("DELETE", f"{_ONE}/_tags/<tag>", "DELETE tag", self.delete_tag),
            Route("GET", f"{_ONE}/_manifests", "GET manifests", self.manifests),
            Route("GET", f"{_ONE}/_manifests/<digest>", "GET manifest attributes", self.manifest),
            Route("PATCH", f"{_ONE}/_manifests/<digest>", "PATCH manifest", self.lock_manifest),
            Route("GET", f"{_ONE}/_streaming/<digest>", "GET streaming", self.streaming),
            Route("GET", _ONE, "GET repository", self.repository),
            Route("PATCH", _ONE, "PATCH repository", self.lock_repository),
            Route("DELETE", _ONE, "DELETE repository", self.delete),
        ]

    def catalog(self, request: Request) -> Response:
        """Answer the names of all repositories that hold something and are not hidden."""
        self._auth.require(request, "registry:catalog:*")
        names = self._shelf.repositories()
        return json_reply({"repositories": [name for name in names if self._locks.may_list(self._part, name)]})

    def repository(self, request: Request, repository: str) -> Response:
        """Answer one repository."""
        self._require(request, repository, "metadata_read")
        attributes = found(self._attributes.repository(repository), _repository(repository))
        return self._reply(repository, attributes)

    def tags(self, request: Request, repository: str) -> Response:
        """Answer a repository's tags, or those that point at ``digest``."""
        self._require(request, repository, "metadata_read")
        self._require_something(repository)
        digest = request.args.get("digest")
        wanted = [tag for tag in self._attributes.tags(repository) if digest in (None, tag["digest"])]
        return self._paged(request, repository, "tags", wanted, "name")

    def tag(self, request: Request, repository: str, tag: str) -> Response:
        """Answer one tag."""
        self._require(request, repository, "metadata_read")
        return self._reply(repository, {"tag": found(self._attributes.tag(repository, tag), _TAG)})

    def lock_tag(self, request: Request, repository: str, tag: str) -> Response:
        """Change what may be done with a tag."""
        self._require(request, repository, "metadata_write")
        found(self._attributes.tag(repository, tag), _TAG)
        self._locks.change(self._part, repository, tag, json_object(request))
        return self._reply(repository, {"tag": self._attributes.tag(repository, tag)})

    def delete_tag(self, request: Request, repository: str, tag: str) -> Response:
        """Delete a tag, unless it is locked, and leave its manifest."""
        self._require(request, repository, "delete")
        found(self._attributes.tag(repository, tag), _TAG)
        if not self._locks.may_delete(self._part, repository, tag):
            abort(disallowed())
        self._removal.delete_tag(repository, tag)
        return nothing(202)

    def manifests(self, request: Request, repository: str) -> Response:
        """Answer a repository's manifests, tagged or not."""
        self._require(request, repository, "metadata_read")
        self._require_something(repository)
        return self._paged(request, repository, "manifests", self._attributes.manifests(repository), "digest")

    def manifest(self, request: Request, repository: str, digest: str) -> Response:
        """Answer one manifest's attributes."""
        self._require(request, repository, "metadata_read")
        return self._reply(repository, {"manifest": self._manifest(repository, self._meant(repository, digest))})

    def streaming(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Answer that nothing is known of artifact streaming."""
        self._require(request, repository, "metadata_read")
        return unknown_operation()

    def lock_manifest(self, request: Request, repository: str, digest: str) -> Response:
        """Change what may be done with a manifest."""
        self._require(request, repository, "metadata_write")
        meant = self._meant(repository, digest)
        self._manifest(repository, meant)
        self._locks.change(self._part, repository, meant, json_object(request))
        return self._reply(repository, {"manifest": self._manifest(repository, meant)})

    def lock_repository(self, request: Request, repository: str) -> Response:
        """Change what may be done with a repository."""
        self._require(request, repository, "metadata_write")
        found(self._attributes.repository(repository), _repository(repository))
        self._locks.change(self._part, repository, "", json_object(request))
        return self._reply(repository, self._attributes.repository(repository) or {})

    def delete(self, request: Request, repository: str) -> Response:
        """Delete all that is in a repository, unless something in it is locked."""
        self._require(request, repository, "delete")
        self._require_something(repository)
        tags, digests = list(self._shelf.tags(repository)), self._shelf.digests(repository)
        if not self._locks.may_delete(self._part, repository, *tags, *digests):
            abort(disallowed())
        deleted = [gone for digest in digests for gone in self._removal.delete_manifest(repository, digest)]
        self._locks.forget(self._part, repository, "")
        return json_reply({"manifestsDeleted": deleted, "tagsDeleted": tags}, 202)

    def _require_something(self, repository: str) -> None:
        if not self._shelf.holds_something(repository):
            abort(registry_error(404, *_repository(repository)))

    def _meant(self, repository: str, reference: str) -> str:
        """Return the digest that is meant; what is none is taken for a tag, as Azure does."""
        if ":" in reference:
            return reference
        return str(found(self._attributes.tag(repository, reference), _TAG)["digest"])

    def _manifest(self, repository: str, digest: str) -> dict[str, Any]:
        return found(self._attributes.manifest(repository, digest), _manifest(digest))

    def _paged(
        self, request: Request, repository: str, kind: str, entries: list[dict[str, Any]], name: str
    ) -> Response:
        page, link = _page(_in_order(entries, request), request, name)
        reply = self._reply(repository, {kind: page})
        if link:
            reply.headers["Link"] = f'<{request.path}?{link}>; rel="next"'
        return reply

    def _require(self, request: Request, repository: str, action: str) -> None:
        self._auth.require(request, f"repository:{repository}:{action}")

    def _reply(self, repository: str, body: dict[str, Any]) -> Response:
        return json_reply({"registry": self._host, "imageName": repository, **body})


def _in_order(entries: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    order = request.args.get("orderby", "")
    if order in ("timedesc", "timeasc"):
        return sorted(entries, key=lambda entry: entry["lastUpdateTime"], reverse=order == "timedesc")
    return entries


def _page(entries: list[dict[str, Any]], request: Request, name: str) -> tuple[list[dict[str, Any]], str]:
    """Return ``n`` entries after ``last``, a hundred if it is not said, and the query of the next page if there is one.

    More than a thousand are answered with as many: https://github.com/Azure/acr/issues/749
    """
    size = min(request.args.get("n", _A_PAGE, type=int), _MOST_A_PAGE)
    names, last = [entry[name] for entry in entries], request.args.get("last", "")
    start = names.index(last) + 1 if last in names else 0
    page = entries[start : start + size]
    more = {**request.args, "last": page[-1][name], "n": size} if start + size < len(entries) else {}
    return page, urlencode(more)
