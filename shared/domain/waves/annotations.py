"""What an image's manifest claims of its base, by the annotations that OCI names. Pure.

https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

from typing import Any

import msgspec

from shared.domain.waves.builders import Claim

_NAME, _DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
_LONGEST = 600


class _Manifest(msgspec.Struct):
    annotations: dict[str, Any] | None = None


_MANIFESTS = msgspec.json.Decoder(_Manifest)


def claim_of(image: str, manifest: bytes) -> Claim | None:
    """Return what a manifest, or an index, claims of its base; ``None`` if it claims nothing that can be read.

    Args:
        image: the image, with its registry and tag.
        manifest: its bytes, which anybody may have written.
    """
    try:
        said = _MANIFESTS.decode(manifest).annotations or {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    name, digest = said.get(_NAME), said.get(_DIGEST)
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST:
        return None
    return Claim(image, name, digest if isinstance(digest, str) and len(digest) <= _LONGEST else "")
