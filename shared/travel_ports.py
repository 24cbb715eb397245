"""What is asked for what travels with images; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from shared.digest_ports import Holder
from shared.domain.references import Digest, Repository, Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import Attributes, Right
from shared.domain.travel.referrers import Listing
from shared.ports import Registry
from shared.signature_ports import Spend


class StoredCompanions(msgspec.Struct, frozen=True):
    """Companions as they were read, with the ETag that guards their replacement."""

    record: Companions
    etag: str


class CompanionRecords(Protocol):
    """What lies, or is to lie, beside digests in the base registry."""

    def get(self, companions_id: str) -> StoredCompanions | None:
        """Return the companions of a digest, or ``None`` if there are none."""
        ...

    def insert(self, companions: Companions) -> StoredCompanions:
        """Add the companions of a digest.

        Raises:
            Conflict: they are there already.
        """
        ...

    def replace(self, stored: StoredCompanions, companions: Companions) -> StoredCompanions:
        """Replace companions that nobody changed since they were read.

        Raises:
            Conflict: somebody did.
        """
        ...

    def of_repository(self, registry: str, repository: str) -> Iterator[StoredCompanions]:
        """Iterate over the companions of one repository of a base registry.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def every(self, registry: str) -> Iterator[StoredCompanions]:
        """Iterate over the companions of a base registry.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...

    def due(self, moment: datetime) -> Iterator[StoredCompanions]:
        """Iterate over the companions that are to be looked at by a moment, UTC.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...


class NamedDigest(msgspec.Struct, frozen=True):
    """A unique tag, and what it is for.

    Attributes:
        registry: the base registry's name, in small letters.
        repository: in the base registry.
        name: the unique tag.
        digest: whose name it is for good.
        tag: the tag that was to be moved to the digest.
        number: that decision's.
        at: when the name was chosen, UTC.
    """

    registry: str
    repository: str
    name: Tag
    digest: Digest
    tag: Tag
    number: int
    at: datetime


class UniqueNames(Protocol):
    """Which digest has which unique tag: a name is given once, to whoever asks first."""

    def claim(self, named: NamedDigest) -> NamedDigest:
        """Give a digest a name, and return whose name it is: another digest may have asked before."""
        ...

    def get(self, registry: str, repository: str, name: Tag) -> NamedDigest | None:
        """Return whose name it is, or ``None`` if it was given to nobody."""
        ...

    def of_repository(self, registry: str, repository: str) -> Iterator[NamedDigest]:
        """Iterate over the names given in a repository.

        Raises:
            ServiceError: some cannot be read; after all others, so that they keep nobody from the rest.
        """
        ...


class LockRegistry(Protocol):
    """One of our own registries, as far as locks go: of tags by their names, and of manifests by their digests.

    A lock of a repository can be read, and cannot be changed by any call here.
    """

    def attributes(self, repository: str, of: str) -> Attributes | None:
        """Return what a tag, or a manifest, is closed to; that of the repository itself for an empty ``of``.

        Returns:
            ``None`` if there is nothing of that name, which says nothing of anything else.
        """
        ...

    def lock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """Close rights of a tag or a manifest, and leave all others as they are.

        Returns:
            What it is closed to now; ``None`` if there is nothing of that name, and nothing was changed.

        Raises:
            InvalidReference: it is no tag and no digest; nothing was asked.
        """
        ...

    def unlock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """Open rights of a tag or a manifest; see ``lock``."""
        ...

    def closed(self, repository: str) -> Mapping[Digest, frozenset[Right]]:
        """Return every manifest of a repository, and what each is closed to: all of them, or it raises."""
        ...


class TravelRegistry(Registry, Holder, LockRegistry, Protocol):
    """One of our own registries, into which referrers come: ``start_import`` without a tag leaves none."""

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """Return the very bytes that have a digest, or ``None`` if they are not there.

        Raises:
            DigestMismatch: what was sent has another digest.
        """
        ...

    def referrers(self, repository: str, digest: Digest) -> Listing | None:
        """Return what the registry itself lists as referrers of a digest; ``None`` if it keeps no such lists."""
        ...


class ReferrerSource(Protocol):
    """A public registry."""

    def referrers(self, repository: Repository, manifests: Sequence[Digest], spend: Spend) -> Listing:
        """Return what refers to an image, to its platforms, and to what refers to them, to the depth of three.

        Args:
            repository: in this upstream.
            manifests: the image first, then its platforms.
            spend: grants each request.

        Raises:
            ServiceError: the registry, or its budget, did not let it be read; then nothing is known.
        """
        ...
