"""What one of our registries holds: its manifests and tags listed with their locks, read, and deleted one by one.

https://learn.microsoft.com/rest/api/containerregistry/manifests/get-list
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import IMPORTER, azure_errors
from shared.adapters.redaction import redacted
from shared.domain.housekeeping.manifests import Links, Manifest, TagAt
from shared.domain.references import Digest, Tag, parse_digest, parse_tag
from shared.errors import InvalidReference, NotFound, Unavailable
from shared.housekeeping_ports import Locked

if TYPE_CHECKING:
    from azure.containerregistry import ArtifactTagProperties, ContainerRegistryClient
    from azure.core.exceptions import HttpResponseError

T = TypeVar("T", Manifest, TagAt)

# More is answered with as many as the registry gives at once (Azure/acr#749).
_A_PAGE = 1000
_NEWEST = 100
_NO_REPOSITORY = "NAME_UNKNOWN"
_LOCKED = 405
_DELETER = "AcrDelete"
# What the SDK raises where an answer lacks what it reads, and where a manifest is not of its digest.
_STRANGE = (InvalidReference, AttributeError, KeyError, TypeError, ValueError)


class _Locks(msgspec.Struct, frozen=True):
    """Who does not say whether it may be deleted does not say that it may."""

    deleteEnabled: bool = False  # noqa: N815  as the registry writes it
    writeEnabled: bool = False  # noqa: N815

    @property
    def locked(self) -> bool:
        return not (self.deleteEnabled and self.writeEnabled)


class _Listed(msgspec.Struct, frozen=True):
    digest: str
    changeableAttributes: _Locks  # noqa: N815
    mediaType: str = ""  # noqa: N815
    lastUpdateTime: datetime | None = None  # noqa: N815
    tags: tuple[str, ...] | None = None


class _Page(msgspec.Struct, frozen=True):
    manifests: tuple[_Listed, ...] | None = None


class _One(msgspec.Struct, frozen=True):
    manifest: _Listed


_PAGES = msgspec.json.Decoder(_Page)
_ONES = msgspec.json.Decoder(_One)


class RepositoryContents:
    """The port ``HouseRegistry`` for one Azure Container Registry.

    Args:
        clients: of the registry.
        login_server: its host.
    """

    def __init__(self, clients: AzureClients, login_server: str) -> None:
        self._clients = clients
        self._server = login_server

    def manifests(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See ``HouseRegistry.manifests``. The SDK leaves media types out, so that answers are read as they come.

        Raises:
            NotPermitted: the identity lacks a role.
            RateLimited: see ``shared.errors``.
            Unavailable: likewise; or the pages do not make a whole.
        """
        return _whole(self._manifests(repository, results_per_page=_A_PAGE), lambda one: one.digest)

    def newest(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """See ``HouseRegistry.newest`` and ``manifests``."""
        return self._manifests(repository, results_per_page=_NEWEST, order_by="timedesc")

    def tags(self, repository: str) -> Iterator[tuple[TagAt, ...]]:
        """See ``HouseRegistry.tags`` and ``manifests``."""
        return _whole(self._tags(repository), lambda one: one.name)

    def is_locked(self, repository: str) -> bool:
        """See ``HouseRegistry.is_locked``."""
        doing = f"reading the locks of {self._server}/{repository}"
        try:
            with self._reading(doing):
                found = self._client.get_repository_properties(repository)
                return not (found.can_delete and found.can_write)
        except NotFound:
            return False

    def links(self, repository: str, digest: Digest) -> Links | None:
        """See ``HouseRegistry.links``. The SDK compares what it reads with the digest."""
        doing = f"reading {self._server}/{repository}@{digest}"
        try:
            with self._reading(doing):
                return _links(self._client.get_manifest(repository, digest).manifest)
        except NotFound:
            return None

    def manifest(self, repository: str, digest: Digest) -> Manifest | None:
        """See ``HouseRegistry.manifest``."""
        bodies: list[bytes] = []
        try:
            with self._reading(f"looking at {self._server}/{repository}@{digest}"):
                self._client.get_manifest_properties(repository, digest, raw_response_hook=_into(bodies))
                return _manifest(_ONES.decode(bodies[-1]).manifest)
        except NotFound:
            return None

    def tag(self, repository: str, tag: Tag) -> TagAt | None:
        """See ``HouseRegistry.tag``."""
        try:
            with self._reading(f"looking at {self._server}/{repository}:{tag}"):
                return _tag(self._client.get_tag_properties(repository, tag))
        except NotFound:
            return None

    def delete_manifest(self, repository: str, digest: Digest) -> Locked | None:
        """See ``HouseRegistry.delete_manifest``."""
        what = f"{self._server}/{repository}@{digest}"
        return self._deleted(what, lambda: self._client.delete_manifest(repository, digest))

    def delete_tag(self, repository: str, tag: Tag) -> Locked | None:
        """See ``HouseRegistry.delete_tag``."""
        return self._deleted(f"{self._server}/{repository}:{tag}", lambda: self._client.delete_tag(repository, tag))

    def _deleted(self, what: str, delete: Callable[[], None]) -> Locked | None:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

        try:
            with azure_errors(f"deleting {what}", _DELETER):
                try:
                    delete()
                except HttpResponseError as error:
                    if error.status_code == _LOCKED:
                        return Locked(_told(error))
                    raise
        except NotFound:
            return None
        return None

    def _manifests(self, repository: str, **options: Any) -> Iterator[tuple[Manifest, ...]]:
        bodies: list[bytes] = []
        listed = self._client.list_manifest_properties(repository, raw_response_hook=_into(bodies), **options)
        for _ in self._pages(f"listing the manifests of {self._server}/{repository}", listed.by_page()):
            with self._reading(f"listing the manifests of {self._server}/{repository}"):
                found = tuple(_manifest(one) for one in _PAGES.decode(bodies[-1]).manifests or ())
            yield found

    def _tags(self, repository: str) -> Iterator[tuple[TagAt, ...]]:
        doing = f"listing the tags of {self._server}/{repository}"
        for page in self._pages(
            doing, self._client.list_tag_properties(repository, results_per_page=_A_PAGE).by_page()
        ):
            with self._reading(doing):
                found = tuple(_tag(one) for one in page)
            yield found

    def _pages(self, doing: str, pages: Iterator[Iterable[Any]]) -> Iterator[Sequence[Any]]:
        """Each page is asked for when it is needed; a repository that the registry does not know has none."""
        while True:
            try:
                with self._reading(doing):
                    page = _next(pages)
            except NotFound as error:  # from something before the registry: it knows nothing of the repository
                raise Unavailable(str(error), code=error.code) from error
            if page is None:
                return
            yield page

    @contextmanager
    def _reading(self, doing: str) -> Iterator[None]:
        try:
            with azure_errors(doing, IMPORTER):
                yield
        except (msgspec.DecodeError, *_STRANGE) as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    @property
    def _client(self) -> ContainerRegistryClient:
        return self._clients.data_plane(self._server)


def _next(pages: Iterator[Iterable[Any]]) -> Sequence[Any] | None:
    """Return the next page; ``None`` after the last, and where the registry says that there is no such repository."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

    try:
        page = next(pages, None)
        return None if page is None else list(page)
    except ResourceNotFoundError as error:
        if error.response is not None and _NO_REPOSITORY in error.response.text():
            return None
        raise


def _told(error: HttpResponseError) -> str:
    """Return the registry's own words for a refusal."""
    errors = getattr(error.model, "errors", None) or ()
    said = "; ".join(f"{one.code}: {one.message}" for one in errors)
    return redacted(said) or "the registry does not allow it"


def _into(bodies: list[bytes]) -> Any:
    def take(response: Any) -> None:
        bodies[:] = [response.http_response.body()]

    return take


def _manifest(one: _Listed) -> Manifest:
    return Manifest(
        digest=parse_digest(one.digest),
        media_type=one.mediaType,
        updated=one.lastUpdateTime,
        locked=one.changeableAttributes.locked,
        tags=tuple(parse_tag(tag) for tag in one.tags or ()),
    )


def _tag(one: ArtifactTagProperties) -> TagAt:
    return TagAt(
        name=parse_tag(one.name),
        digest=parse_digest(one.digest or ""),
        updated=one.last_updated_on,
        locked=not (one.can_delete and one.can_write),
    )


def _links(manifest: Any) -> Links:
    children = tuple(parse_digest(one["digest"]) for one in manifest.get("manifests") or ())
    subject = manifest.get("subject")
    return Links(children, parse_digest(subject["digest"]) if subject else Digest(""))


def _whole(pages: Iterator[tuple[T, ...]], name: Any) -> Iterator[tuple[T, ...]]:
    """Pass pages on, unless one is empty or repeats what came before it: nobody knows what was left out.

    Raises:
        Unavailable: that.
    """
    found: set[str] = set()
    for number, page in enumerate(pages):
        listed = {name(one) for one in page}
        if len(listed) < len(page) or (number and not listed) or not listed.isdisjoint(found):
            raise Unavailable(f"page {number + 1} of a listing brings nothing new, so it is not whole")
        found |= listed
        yield page
