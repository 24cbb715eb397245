"""What housekeeping asks of registries and of its own records; see ``shared.ports`` for what holds for every port.

Each call is one request, and each page that is asked for: whoever asks counts them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from shared.domain.housekeeping.manifests import Links, Manifest, TagAt
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import Round
from shared.domain.housekeeping.task_runs import NamedRun
from shared.domain.references import Digest, Tag


class Locked(msgspec.Struct, frozen=True):
    """The registry does not delete it: somebody locked it.

    Attributes:
        detail: what the registry said.
    """

    detail: str


class HouseRegistry(Protocol):
    """One of our own registries, as what it holds is listed and deleted."""

    def manifests(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """Iterate over the pages of all manifests; none where there is no such repository, or it raises."""
        ...

    def tags(self, repository: str) -> Iterator[tuple[TagAt, ...]]:
        """Iterate over the pages of all tags; none where there is no such repository, or it raises."""
        ...

    def newest(self, repository: str) -> Iterator[tuple[Manifest, ...]]:
        """Iterate over the pages of manifests, what was written last first, as far as the registry keeps that order."""
        ...

    def is_locked(self, repository: str) -> bool:
        """Whether somebody locked the repository as a whole."""
        ...

    def links(self, repository: str, digest: Digest) -> Links | None:
        """Return what a manifest says of others, ``None`` if it is gone.

        Raises:
            Unavailable: it cannot be read, or is not of its digest; what it names is not known.
        """
        ...

    def manifest(self, repository: str, digest: Digest) -> Manifest | None:
        """Return a manifest as it is now, ``None`` if it is gone. Its media type may not be told."""
        ...

    def tag(self, repository: str, tag: Tag) -> TagAt | None:
        """Return a tag as it is now, ``None`` if it is gone."""
        ...

    def delete_manifest(self, repository: str, digest: Digest) -> Locked | None:
        """Delete a manifest with its tags and with what refers to it; what is gone already is deleted."""
        ...

    def delete_tag(self, repository: str, tag: Tag) -> Locked | None:
        """Delete a tag and leave its manifest; what is gone already is deleted."""
        ...


class RunNames(Protocol):
    """Names of runs in one registry with ACR Tasks."""

    def names(self) -> Iterator[tuple[NamedRun, ...]]:
        """Iterate over the pages of all names of runs, whoever gave them."""
        ...

    def name(self, name: str) -> NamedRun | None:
        """Return a name as it is now, ``None`` if it is gone."""
        ...

    def forget(self, name: str) -> None:
        """Delete the name of a run; no harm if it is gone already."""
        ...


class StoredRound(msgspec.Struct, frozen=True):
    """A round as it was read, with the ETag that guards its replacement."""

    round: Round
    etag: str


class StoredLinks(msgspec.Struct, frozen=True):
    """What is known of the manifests of a repository, with the ETag; empty if nothing was."""

    links: Mapping[Digest, Links]
    etag: str = ""


class HouseBooks(Protocol):
    """What housekeeping remembers."""

    def get(self) -> StoredRound | None:
        """Return the round; ``None`` if there was none yet.

        Raises:
            ServiceError: it cannot be read, and so nobody knows what was begun.
        """
        ...

    def put(self, stored: StoredRound | None, known: Round) -> StoredRound:
        """Write the round that nobody changed since it was read; ``None`` for the first one.

        Raises:
            Conflict: somebody did change it.
        """
        ...

    def links(self, place: Place, repository: str) -> StoredLinks:
        """Return what is known of the manifests of a repository; nothing if it cannot be read: it is asked for anew."""
        ...

    def keep_links(self, place: Place, repository: str, stored: StoredLinks, links: Mapping[Digest, Links]) -> None:
        """Write what is known of them.

        Raises:
            Conflict: somebody else did since it was read; what that knows is as true.
        """
        ...
