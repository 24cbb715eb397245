"""What a registry's answer about a manifest says: which one it is, or why it is none that can be used."""

from __future__ import annotations

import hashlib

import msgspec

from shared.adapters.upstream.errors import UNREADABLE
from shared.adapters.upstream.http import Answer
from shared.domain.references import Digest, parse_digest
from shared.errors import InvalidReference, UnusableAnswer

# Without the index types a registry answers with one architecture's manifest, or converts it: another digest. Charts
# and other artifacts are image manifests; the last type is what some wrote before that was settled.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
)
# Characters of a type that is quoted to people.
_LONGEST_KIND = 100


class _Manifest(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""


_MANIFEST = msgspec.json.Decoder(_Manifest)


def told_digest(answer: Answer, doing: str) -> Digest:
    """Return the digest that the headers of an answer name.

    Raises:
        UnusableAnswer: they name none, contradict each other, or are of what is no manifest.
    """
    kind = _kind(answer)
    if kind and kind not in MANIFEST_TYPES:
        raise _no_manifest(kind, doing)
    try:
        digest = parse_digest(answer.headers.get("docker-content-digest", ""))
    except InvalidReference as error:
        raise UnusableAnswer(f"{doing}: the answer has no docker-content-digest: {error}", code="200") from error
    if _contradicts(answer.headers.get("etag", ""), digest):
        raise UnusableAnswer(f"{doing}: the answer has a docker-content-digest that its ETag contradicts", code="200")
    return digest


def body_digest(body: bytes) -> Digest:
    """Return the digest of some bytes.

    https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
    """
    return Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")


def read_digest(answer: Answer, doing: str) -> Digest:
    """Return the digest of the manifest that is an answer's body.

    https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests: it is that of the bytes.

    Raises:
        UnusableAnswer: the body is no manifest that can be used, or not the one that the headers name.
    """
    kind = _kind(answer)
    try:
        manifest = _MANIFEST.decode(answer.body)
    except UNREADABLE:
        raise _no_manifest(kind or "no JSON", doing) from None
    told = manifest.media_type or (kind if kind in MANIFEST_TYPES else "")
    named_or_described = manifest.media_type or manifest.schema_version == 2
    if not named_or_described or (told and told not in MANIFEST_TYPES):
        raise _no_manifest(told or kind, doing)
    digest = body_digest(answer.body)
    named = answer.headers.get("docker-content-digest", "")
    if named.startswith("sha256:") and named != digest:
        raise UnusableAnswer(
            f"{doing}: the answer is not the manifest that its docker-content-digest names", code="200"
        )
    return digest


def names_digest(answer: Answer) -> bool:
    """Whether an answer says anything of a digest, be it usable or not."""
    return bool(answer.headers.get("docker-content-digest", "").strip())


def _kind(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _no_manifest(kind: str, doing: str) -> UnusableAnswer:
    return UnusableAnswer(f"{doing}: the answer is {kind[:_LONGEST_KIND]}, which is no manifest we can use", code="200")


def _contradicts(etag: str, digest: Digest) -> bool:
    """Registries that name a manifest by its digest in the ETag too must mean the same one."""
    try:
        other = parse_digest(etag.removeprefix("W/").strip('"'))
    except InvalidReference:
        return False
    return other.partition(":")[0] == digest.partition(":")[0] and other != digest
