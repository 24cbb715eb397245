"""Which manifests say that they are about an image: the registry's own list, or the tag that clients keep instead.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from shared.adapters.upstream.errors import UNREADABLE
from shared.adapters.upstream.http import Answer
from shared.domain.references import Digest, parse_digest
from shared.errors import InvalidReference

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_REFERRERS = re.compile(r"(https://[^/?#]+)?/v2/[^?#]+/referrers/sha256:[0-9a-f]{64}(\?[^#]*)?$")


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """What an index or a manifest says of something else; nothing of it is believed but by its digest.

    Attributes:
        digest: of it.
        size: bytes.
        media_type: its type.
        artifact_type: what an index says that it is.
        annotations: what is said besides.
    """

    digest: str
    size: int = 0
    media_type: str = ""
    artifact_type: str = ""
    annotations: dict[str, str] | None = None

    @property
    def valid_digest(self) -> Digest | None:
        """The digest, if it is one."""
        try:
            return parse_digest(self.digest)
        except InvalidReference:
            return None


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """A manifest as far as it matters here."""

    schema_version: int = 0
    layers: list[Descriptor] = []


class _Index(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    manifests: list[msgspec.Raw] | None = None


_INDEX = msgspec.json.Decoder(_Index)
_DESCRIPTOR = msgspec.json.Decoder(Descriptor)
_MANIFEST = msgspec.json.Decoder(Manifest)


def leads_to_referrers(url: str) -> bool:
    """Whether an address that a list of referrers redirects to is such a list; GHCR leads to its web pages."""
    return _REFERRERS.match(url) is not None


def read_index(answer: Answer) -> list[Descriptor | None] | None:
    """Read a list of referrers.

    Args:
        answer: to a request for one, or for the tag that stands for it.

    Returns:
        Its entries, ``None`` for one that cannot be read; ``None`` instead of all if it is no list: what web servers
        answer with 200 is no reason to take an image for unsigned.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        index = _INDEX.decode(answer.body)
    except UNREADABLE:
        return None
    told = index.media_type or kind
    if answer.status != 200 or index.schema_version != 2 or index.manifests is None or told not in INDEX_TYPES:
        return None
    return list(_entries(index.manifests))


def read_manifest(body: bytes) -> Manifest | None:
    """Read a manifest; ``None`` if it is none that has layers."""
    try:
        return _MANIFEST.decode(body)
    except UNREADABLE:
        return None


def _entries(raw: Iterable[msgspec.Raw]) -> Iterable[Descriptor | None]:
    for one in raw:
        try:
            entry = _DESCRIPTOR.decode(one)
        except UNREADABLE:
            yield None
        else:
            yield entry if entry.valid_digest is not None else None
