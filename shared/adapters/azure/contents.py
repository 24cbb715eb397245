"""What one of our registries has by digest: its manifests, and its own lists of what refers to them.

The SDK reads manifests as objects, and knows no referrers; asked by its own pipeline the registry gives the very bytes.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.adapters.azure.errors import IMPORTER, azure_errors
from shared.adapters.links import next_link
from shared.domain.references import Digest
from shared.domain.travel.manifests import listed_in
from shared.domain.travel.referrers import LARGEST_MANIFEST, Listed, Listing
from shared.errors import DigestMismatch, MalformedInput, Unavailable

if TYPE_CHECKING:
    from azure.containerregistry import ContainerRegistryClient

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.artifact.manifest.v1+json",
    )
)
_INDEX = "application/vnd.oci.image.index.v1+json"
_MOST_PAGES = 10


class Contents:
    """The contents of one registry.

    Args:
        client: of its own API.
        login_server: its host.
    """

    def __init__(self, client: ContainerRegistryClient, login_server: str) -> None:
        self._client = client
        self._login_server = login_server

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """See ``TravelRegistry.manifest``. One request.

        Raises:
            NotPermitted, RateLimited, Unavailable: see ``shared.errors``.
            DigestMismatch: what was sent has another digest.
        """
        doing = f"reading {self._login_server}/{repository}@{digest}"
        answer = self._asked(doing, f"/v2/{repository}/manifests/{digest}", _MANIFESTS)
        if answer is None:
            return None
        body = bytes(answer.content)
        if len(body) > LARGEST_MANIFEST:
            raise Unavailable(f"{doing}: {len(body)} bytes were sent, which is no manifest")
        if digest.startswith("sha256:") and f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise DigestMismatch(f"{doing}: what was sent has another digest")
        return body

    def referrers(self, repository: str, digest: Digest) -> Listing | None:
        """See ``TravelRegistry.referrers``. One request for each page.

        Raises:
            NotPermitted, RateLimited, Unavailable: see ``shared.errors``.
        """
        doing = f"listing what refers to {self._login_server}/{repository}@{digest}"
        path, found = f"/v2/{repository}/referrers/{digest}", list[Listed]()
        for page in range(_MOST_PAGES):
            answer = self._asked(doing, path, _INDEX)
            if answer is None and not page:
                return None
            found += _entries(answer, digest, doing)
            path = _below(next_link(answer.headers.get("Link", ""))) if answer is not None else ""
            if not path:
                return Listing(tuple(found))
        raise Unavailable(f"{doing}: the list has more than {_MOST_PAGES} pages")

    def _asked(self, doing: str, path: str, accept: str) -> Any:
        """Return the answer; ``None`` for 404."""
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        sender: Any = self._client._client
        with azure_errors(doing, IMPORTER):
            answer = sender.send_request(HttpRequest("GET", path, headers={"Accept": accept}))
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
        if answer.status_code != 200:
            raise Unavailable(f"{doing}: the answer is not that of a registry (HTTP {answer.status_code})")
        return answer


def _entries(answer: Any, digest: Digest, doing: str) -> tuple[Listed, ...]:
    if answer is None:
        raise Unavailable(f"{doing}: a further page of the list is not there")
    try:
        return listed_in(bytes(answer.content), digest)
    except MalformedInput as error:
        raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error


def _below(link: str) -> str:
    """A next page is below the same address, whatever host a link names: the token is shown to no other."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if link and parts.path.startswith("/v2/") else ""
