"""Who plays: eighty tags upstream, the application tasks that are built on some, and the images they bear. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import count

from infra.local.twin.images import OCI_MANIFEST, digest_of

_TAGS = tuple(str(number) for number in range(1, 11))
# Part of the twin, repository in it. Of each, all tags are watched.
_REPOSITORIES = (
    ("docker_hub", "library/ant"),
    ("docker_hub", "library/bee"),
    ("docker_hub", "team/cat"),
    ("docker_hub", "team/dog"),
    ("mcr", "set/elk"),
    ("mcr", "set/fox"),
    ("other", "org/gnu"),
    ("other", "org/hen"),
)
_TASKS = 12
GATE = "release"
# Of 256 digests this many are rejected by their gate.
_REJECTED = 24
_CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass(frozen=True, order=True)
class Place:
    """One watched tag: where it is upstream, and so where it goes in the base registry."""

    part: str
    repository: str
    tag: str

    @property
    def base_repository(self) -> str:
        """Where it goes."""
        return f"base/{self.repository.rpartition('/')[2]}"

    @property
    def target(self) -> str:
        """The tag of the base registry, as ``base/ant:1``."""
        return f"{self.base_repository}:{self.tag}"


PLACES = tuple(Place(part, repository, tag) for part, repository in _REPOSITORIES for tag in _TAGS)
# What each application task is built on: two tags.
TASKS = {
    f"app-{number}": (PLACES[number * 5 % len(PLACES)], PLACES[(number * 7 + 3) % len(PLACES)])
    for number in range(_TASKS)
}
BUILT_ON = tuple(sorted({place for places in TASKS.values() for place in places}))


def host_of(part: str, other: str) -> str:
    """Return the host by which the watch list names a part; ``other`` is that of the other registry."""
    return {"docker_hub": "docker.io", "mcr": "mcr.microsoft.com", "other": other}[part]


def watch_list(other: str) -> str:
    """Return the watch list; ``other`` is the host of the other registry.

    What stands in the base registry is not adopted: a tag that moves before it was ever looked at is to follow.
    """
    lines = ["images:"]
    for part, repository in _REPOSITORIES:
        name = repository.rpartition("/")[2]
        source = f"{host_of(part, other)}/{repository}"
        tags = ", ".join(f'"{tag}"' for tag in _TAGS)
        entry = f"name: {name}, source: '{source}', tags: [{tags}], target: base/{name}, gate: {GATE}, adopt: false"
        lines.append(f"  - {{{entry}}}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Image:
    """What a release is made of: small enough to be copied in no time, and another digest for each release."""

    manifest: bytes
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest_of(self.manifest)


def image_of(release: str) -> Image:
    """Return the image of a release."""
    layer = f"layer of {release}".encode()
    config = json.dumps({"os": "linux", "architecture": "amd64", "release": release}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _described(_CONFIG, config),
        "layers": [_described("application/vnd.oci.image.layer.v1.tar", layer)],
    }
    return Image(json.dumps(manifest).encode(), (config, layer))


def first_image(place: Place) -> Image:
    """Return what a tag bears at first; it passes, for what tasks are built on has to be there before the storm."""
    releases = (image_of(f"{place} first {number}") for number in count())
    return next(image for image in releases if passes(image.digest))


def passes(digest: str) -> bool:
    """Whether an image passes its gate: the double of the task runner and the judge go by the same rule."""
    return int(digest.partition(":")[2][:2], 16) >= _REJECTED


def seconds_of(name: str) -> float:
    """Return how long a run takes: long enough that something may die meanwhile, and the same for the same name."""
    return 0.1 + hashlib.sha256(name.encode()).digest()[0] / 400


def _described(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
