"""Microsoft's public registry: anonymous pulls, and the portal's list of tags.

https://mcr.microsoft.com/
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.front import Route
from infra.local.emulator.proxy import forward
from infra.local.emulator.referrers import referrers, referring, under_tag
from infra.local.emulator.shelf import Shelf
from infra.local.emulator.tags_list import tags_list
from infra.local.emulator.wire import json_reply, timestamp

_MANIFEST = "/v2/<path:repository>/manifests/<reference>"
_BLOB = "/v2/<path:repository>/blobs/<digest>"


class Mcr:
    """The routes of mcr.microsoft.com."""

    def __init__(self, backing: Backing, shelf: Shelf, catalog: Catalog) -> None:
        self._backing = backing
        self._shelf = shelf
        self._catalog = catalog

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", "/v2/", "GET v2", self.pull),
            Route("HEAD", _MANIFEST, "HEAD manifest", self.pull),
            Route("GET", _MANIFEST, "GET manifest", self.pull),
            Route("HEAD", _BLOB, "HEAD blob", self.pull),
            Route("GET", _BLOB, "GET blob", self.pull),
            Route("GET", "/v2/<path:repository>/referrers/<digest>", "GET referrers", self.referrers),
            Route("GET", "/v2/<path:repository>/tags/list", "GET tags list", self.tags),
            Route("GET", "/api/v1/catalog/<path:repository>/tags", "GET catalog tags", self.catalog),
        ]

    def pull(self, request: Request, **_: str) -> Response:
        """Pass on a pull."""
        return forward(request, self._backing)

    def referrers(self, request: Request, repository: str, digest: str) -> Response:
        """Answer what refers to a manifest, in one page: by the tag for the list first, then by itself."""
        kept = under_tag(self._shelf, repository, digest)
        known = {entry["digest"] for entry in kept}
        named = [entry for entry in referring(self._shelf, repository, digest) if entry["digest"] not in known]
        return referrers(request, [*kept, *named], len(kept) + len(named))

    def tags(self, request: Request, repository: str) -> Response:
        """Answer a repository's tags."""
        return tags_list(request, self._backing, repository)

    def catalog(self, request: Request, repository: str) -> Response:
        """Answer all tags with their digests in one array, as the portal's API does for ``reg=mar``."""
        names = self._backing.tags(repository)
        if request.args.get("reg") != "mar" or not names:
            return json_reply({"message": "Not Found"}, 404)
        return json_reply([self._tag(repository, name) for name in names])

    def _tag(self, repository: str, name: str) -> dict[str, Any]:
        found = self._backing.head(repository, name)
        times = self._catalog.times("mcr", repository, name)
        return {
            "name": name,
            "digest": found.digest if found else None,
            "architecture": "amd64",
            "operatingSystem": "linux",
            "createdDate": timestamp(times.created),
            "lastModifiedDate": timestamp(times.updated),
        }
