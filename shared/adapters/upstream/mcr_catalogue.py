"""The catalogue behind Microsoft's portal of container images: all tags of a repository with their digests, at once.

https://mcr.microsoft.com/. Its API is not documented, so any surprise counts as no answer.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from shared.adapters.upstream.errors import UNREADABLE, status_error
from shared.adapters.upstream.hints import read_hint
from shared.adapters.upstream.http import UpstreamHttp
from shared.adapters.upstream.manifests import MANIFEST_TYPES
from shared.domain.references import Digest, Repository, Tag
from shared.errors import RateLimited, ServiceError, Unavailable
from shared.ports import Hint, Hints

log = logging.getLogger("tidegate.mcr")

# The repositories with the most tags answer with several megabytes.
_MOST_BYTES = 32 * 1024 * 1024
# Registries take no larger manifest.
_LARGEST_INDEX = 4 * 1024 * 1024
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class _Tag(msgspec.Struct, rename="camel"):
    name: str
    digest: str | None = None
    last_modified_date: str | None = None


class _Index(msgspec.Struct):
    manifests: list[msgspec.Raw] | None = None


_TAGS, _INDEX = msgspec.json.Decoder(list[_Tag]), msgspec.json.Decoder(_Index)


class McrCatalogue:
    """The port ``Catalogue`` of ``oci_registry``.

    Args:
        url: MCR's address, or that of a proxy.
        http: how MCR is asked.
    """

    def __init__(self, url: str, http: UpstreamHttp) -> None:
        self._url = url.rstrip("/")
        self._http = http

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:  # noqa: ARG002  it tells all
        """See the port. One request, however many tags there are.

        Raises:
            RateLimited: too many requests.
        """
        doing = f"MCR: reading the catalogue of {repository}"
        try:
            tags = self._ask(doing, repository)
        except RateLimited:
            raise
        except (ServiceError, *UNREADABLE) as error:
            log.warning("%s: no use, its registry is asked instead: %s", doing, error)
            return None
        hints = _latest_first(tags)
        return Hints(hints, complete=True) if hints else None

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int:  # noqa: ARG002  the digest tells
        """See the port. MCR counts no pulls, so the index itself is read.

        Raises:
            ServiceError: it could not be told this time.
        """
        doing = f"MCR: counting the manifests of {repository}@{digest}"
        url = f"{self._url}/v2/{repository.path}/manifests/{digest}"
        answer = self._http.ask(doing, url, headers={"Accept": ", ".join(MANIFEST_TYPES)}, most=_LARGEST_INDEX)
        if answer.status != 200:
            raise status_error(doing, answer.status, answer.headers)
        try:
            found = _INDEX.decode(answer.body).manifests
        except UNREADABLE:
            raise Unavailable(f"{doing}: the answer is no manifest", code="200") from None
        return 1 if found is None else len(found)

    def _ask(self, doing: str, repository: Repository) -> list[_Tag]:
        url = f"{self._url}/api/v1/catalog/{repository.path}/tags?reg=mar"
        answer = self._http.ask(doing, url, headers={"Accept": "application/json"}, most=_MOST_BYTES)
        if answer.status != 200:
            raise status_error(doing, answer.status, answer.headers)
        return _TAGS.decode(answer.body)


def _latest_first(tags: list[_Tag]) -> tuple[Hint, ...]:
    found: dict[Tag, Hint] = {}
    for entry in tags:
        hint = read_hint(entry.name, entry.digest, entry.last_modified_date)
        if hint is None:
            continue
        other = found.get(hint.tag)
        # A tag that is listed once for each architecture has no digest that could be believed.
        ambiguous = other is not None and other.digest != hint.digest
        found[hint.tag] = msgspec.structs.replace(hint, digest=Digest("")) if ambiguous else hint
    return tuple(sorted(found.values(), key=lambda hint: hint.updated or _LONG_AGO, reverse=True))
