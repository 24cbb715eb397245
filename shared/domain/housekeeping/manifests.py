"""What a registry tells of the manifests and tags of one repository, and what a manifest says of others."""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest, Tag

_OCI = "application/vnd.oci."
_DOCKER = "application/vnd.docker.distribution."
_INDEXES = frozenset({f"{_OCI}image.index.v1+json", f"{_DOCKER}manifest.list.v2+json"})
_LEAVES = frozenset({f"{_DOCKER}manifest.v2+json"})
_WITH_SUBJECT = frozenset(
    {
        f"{_OCI}image.manifest.v1+json",
        f"{_OCI}artifact.manifest.v1+json",
        "application/vnd.cncf.oras.artifact.manifest.v1+json",
    }
)
# How clients without the referrers API, and cosign before its third version, name what belongs to a digest.
_NAMES_SUBJECT = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})(?:\.[\w.-]+)?")


class Shape(Enum):
    """What a manifest may say of others, by its media type."""

    LEAF = "leaf"  # nothing: it names layers alone
    ARTIFACT = "artifact"  # maybe a subject
    INDEX = "index"  # its children, and maybe a subject
    UNKNOWN = "unknown"  # nobody here knows; whoever deletes it may break something


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest as its repository lists it.

    Attributes:
        digest: what it is known by.
        media_type: as the registry says; empty if it does not.
        updated: when it, or a tag of it, was last written, UTC; ``None`` if the registry does not say.
        locked: whether somebody forbade that it is deleted or written.
        tags: that the listing of manifests has at it.
    """

    digest: Digest
    media_type: str = ""
    updated: datetime | None = None
    locked: bool = False
    tags: tuple[Tag, ...] = ()

    @property
    def shape(self) -> Shape:
        """What it may say of others."""
        if self.media_type in _INDEXES:
            return Shape.INDEX
        if self.media_type in _WITH_SUBJECT:
            return Shape.ARTIFACT
        return Shape.LEAF if self.media_type in _LEAVES else Shape.UNKNOWN


class TagAt(msgspec.Struct, frozen=True, kw_only=True):
    """A tag as its repository lists it.

    Attributes:
        name: the tag.
        digest: what it points at.
        updated: when it was last written, UTC; ``None`` if the registry does not say.
        locked: whether somebody forbade that it is deleted or written.
    """

    name: Tag
    digest: Digest
    updated: datetime | None = None
    locked: bool = False


class Links(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one manifest says of others; it is true for ever, as its digest is of just that.

    Attributes:
        children: the manifests of an index.
        subject: what it refers to; empty if it refers to nothing.
    """

    children: tuple[Digest, ...] = ()
    subject: Digest = Digest("")


class Contents(msgspec.Struct, frozen=True):
    """All that a repository holds, listed to its end; half a listing is none."""

    manifests: tuple[Manifest, ...]
    tags: tuple[TagAt, ...]


def named_subject(tag: Tag) -> Digest | None:
    """Return the digest that a tag's name says it belongs to; ``None`` for the name of an image."""
    found = _NAMES_SUBJECT.fullmatch(tag)
    return Digest(f"sha256:{found['hex']}") if found else None
