"""ACR's registry API: the OCI distribution routes, behind ACR's authentication and locks."""

from __future__ import annotations

import json

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.acr_auth import AcrAuth
from infra.local.emulator.acr_referrers import AcrReferrers
from infra.local.emulator.backing import Backing
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.front import Route
from infra.local.emulator.locks import Locks
from infra.local.emulator.proxy import forward
from infra.local.emulator.removal import Removal
from infra.local.emulator.settings import Settings
from infra.local.emulator.shelf import Shelf
from infra.local.emulator.tags_list import page_of_tags
from infra.local.emulator.wire import disallowed, nothing, registry_error

_MANIFEST = "/v2/<path:repository>/manifests/<reference>"
_BLOB = "/v2/<path:repository>/blobs/<digest>"
_UPLOADS = "/v2/<path:repository>/blobs/uploads/"
_UPLOAD = "/v2/<path:repository>/blobs/uploads/<upload>"


def name_the_api(request: Request, response: Response) -> None:
    """Say in the headers which API this is, as all but the token service does."""
    if not request.path.startswith("/oauth2/"):
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"


class AcrRegistry:
    """The routes of one registry's front."""

    def __init__(
        self,
        part: str,
        backing: Backing,
        shelf: Shelf,
        locks: Locks,
        auth: AcrAuth,
        catalog: Catalog,
        removal: Removal,
        referrers: AcrReferrers,
        settings: Settings,
    ) -> None:
        self._part = part
        self._backing = backing
        self._shelf = shelf
        self._locks = locks
        self._auth = auth
        self._catalog = catalog
        self._removal = removal
        self._referrers = referrers
        self._settings = settings

    def routes(self) -> list[Route]:
        """Return the routes served."""
        upload = [
            Route(method, _UPLOAD, f"{method} upload", self.push_blob) for method in ("GET", "PATCH", "PUT", "DELETE")
        ]
        return [
            Route("GET", "/v2/", "GET v2", self.version),
            Route("GET", "/v2/<path:repository>/tags/list", "GET tags list", self.tags),
            Route("HEAD", _MANIFEST, "HEAD manifest", self.pull),
            Route("GET", _MANIFEST, "GET manifest", self.pull),
            Route("PUT", _MANIFEST, "PUT manifest", self.push),
            Route("DELETE", _MANIFEST, "DELETE manifest", self.delete),
            Route("POST", _UPLOADS, "POST upload", self.push_blob),
            *upload,
            Route("GET", "/v2/<path:repository>/referrers/<digest>", "GET referrers", self.referrers),
            Route("HEAD", _BLOB, "HEAD blob", self.blob),
            Route("GET", _BLOB, "GET blob", self.blob),
            Route("DELETE", _BLOB, "DELETE blob", self.delete_blob),
        ]

    def version(self, request: Request) -> Response:
        """Answer that this is a registry, to whoever has any token for it."""
        self._auth.require(request, "")
        return forward(request, self._backing)

    def tags(self, request: Request, repository: str) -> Response:
        """Answer the tags that are not hidden."""
        self._require(request, repository, "pull")
        if not self._shelf.holds_something(repository):
            return registry_error(404, "NAME_UNKNOWN", f'repository "{repository}" is not found')
        tags = [tag for tag in self._shelf.tags(repository) if self._locks.may_list(self._part, repository, tag)]
        return page_of_tags(request, repository, tags)

    def pull(self, request: Request, repository: str, reference: str) -> Response:
        """Pass on a pull of a manifest, unless it or the tag it is asked for by is locked."""
        self._require(request, repository, "pull")
        if not self._locks.may_read(self._part, repository, reference, *self._meant(repository, reference)):
            abort(disallowed())
        return forward(request, self._backing)

    def push(self, request: Request, repository: str, reference: str) -> Response:
        """Pass on a push of a manifest, unless its tag is locked, or the manifest where it has none."""
        self._require(request, repository, "pull,push")
        body = request.get_data()
        subject = _subject(body)
        heeded = [subject] if subject and self._settings.now.manifest_locks_stop_referrers else []
        if not self._locks.may_write(self._part, repository, reference, *heeded):
            abort(disallowed())
        response = forward(request, self._backing, body)
        if response.status_code == 201:
            self._pushed(repository, reference, response.headers["Docker-Content-Digest"])
            self._referrers.tell_subject(response, subject)
        return response

    def delete(self, request: Request, repository: str, reference: str) -> Response:
        """Delete a manifest and what refers to it, unless the manifest or a tag on it is locked."""
        self._require(request, repository, "delete")
        if ":" not in reference:
            return registry_error(405, "UNSUPPORTED", "A manifest can only be deleted by digest.")
        if not self._shelf.has(repository, reference):
            return registry_error(404, "MANIFEST_UNKNOWN", f"manifest {reference} is not found")
        if self._removal.is_locked(repository, reference):
            abort(disallowed())
        self._removal.delete_manifest(repository, reference)
        return nothing(202)

    def blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Pass on a pull of a blob."""
        return self._pass(request, repository, "pull")

    def referrers(self, request: Request, repository: str, digest: str) -> Response:
        """Answer what refers to a manifest."""
        self._require(request, repository, "pull")
        return self._referrers.listed(request, repository, digest)

    def delete_blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - likewise
        """Pass on the deletion of a blob."""
        return self._pass(request, repository, "delete")

    def push_blob(self, request: Request, repository: str, upload: str = "") -> Response:  # noqa: ARG002 - likewise
        """Pass on a step of a blob's upload."""
        return self._pass(request, repository, "pull,push")

    def _meant(self, repository: str, reference: str) -> list[str]:
        """Return what besides a reference may forbid to pull by it: the manifest a tag is on, or an index above."""
        digest = reference if ":" in reference else self._shelf.tag(repository, reference)
        above = self._shelf.indexes_of(repository, digest) if self._settings.now.read_locks_cover_children else []
        return [digest, *above]

    def _pushed(self, repository: str, reference: str, digest: str) -> None:
        if ":" in reference:
            self._catalog.pushed(self._part, repository, digest)
        else:
            self._catalog.tagged(self._part, repository, reference, digest)

    def _pass(self, request: Request, repository: str, actions: str) -> Response:
        self._require(request, repository, actions)
        return forward(request, self._backing)

    def _require(self, request: Request, repository: str, actions: str) -> None:
        self._auth.require(request, f"repository:{repository}:{actions}")


def _subject(body: bytes) -> str:
    """Return the digest of what a manifest refers to; empty if to nothing, or if this is no manifest."""
    try:
        subject = json.loads(body).get("subject") or {}
        return str(subject.get("digest") or "")
    except (ValueError, AttributeError):
        return ""
