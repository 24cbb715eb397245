"""Locks in one of our registries: told of tags, manifests and repositories, closed and opened of tags and manifests.

https://learn.microsoft.com/azure/container-registry/container-registry-image-lock
A repository's own lock is read and never written: nothing here can name a repository alone in a change, whatever is
not there (Azure/azure-cli#31878).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from shared.adapters.azure.errors import IMPORTER, LOCKER, azure_errors, words
from shared.domain.references import Digest, parse_digest, parse_tag
from shared.domain.travel.locked import Attributes, Right, is_digest
from shared.errors import InvalidReference, Locked, NotFound, Unavailable

if TYPE_CHECKING:
    from azure.containerregistry import ArtifactManifestProperties, ContainerRegistryClient

_A_PAGE = 1000
_LOCKED = 405
_NO_REPOSITORY = "NAME_UNKNOWN"
_RIGHTS = {Right.WRITE: "can_write", Right.DELETE: "can_delete", Right.READ: "can_read"}
# What the SDK raises where an answer lacks what it reads.
_STRANGE = (InvalidReference, AttributeError, KeyError, TypeError, ValueError)


class RegistryLocks:
    """The locks of one registry.

    Args:
        client: of its own API.
        login_server: its host.
    """

    def __init__(self, client: ContainerRegistryClient, login_server: str) -> None:
        self._client = client
        self._login_server = login_server

    def attributes(self, repository: str, of: str) -> Attributes | None:
        """See ``LockRegistry.attributes``. One request.

        Raises:
            NotPermitted, RateLimited, Unavailable: see ``shared.errors``.
        """
        doing = f"reading the lock of {self._place(repository, of)}"
        if not of:
            return self._asked(doing, IMPORTER, lambda: self._client.get_repository_properties(repository))
        if is_digest(of):
            return self._asked(doing, IMPORTER, lambda: self._client.get_manifest_properties(repository, of))
        return self._asked(doing, IMPORTER, lambda: self._client.get_tag_properties(repository, of))

    def change(self, repository: str, of: str, rights: Collection[Right], *, closes: bool) -> Attributes | None:
        """Close or open rights of a tag or a manifest, and no other. One request.

        Args:
            repository: its repository.
            of: the tag or the digest.
            rights: which.
            closes: whether they are closed; else opened.

        Returns:
            What the registry tells afterwards; ``None`` if there is nothing of that name, and nothing was changed.

        Raises:
            InvalidReference: it is no tag and no digest.
            NotPermitted, Locked, RateLimited, Unavailable: see ``shared.errors``.
        """
        named = {_RIGHTS[right]: not closes for right in rights}
        doing = f"{'locking' if closes else 'unlocking'} {self._place(repository, of)}"
        if is_digest(of):
            digest = parse_digest(of)
            return self._asked(
                doing, LOCKER, lambda: self._client.update_manifest_properties(repository, digest, **named)
            )
        tag = parse_tag(of)
        return self._asked(doing, LOCKER, lambda: self._client.update_tag_properties(repository, tag, **named))

    def closed(self, repository: str) -> dict[Digest, frozenset[Right]]:
        """See ``LockRegistry.closed``. One request for each thousand.

        Raises:
            NotPermitted, RateLimited, Unavailable: see ``shared.errors``.
        """
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        doing = f"listing the manifests of {self._login_server}/{repository}"
        try:
            with azure_errors(doing, IMPORTER):
                try:
                    pages = self._client.list_manifest_properties(repository, results_per_page=_A_PAGE).by_page()
                    return _whole(pages, doing)
                except ResourceNotFoundError as error:
                    if error.response is not None and _NO_REPOSITORY in error.response.text():
                        return {}
                    raise Unavailable(f"{doing}: {error}") from None
        except _STRANGE as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    def _asked(self, doing: str, role: str, call: Callable[[], Any]) -> Attributes | None:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

        try:
            with azure_errors(doing, role):
                try:
                    return attributes_of(call())
                except HttpResponseError as error:
                    if error.status_code == _LOCKED:
                        raise Locked(f"{doing}: {words(error)}; who locked it has to open it") from None
                    raise
        except NotFound:
            return None
        except _STRANGE as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    def _place(self, repository: str, of: str) -> str:
        return f"{self._login_server}/{repository}" + (f"{'@' if is_digest(of) else ':'}{of}" if of else "")


def attributes_of(found: Any) -> Attributes:
    """Return what the SDK read of a tag, a manifest or a repository. What is not told is taken to be open."""
    closed = frozenset(right for right, name in _RIGHTS.items() if getattr(found, name) is False)
    told = getattr(found, "digest", "")
    return Attributes(closed, parse_digest(told) if told else Digest(""))


def _whole(pages: Iterable[Iterable[ArtifactManifestProperties]], doing: str) -> dict[Digest, frozenset[Right]]:
    found: dict[Digest, frozenset[Right]] = {}
    for number, page in enumerate(pages):
        listed = {parse_digest(one.digest or ""): attributes_of(one).closed for one in page}
        if number and (not listed or not listed.keys().isdisjoint(found)):
            raise Unavailable(f"{doing}: page {number + 1} brings nothing new, so the listing is not whole")
        found |= listed
    return found
