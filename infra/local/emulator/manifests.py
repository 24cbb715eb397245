"""A manifest as the registry keeps it, read for what it says of others: its children, its subject, its kind.

https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = (OCI_INDEX, DOCKER_LIST)


@dataclass(frozen=True)
class Manifest:
    """One manifest or index.

    Attributes:
        digest: of its bytes.
        size: how many those are.
        content: what it says.
    """

    digest: str
    size: int
    content: Mapping[str, Any]

    @staticmethod
    def read(digest: str, body: bytes) -> Manifest:
        """Return the manifest that some bytes are."""
        return Manifest(digest, len(body), json.loads(body))

    @property
    def media_type(self) -> str:
        """Its media type; one that does not say is told by its fields, as the registry does."""
        said = self.content.get("mediaType")
        return str(said) if said else (OCI_INDEX if "manifests" in self.content else OCI_MANIFEST)

    @property
    def is_index(self) -> bool:
        """Whether it lists other manifests."""
        return self.media_type in INDEXES

    @property
    def children(self) -> list[dict[str, Any]]:
        """Descriptors of what an index lists."""
        return list(self.content.get("manifests") or [])

    @property
    def subject(self) -> str:
        """Digest of the manifest that it refers to; empty if it refers to none."""
        return str((self.content.get("subject") or {}).get("digest") or "")

    @property
    def config(self) -> Mapping[str, Any]:
        """Descriptor of the configuration; empty for an index."""
        return self.content.get("config") or {}

    @property
    def artifact_type(self) -> str:
        """What a list of referrers calls it: its own word, or its configuration's type."""
        return str(self.content.get("artifactType") or self.config.get("mediaType") or "")

    @property
    def layers_size(self) -> int:
        """Bytes of its layers, which ACR calls the size of an image; of an index, its own."""
        layers = self.content.get("layers")
        return sum(int(layer["size"]) for layer in layers) if layers else self.size
