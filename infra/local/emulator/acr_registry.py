"""ACR's registry API: the OCI distribution routes, behind ACR's authentication and locks."""

from __future__ import annotations

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.acr_attributes import Attributes
from infra.local.emulator.acr_auth import AcrAuth
from infra.local.emulator.backing import Backing
from infra.local.emulator.front import Route
from infra.local.emulator.locks import Locks
from infra.local.emulator.proxy import forward
from infra.local.emulator.referrers import referrers
from infra.local.emulator.wire import disallowed

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

    def __init__(self, part: str, backing: Backing, attributes: Attributes, locks: Locks, auth: AcrAuth) -> None:
        self._part = part
        self._backing = backing
        self._attributes = attributes
        self._locks = locks
        self._auth = auth

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
        """Pass on a listing of tags."""
        return self._pass(request, repository, "pull")

    def pull(self, request: Request, repository: str, reference: str) -> Response:
        """Pass on a pull of a manifest, unless it is locked."""
        self._require(request, repository, "pull")
        if not self._locks.may_read(self._part, repository, reference):
            abort(disallowed())
        return forward(request, self._backing)

    def push(self, request: Request, repository: str, reference: str) -> Response:
        """Pass on a push of a manifest, unless its tag is locked."""
        self._require(request, repository, "pull,push")
        if not self._locks.may_write(self._part, repository, reference):
            abort(disallowed())
        return forward(request, self._backing)

    def delete(self, request: Request, repository: str, reference: str) -> Response:
        """Pass on a deletion, unless the manifest or a tag on it is locked."""
        self._require(request, repository, "delete")
        locked = self._attributes.tags_on(repository, reference)
        if not self._locks.may_delete(self._part, repository, reference, *locked):
            abort(disallowed())
        return forward(request, self._backing)

    def blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - the path says it
        """Pass on a pull of a blob."""
        return self._pass(request, repository, "pull")

    def referrers(self, request: Request, repository: str, digest: str) -> Response:
        """Answer what refers to a manifest."""
        self._require(request, repository, "pull")
        return referrers(request, self._backing, repository, digest)

    def delete_blob(self, request: Request, repository: str, digest: str) -> Response:  # noqa: ARG002 - likewise
        """Pass on the deletion of a blob."""
        return self._pass(request, repository, "delete")

    def push_blob(self, request: Request, repository: str, upload: str = "") -> Response:  # noqa: ARG002 - likewise
        """Pass on a step of a blob's upload."""
        return self._pass(request, repository, "pull,push")

    def _pass(self, request: Request, repository: str, actions: str) -> Response:
        self._require(request, repository, actions)
        return forward(request, self._backing)

    def _require(self, request: Request, repository: str, actions: str) -> None:
        self._auth.require(request, f"repository:{repository}:{actions}")
