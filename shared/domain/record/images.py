"""What an image's manifest says of itself, and of which platforms' images an index is made. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.errors import MalformedInput

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
# What BuildKit writes of the parts of an index that say something of the others.
_REFERENCE, _UNKNOWN = "vnd.docker.reference.type", "unknown"


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """What a manifest says of something else."""

    media_type: str
    digest: str
    size: int


class Part(msgspec.Struct, frozen=True):
    """The image of one platform of an index.

    Attributes:
        at: its manifest.
        platform: such as ``("linux", "arm64", "v8")``; each of them empty where the index does not say.
    """

    at: Descriptor
    platform: tuple[str, str, str]


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str = ""


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    digest: str
    size: int
    media_type: str = MANIFEST_TYPE
    platform: _Platform | None = None
    annotations: dict[str, str] = {}

    @property
    def is_image(self) -> bool:
        """Whether it is an image, and no statement about one: those have no platform."""
        unknown = self.platform is not None and _UNKNOWN in {self.platform.os, self.platform.architecture}
        return not unknown and _REFERENCE not in self.annotations

    @property
    def part(self) -> Part:
        """What it is."""
        of = self.platform or _Platform()
        return Part(Descriptor(self.media_type, self.digest, self.size), (of.os, of.architecture, of.variant))


class _Image(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""
    manifests: tuple[_Part, ...] | None = None


_IMAGES = msgspec.json.Decoder(_Image)


def media_type_of(manifest: bytes) -> str:
    """Return the type of an image's manifest, or of its index; one that does not say is of OCI.

    Raises:
        MalformedInput: it is neither.
    """
    image = _image(manifest)
    return image.media_type or (INDEX_TYPE if image.manifests is not None else MANIFEST_TYPE)


def parts_of(manifest: bytes) -> tuple[Part, ...]:
    """Return the images of an index; none of a manifest that is no index.

    Raises:
        MalformedInput: it is no manifest.
    """
    return tuple(part.part for part in _image(manifest).manifests or () if part.is_image)


def of_platforms(parts: Iterable[Part], platforms: Iterable[str] | None) -> tuple[Part, ...]:
    """Return those images of an index that are meant by names of platforms, as scans and tests choose them.

    Args:
        parts: all of them.
        platforms: such as ``linux/arm64``; of several that fit, the first is meant. ``None`` for all.
    """
    known = tuple(parts)
    if platforms is None:
        return known
    chosen = (next((one for one in known if _fits(one.platform, name)), None) for name in platforms)
    return tuple({one.at.digest: one for one in chosen if one is not None}.values())


def _fits(platform: tuple[str, str, str], name: str) -> bool:
    wanted = name.split("/")
    return list(platform[: len(wanted)]) == wanted


def _image(manifest: bytes) -> _Image:
    try:
        return _IMAGES.decode(manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"it is no manifest that can be read: {error}") from None
