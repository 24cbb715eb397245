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
from infra.local.emulator.backing import Backing
from infra.local.emulator.front import Route
from infra.local.emulator.locks import Locks
from infra.local.emulator.untagging import Untagging
from infra.local.emulator.wire import disallowed, json_object, json_reply, nothing, registry_error, unknown_operation

_ONE = "/acr/v1/<path:repository>"
_TAGS_A_PAGE, _MOST_TAGS_A_PAGE = 100, 1000


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
        backing: Backing,
        attributes: Attributes,
        locks: Locks,
        auth: AcrAuth,
        untagging: Untagging,
    ) -> None:
        self._part = part
        self._host = host
        self._backing = backing
        self._attributes = attributes
        self._locks = locks
        self._auth = auth
        self._untagging = untagging

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
        """Answer the names of all repositories that hold something."""
        self._auth.require(request, "registry:catalog:*")
        names = [name for name in self._backing.repositories() if self._backing.tags(name)]
        return json_reply({"repositories": names})

    def repository(self, request: Request, repository: str) -> Response:
        """Answer one repository."""
        self._require(request, repository, "metadata_read")
        attributes = found(self._attributes.repository(repository), _repository(repository))
        return self._reply(repository, attributes)

    def tags(self, request: Request, repository: str) -> Response:
        """Answer a repository's tags, or those that point at ``digest``."""
        self._require(request, repository, "metadata_read")
        found(self._attributes.repository(repository), _repository(repository))
        names = self._backing.tags(repository)
        listed = [self._attributes.tag(repository, name) for name in names]
        digest = request.args.get("digest")
        wanted = [tag for tag in listed if tag and digest in (None, tag["digest"])]
        page, link = _page(_in_order(wanted, request), request)
        reply = self._reply(repository, {"tags": page})
        if link:
            reply.headers["Link"] = f'<{request.path}?{link}>; rel="next"'
        return reply

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
        self._untagging.untag(self._backing, repository, tag)
        return nothing(202)

    def manifests(self, request: Request, repository: str) -> Response:
        """Answer a repository's manifests, tagged or not."""
        self._require(request, repository, "metadata_read")
        listed = [self._attributes.manifest(repository, digest) for digest in self._attributes.digests(repository)]
        return self._reply(repository, {"manifests": _ordered([entry for entry in listed if entry], request)})

    def manifest(self, request: Request, repository: str, digest: str) -> Response:
        """Answer one manifest's attributes."""
        self._require(request, repository, "metadata_read")
        attributes = found(self._attributes.manifest(repository, digest), _manifest(digest))
        return self._reply(repository, {"manifest": attributes})

    def streaming(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Answer that nothing is known of artifact streaming."""
        self._require(request, repository, "metadata_read")
        return unknown_operation()

    def lock_manifest(self, request: Request, repository: str, digest: str) -> Response:
        """Change what may be done with a manifest."""
        self._require(request, repository, "metadata_write")
        found(self._attributes.manifest(repository, digest), _manifest(digest))
        self._locks.change(self._part, repository, digest, json_object(request))
        return self._reply(repository, {"manifest": self._attributes.manifest(repository, digest)})

    def lock_repository(self, request: Request, repository: str) -> Response:
        """Change what may be done with a repository."""
        self._require(request, repository, "metadata_write")
        found(self._attributes.repository(repository), _repository(repository))
        self._locks.change(self._part, repository, "", json_object(request))
        return self._reply(repository, self._attributes.repository(repository) or {})

    def delete(self, request: Request, repository: str) -> Response:
        """Delete all that is in a repository, unless something in it is locked."""
        self._require(request, repository, "delete")
        tags, digests = self._backing.tags(repository), self._attributes.digests(repository)
        if not self._locks.may_delete(self._part, repository, *tags, *digests):
            abort(disallowed())
        deleted = [digest for digest in digests if self._backing.delete(repository, digest)]
        return json_reply({"manifestsDeleted": deleted, "tagsDeleted": tags}, 202)

    def _require(self, request: Request, repository: str, action: str) -> None:
        self._auth.require(request, f"repository:{repository}:{action}")

    def _reply(self, repository: str, body: dict[str, Any]) -> Response:
        return json_reply({"registry": self._host, "imageName": repository, **body})


def _ordered(entries: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """Return the entries in the order asked for, at most ``n`` of them."""
    return _in_order(entries, request)[: request.args.get("n", type=int)]


def _in_order(entries: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    order = request.args.get("orderby", "")
    if order in ("timedesc", "timeasc"):
        return sorted(entries, key=lambda entry: entry["lastUpdateTime"], reverse=order == "timedesc")
    return entries


def _page(entries: list[dict[str, Any]], request: Request) -> tuple[list[dict[str, Any]], str]:
    """Return ``n`` entries after ``last``, a hundred if it is not said, and the query of the next page if there is one.

    More than a thousand are answered with as many: https://github.com/Azure/acr/issues/749
    """
    size = min(request.args.get("n", _TAGS_A_PAGE, type=int), _MOST_TAGS_A_PAGE)
    names, last = [entry["name"] for entry in entries], request.args.get("last", "")
    start = names.index(last) + 1 if last in names else 0
    page = entries[start : start + size]
    more = {**request.args, "last": page[-1]["name"], "n": size} if start + size < len(entries) else {}
    return page, urlencode(more)
