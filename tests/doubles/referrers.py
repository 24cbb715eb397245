"""Referrers as registries keep them: manifests that name their subject, by their digests; and indexes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from shared.domain.references import Digest, Tag

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SBOM = "application/spdx+json"

# What registries have by a digest: content is the same wherever it lies.
CONTENTS: dict[Digest, bytes] = {}
_PLAIN = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}).encode()


class Made(msgspec.Struct, frozen=True):
    """A referrer.

    Attributes:
        digest: of its manifest.
        subject: what it says that it is about.
        kind: its artifact type.
        size: of its manifest.
    """

    digest: Digest
    subject: Digest
    kind: str
    size: int


def referrer(subject: Digest, kind: str = SIGNATURE, *, note: str = "", layer: int = 100, about: str = "") -> Made:
    """Make a referrer.

    Args:
        subject: where it is listed.
        kind: its artifact type.
        note: tells several of a kind apart.
        layer: bytes of its only layer.
        about: the digest that its manifest names, if that is another one; ``-`` for none.
    """
    content: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2},
        "layers": [{"mediaType": kind, "digest": sha256(f"{kind} {note}".encode()), "size": layer}],
        "annotations": {"note": note},
    }
    if about != "-":
        content["subject"] = {"mediaType": MANIFEST, "digest": about or subject, "size": 1}
    return Made(kept(content), subject, kind, len(json.dumps(content).encode()))


def index(*parts: Digest) -> Digest:
    """Make an index of platforms, and return its digest."""
    return kept({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": each, "size": 1} for each in parts]})


def kept(content: dict[str, Any]) -> Digest:
    """Keep a manifest, and return its digest."""
    body = json.dumps(content).encode()
    CONTENTS[sha256(body)] = body
    return sha256(body)


def content_of(digest: Digest) -> bytes:
    """Return the manifest of a digest; one that only stands for an image has a plain one."""
    return CONTENTS.get(digest, _PLAIN)


def subject_of(digest: Digest) -> str:
    """Return what a manifest is about; empty if it names nothing."""
    return str(json.loads(content_of(digest)).get("subject", {}).get("digest", ""))


def children_of(digest: Digest) -> tuple[Digest, ...]:
    """Return what an index names; nothing for what is no index."""
    return tuple(Digest(one["digest"]) for one in json.loads(content_of(digest)).get("manifests", ()))


def legacy_tag(subject: Digest, ending: str = "sig") -> Tag:
    """Return the tag by which older clients find what is about a digest."""
    return Tag(f"{subject.replace(':', '-')}.{ending}")


def sha256(content: bytes) -> Digest:
    """Return the digest of some bytes."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
