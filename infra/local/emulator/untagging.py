"""Deleting a tag alone, which ACR does and the real registry (Distribution 2.8) cannot."""

from __future__ import annotations

import hashlib
import json
import uuid

from infra.local.emulator.backing import Backing

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = b"{}"


class Untagging:
    """Moves a tag to a manifest made for the purpose and deletes that: deleting a manifest deletes its tags.

    What the registry then tells of that manifest is to be ignored: in ACR, deleting a tag raises no event.
    """

    def __init__(self) -> None:
        self._made: set[str] = set()

    def untag(self, backing: Backing, repository: str, tag: str) -> None:
        """Delete a tag and leave the manifest it was on."""
        config = backing.push_blob(repository, _EMPTY)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": len(_EMPTY)},
            "layers": [],
            "annotations": {"made-for": str(uuid.uuid4())},
        }
        body = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self._made.add(digest)
        backing.push_manifest(repository, tag, body, _MANIFEST)
        backing.delete(repository, digest)

    def made(self, digest: str) -> bool:
        """Tell whether a manifest was made here."""
        return digest in self._made
