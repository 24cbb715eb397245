"""Who plays: eighty tags upstream, and the images they bear. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import count

from infra.local.twin.images import OCI_INDEX, OCI_MANIFEST, digest_of
from tests.chaos.waving import ROLLS, breaks

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
UNIQUE_TAG = "{tag}-{yyyymmdd}.{n}"
GATE = "release"
# Of 256 digests this many are rejected by their gate.
_REJECTED = 24
_CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass(frozen=True)
class Asked:
    """What an entry of the watch list wants beside its images.

    Attributes:
        referrers: what becomes of signatures and the like.
        record: whether a record of the decision lies beside the image.
        lock: what is locked.
    """

    referrers: str = "off"
    record: bool = False
    lock: tuple[str, ...] = ()

    @property
    def unique(self) -> bool:
        """Whether each digest keeps a name."""
        return bool(self.lock)

    def fields(self) -> str:
        """Return it as it stands in an entry."""
        more = f", referrers: '{self.referrers}', record: {str(self.record).lower()}"
        more += f", unique_tag: '{UNIQUE_TAG}'" if self.unique else ""
        return more + (f", lock: [{', '.join(self.lock)}]" if self.lock else "")


NOTHING_ASKED = Asked()
# By repository; of the others nothing travels. Where the stable tag is not locked by us, people lock it.
_ASKED = {
    "library/ant": Asked("required", record=True, lock=("unique", "stable")),
    "team/cat": Asked("best-effort", lock=("unique",)),
    "set/elk": Asked("best-effort", record=True, lock=("unique", "stable")),
    "org/hen": Asked("required", lock=("unique",)),
}
# Of these each release is an index of two platforms.
_OF_PLATFORMS = frozenset({"library/ant", "org/hen"})


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

    @property
    def asked(self) -> Asked:
        """What travels with its images, in a storm in which anything does."""
        return _ASKED.get(self.repository, NOTHING_ASKED)


PLACES = tuple(Place(part, repository, tag) for part, repository in _REPOSITORIES for tag in _TAGS)
TRAVELLING = tuple(place for place in PLACES if place.asked != NOTHING_ASKED)
# Whose tags people may lock: we lock other things there, so that whoever sees a lock knows whose it is.
LOCKABLE = tuple(place for place in PLACES if place.asked.lock == ("unique",))


def host_of(part: str, other: str) -> str:
    """Return the host by which the watch list names a part; ``other`` is that of the other registry."""
    return {"docker_hub": "docker.io", "mcr": "mcr.microsoft.com", "other": other}[part]


def watch_list(other: str, *, travels: bool = True) -> str:
    """Return the watch list; ``other`` is the host of the other registry, and ``travels`` whether anything does.

    What stands in the base registry is not adopted: a tag that moves before it was ever looked at is to follow.
    """
    lines = ["images:"]
    for part, repository in _REPOSITORIES:
        name = repository.rpartition("/")[2]
        source = f"{host_of(part, other)}/{repository}"
        tags = ", ".join(f'"{tag}"' for tag in _TAGS)
        entry = f"name: {name}, source: '{source}', tags: [{tags}], target: base/{name}, gate: {GATE}, adopt: false"
        asked = _ASKED.get(repository, NOTHING_ASKED) if travels else NOTHING_ASKED
        rolls = ROLLS[repository].fields() if repository in ROLLS else ""
        lines.append(f"  - {{{entry}{asked.fields()}{rolls}}}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Image:
    """What a release is made of: small enough to be copied in no time, and another digest for each release.

    Attributes:
        manifest: its bytes; of an index, that of the index.
        blobs: what it refers to.
        platforms: the images of an index.
    """

    manifest: bytes
    blobs: tuple[bytes, ...] = ()
    platforms: tuple[Image, ...] = ()

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest_of(self.manifest)

    @property
    def media_type(self) -> str:
        """The manifest's."""
        return OCI_INDEX if self.platforms else OCI_MANIFEST


def release_of(place: Place, release: str) -> Image:
    """Return what a release of a place's repository is: an index of two platforms, or an image."""
    if place.repository not in _OF_PLATFORMS:
        return image_of(release)
    # One platform is the same in every release: what locks one index locks a part of all others.
    platforms = {"amd64": image_of(release), "arm64": image_of(f"{place.repository} of old", "arm64")}
    listed = [
        {**_described(OCI_MANIFEST, image.manifest), "platform": {"os": "linux", "architecture": name}}
        for name, image in platforms.items()
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    return Image(json.dumps(index).encode(), platforms=tuple(platforms.values()))


def image_of(release: str, architecture: str = "amd64") -> Image:
    """Return the image of a release."""
    layer = f"layer of {release}".encode()
    config = json.dumps({"os": "linux", "architecture": architecture, "release": release}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _described(_CONFIG, config),
        "layers": [_described("application/vnd.oci.image.layer.v1.tar", layer)],
    }
    return Image(json.dumps(manifest).encode(), (config, layer))


def first_image(place: Place) -> Image:
    """Return what a tag bears at first; it passes, for what tasks are built on has to be there before the storm."""
    releases = (release_of(place, f"{place} first {number}") for number in count())
    return next(image for image in releases if passes(image.digest) and not breaks(image.digest))


def passes(digest: str) -> bool:
    """Whether an image passes its gate: the double of the task runner and the judge go by the same rule."""
    return int(digest.partition(":")[2][:2], 16) >= _REJECTED


def seconds_of(name: str) -> float:
    """Return how long a run takes: long enough that something may die meanwhile, and the same for the same name."""
    return 0.1 + hashlib.sha256(name.encode()).digest()[0] / 400


def _described(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
