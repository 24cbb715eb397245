"""What was found beside an image that may be its signatures, as it was fetched. Records that are kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from shared.domain.references import Digest, parse_digest
from shared.errors import InvalidReference, MalformedInput

# Files of trust by their paths below config/trust/, such as keys/build.pem.
TrustFiles = Mapping[str, bytes]

# What is beyond these is not looked at, and said so: whoever may push beside an image may push much.
MOST_ARTEFACTS = 50
MOST_LAYERS = 50
MOST_SIGNATURES = 200
LARGEST_CONTENT = 1024 * 1024
LARGEST_MATERIAL = 128 * 1024 * 1024


class ArtefactKind(Enum):
    """In which form something lies beside an image."""

    COSIGN_LEGACY = "cosign-legacy"  # under the tag that ends in .sig, a signature in each layer
    SIGSTORE_BUNDLE = "sigstore-bundle"  # refers to the image, its layer is a sigstore bundle
    NOTATION = "notation"  # refers to the image, its layer is an envelope of the Notary Project


class Layer(msgspec.Struct, frozen=True):
    """One layer of such an artefact.

    Attributes:
        media_type: as the manifest says it.
        annotations: as the manifest says them.
        content: the layer's bytes.
    """

    media_type: str
    annotations: dict[str, str] = {}
    content: bytes = b""


class Artefact(msgspec.Struct, frozen=True):
    """Something that lies beside an image.

    Attributes:
        kind: its form.
        manifest: its manifest, as the registry sent it.
        layers: its layers, in the manifest's order.
    """

    kind: ArtefactKind
    manifest: bytes = b""
    layers: tuple[Layer, ...] = ()


class Material(msgspec.Struct, frozen=True):
    """All that was found beside an image.

    Attributes:
        digest: of the image, or of the index; what a signature must be about.
        media_type: of the image's manifest; empty where it is not known.
        artefacts: what was found.
    """

    digest: Digest
    media_type: str = ""
    artefacts: tuple[Artefact, ...] = ()


# Made here, for several modules read what is kept: docs/decisions/0016.
_MATERIALS = msgspec.json.Decoder(Material)


def read_material(raw: bytes) -> Material:
    """Read what was kept of what lies beside an image.

    Raises:
        MalformedInput: it is something else.
    """
    if len(raw) > LARGEST_MATERIAL:
        raise MalformedInput(f"it has more than {LARGEST_MATERIAL} bytes")
    try:
        material = _MATERIALS.decode(raw)
        parse_digest(material.digest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidReference) as error:
        raise MalformedInput(f"what lies beside an image was expected, as it is kept: {error}") from error
    return material
