"""What lies beside an image, written as registries keep it: manifests, blobs, and lists of referrers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from shared.domain.references import Digest
from shared.domain.signatures.material import Artefact, ArtefactKind, Layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
SIGN = "https://sigstore.dev/cosign/sign/v1"
_TYPES = {
    ArtefactKind.SIGSTORE_BUNDLE: BUNDLE,
    ArtefactKind.NOTATION: NOTATION,
    ArtefactKind.COSIGN_LEGACY: "application/vnd.dev.cosign.artifact.sig.v1+json",
}


class Written(msgspec.Struct, frozen=True):
    """An artefact as a registry keeps it.

    Attributes:
        artefact: the same, with its manifest.
        digest: of the manifest.
        listed: what a list of referrers says of it.
    """

    artefact: Artefact
    digest: Digest
    listed: dict[str, Any]

    @property
    def manifest(self) -> bytes:
        """Its manifest."""
        return self.artefact.manifest

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """What its layers hold."""
        return tuple(layer.content for layer in self.artefact.layers)


def sha256(content: bytes) -> Digest:
    """Return the digest of some bytes."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def written(artefact: Artefact, subject: Digest, *, predicate: str = SIGN, said: bool = True) -> Written:
    """Write an artefact beside an image.

    Args:
        artefact: what is to lie there.
        subject: the image's digest.
        predicate: what a bundle's annotation says that it states.
        said: whether the list of referrers says what it is; GHCR's says that it is empty.
    """
    notes = {"dev.sigstore.bundle.predicateType": predicate} if artefact.kind is ArtefactKind.SIGSTORE_BUNDLE else {}
    # The older form is found by its tag alone.
    refers = artefact.kind is not ArtefactKind.COSIGN_LEGACY
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": _TYPES[artefact.kind],
        "config": {"mediaType": EMPTY, "digest": sha256(b"{}"), "size": 2},
        "layers": [_described(layer) for layer in artefact.layers],
        **({"subject": {"mediaType": MANIFEST, "digest": subject, "size": 1}} if refers else {}),
        "annotations": notes,
    }
    manifest = json.dumps(content).encode()
    listed: dict[str, Any] = {"mediaType": MANIFEST, "digest": sha256(manifest), "size": len(manifest)}
    listed |= {"artifactType": _TYPES[artefact.kind], "annotations": notes} if said else {"artifactType": EMPTY}
    return Written(msgspec.structs.replace(artefact, manifest=manifest), sha256(manifest), listed)


def index_of(*entries: object) -> dict[str, Any]:
    """Return a list of referrers."""
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}


def _described(layer: Layer) -> dict[str, Any]:
    told = {"mediaType": layer.media_type, "digest": sha256(layer.content), "size": len(layer.content)}
    return told | ({"annotations": layer.annotations} if layer.annotations else {})
