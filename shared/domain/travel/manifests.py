"""What manifests say that travel: the parts of an index, and what a referrer is about. Pure."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from shared.domain.references import Digest, parse_digest
from shared.domain.travel.referrers import LARGEST_REFERRER, Listed, Referrer, ReferrerState, Refusal
from shared.errors import InvalidReference, MalformedInput

_IMAGE_OF_DOCKER = "application/vnd.docker.container.image.v1+json"


class _Part(msgspec.Struct, rename="camel"):
    digest: str = ""
    size: int = 0
    media_type: str = ""
    artifact_type: str = ""


class _Manifest(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    artifact_type: str = ""
    config: _Part | None = None
    layers: list[_Part] | None = None
    manifests: list[_Part] | None = None
    subject: _Part | None = None


_MANIFEST = msgspec.json.Decoder(_Manifest)


def parts_of(body: bytes) -> tuple[Digest, ...]:
    """Return the manifests that an index is made of; none for a manifest that is no index.

    Raises:
        MalformedInput: it is no manifest, or names something that has no digest.
    """
    try:
        manifest = _read(body)
        return tuple(dict.fromkeys(parse_digest(one.digest) for one in manifest.manifests or ()))
    except InvalidReference as error:
        raise MalformedInput(f"an index names what has no digest: {error}") from error


def listed_in(body: bytes, subject: Digest) -> tuple[Listed, ...]:
    """Return what a registry's own list names as referrers of a manifest.

    Raises:
        MalformedInput: it is no such list.
    """
    index = _read(body)
    if index.manifests is None:
        raise MalformedInput("what was sent is no list of referrers")
    try:
        return tuple(
            Listed(parse_digest(one.digest), subject, 1, one.media_type[:200], one.artifact_type[:200], one.size)
            for one in index.manifests
        )
    except InvalidReference as error:
        raise MalformedInput(f"a list of referrers names what has no digest: {error}") from error


def weight_of(body: bytes) -> int:
    """Return how many bytes a manifest has with its layers and its configuration, as it says.

    Raises:
        MalformedInput: it is no manifest, or says that something has less than no bytes.
    """
    manifest = _read(body)
    parts = [*(manifest.layers or ()), *([manifest.config] if manifest.config else ())]
    sizes: list[int] = [one.size for one in parts]
    if any(size < 0 for size in sizes):
        raise MalformedInput("a manifest says that something has less than no bytes")
    return len(body) + sum(sizes)


def checked(referrer: Referrer, body: bytes, parts: int = 0, beside: Collection[Digest] = ()) -> Referrer:
    """Return a referrer whose manifest was read: what it is, and whether it may come.

    Args:
        referrer: as it was listed.
        body: its manifest, which has its digest.
        parts: bytes of all that the manifests consist of which it names, if it is an index.
        beside: the image, its platforms and what refers to them: what is listed beside one of these and is about
            another is about ours still.

    Returns:
        The referrer, staged, or refused by name: a list may name what is about something else.
    """
    try:
        manifest = _read(body)
    except MalformedInput:
        return _refused(referrer, Refusal.UNREADABLE)
    said = [*(manifest.layers or ()), *(manifest.manifests or ()), *([manifest.config] if manifest.config else ())]
    size = len(body) + max(parts, sum(max(one.size, 0) for one in said))
    known = msgspec.structs.replace(referrer, artifact_type=_kind(manifest) or referrer.artifact_type, size=size)
    about = manifest.subject.digest if manifest.subject is not None else ""
    if about in beside and not known.tag:
        known = msgspec.structs.replace(known, subject=Digest(about))
    # What older clients find by a tag says nothing of a subject: the tag does.
    if about != known.subject and (about or not known.tag):
        return _refused(known, Refusal.FOREIGN_SUBJECT)
    if size > LARGEST_REFERRER or any(one.size < 0 for one in said):
        return _refused(known, Refusal.TOO_LARGE)
    return msgspec.structs.replace(known, state=ReferrerState.STAGED, carry=None)


def _refused(referrer: Referrer, refusal: Refusal) -> Referrer:
    return msgspec.structs.replace(referrer, state=ReferrerState.REFUSED, refusal=refusal, carry=None)


def _kind(manifest: _Manifest) -> str:
    """An artefact that says nothing of its type is what its configuration is."""
    kind = manifest.artifact_type or (manifest.config.media_type if manifest.config is not None else "")
    return "" if kind == _IMAGE_OF_DOCKER else kind[:200]


def _read(body: bytes) -> _Manifest:
    try:
        manifest = _MANIFEST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"what was sent is no manifest: {error}") from error
    if manifest.schema_version != 2:
        raise MalformedInput("what was sent is no manifest of the schema 2")
    return manifest
