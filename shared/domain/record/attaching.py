"""The forms in which a record lies beside an image: bytes for registries, the same whenever they are made. Pure.

A sigstore bundle v0.3 as a referrer: https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md. The older
forms, under tags that are derived from the digest: ATTESTATION_SPEC.md and SIGNATURE_SPEC.md, there as well.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.record.images import MANIFEST_TYPE, Descriptor
from shared.domain.record.statement import PREDICATE_TYPE, STATEMENT_TYPE
from shared.domain.references import Digest, Tag
from shared.errors import MalformedInput

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"
SIMPLE_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_SIMPLE = "cosign container image signature"
_EMPTY = b"{}"
_NOTHING = f"sha256:{hashlib.sha256(_EMPTY).hexdigest()}"
_WITHDRAWN = "org.opencontainers.image.title"


class Attachment(msgspec.Struct, frozen=True):
    """A manifest to be put beside an image, with all that it refers to.

    Attributes:
        manifest: its bytes.
        blobs: what it refers to, by digest; but for what was there before.
        tag: that points at it; empty for one that is found by its subject.
    """

    manifest: bytes
    blobs: tuple[bytes, ...]
    tag: Tag = Tag("")

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return digest_of(self.manifest)


class Layered(msgspec.Struct, frozen=True):
    """A layer of one of the older forms.

    Attributes:
        content: its bytes.
        media_type: its type.
        annotations: what is said of it.
    """

    content: bytes
    media_type: str
    annotations: dict[str, str]


class _Layer(msgspec.Struct, frozen=True):
    digest: str = ""


class _Older(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = MANIFEST_TYPE
    layers: tuple[msgspec.Raw, ...] = ()


_OLDER = msgspec.json.Decoder(_Older)
_LAYERS = msgspec.json.Decoder(_Layer)


def digest_of(content: bytes) -> Digest:
    """Return the digest of some bytes."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def enveloped(statement: bytes, signature: bytes) -> bytes:
    """Return a statement in its envelope.

    The key has no id there: nobody signs such an id, and verifiers that find one ask for it (slsa-verifier), or for
    none.

    Args:
        statement: its bytes.
        signature: of what is signed of it, as DER.
    """
    signed = [{"sig": _base64(signature)}]
    return _json({"payload": _base64(statement), "payloadType": STATEMENT_TYPE, "signatures": signed})


def bundled(envelope: bytes, hint: str) -> bytes:
    """Return an envelope in a sigstore bundle.

    Args:
        envelope: its bytes.
        hint: by which key it is, for people; it is no reason to trust it.
    """
    return _json(
        {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": msgspec.Raw(envelope),
        }
    )


def as_referrer(bundle: bytes, subject: Descriptor, decided_at: datetime) -> Attachment:
    """Return what puts a bundle beside an image, to be found by the list of its referrers.

    Args:
        bundle: its bytes.
        subject: the manifest of the image.
        decided_at: when it was decided. A time of pushing would make another manifest of each try.
    """
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": BUNDLE_TYPE,
        "config": _described(_EMPTY, _EMPTY_TYPE),
        "layers": [_described(bundle, BUNDLE_TYPE)],
        "subject": subject,
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": PREDICATE_TYPE,
            "org.opencontainers.image.created": decided_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }
    return Attachment(_json(manifest), (_EMPTY, bundle))


def attestation_layer(envelope: bytes) -> Layered:
    """Return an envelope as a layer of the older form of attestations."""
    return Layered(envelope, ENVELOPE_TYPE, {_SIGNATURE: "", "predicateType": PREDICATE_TYPE})


def signature_layer(payload: bytes, signature: bytes) -> Layered:
    """Return a signature as a layer of the older form.

    Args:
        payload: what is signed; see ``simple_payload``.
        signature: of it, as DER.
    """
    return Layered(payload, SIMPLE_TYPE, {_SIGNATURE: _base64(signature)})


def simple_payload(uri: str, digest: Digest) -> bytes:
    """Return what a signature of the older form signs.

    Args:
        uri: the record's ``resourceUri``.
        digest: of the image.
    """
    critical = {
        "identity": {"docker-reference": uri.removeprefix("https://")},
        "image": {"docker-manifest-digest": digest},
        "type": _SIMPLE,
    }
    return _json({"critical": critical, "optional": None})


def attestation_tag(digest: Digest) -> Tag:
    """Return the tag under which attestations of the older form lie."""
    return Tag(f"{digest.replace(':', '-', 1)}.att")


def signature_tag(digest: Digest) -> Tag:
    """Return the tag under which signatures of the older form lie."""
    return Tag(f"{digest.replace(':', '-', 1)}.sig")


def under_tag(layer: Layered | None, tag: Tag, there: bytes | None, gone: Collection[Digest] = ()) -> Attachment:
    """Return what puts a layer under a tag that others write, too: their layers stay as they are.

    Args:
        layer: ours; ``None`` where what we put there only goes.
        tag: the tag.
        there: the manifest that the tag points at now; ``None`` if it is not there.
        gone: digests of layers that we put there before, and that go.

    Raises:
        MalformedInput: what is there is no manifest with layers, so that nobody can say what must stay.
    """
    ours = [layer] if layer is not None else []
    left_out = {*gone, *(digest_of(one.content) for one in ours), _NOTHING}
    kept = [raw for raw in _layers(there) if _digest_in(raw) not in left_out]
    added = [{**_described(one.content, one.media_type), "annotations": one.annotations} for one in ours]
    # A manifest has a layer at least; the tag in it tells what is left under one tag from what is under another.
    nothing = [] if kept or added else [{**_described(_EMPTY, _EMPTY_TYPE), "annotations": {_WITHDRAWN: tag}}]
    config = _config([*map(_digest_in, kept), *(digest_of(one.content) for one in ours)])
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _described(config, _CONFIG_TYPE),
        "layers": [*kept, *added, *nothing],
    }
    blobs = (config, *(one.content for one in ours), *([_EMPTY] if nothing else []))
    return Attachment(_json(manifest), blobs, tag)


def foreign_layers(there: bytes | None, ours: Collection[Digest]) -> tuple[Digest, ...]:
    """Return the digests of those layers under a tag that are not ours.

    Raises:
        MalformedInput: what is there is no manifest with layers.
    """
    known = {*ours, _NOTHING}
    return tuple(Digest(name) for name in map(_digest_in, _layers(there)) if name not in known)


def layer_of(manifest: bytes) -> Digest | None:
    """Return the digest of a manifest's only layer; ``None`` if it has not one."""
    try:
        found = [_digest_in(raw) for raw in _layers(manifest)]
    except MalformedInput:
        return None
    return Digest(found[0]) if len(found) == 1 else None


def is_under(manifest: bytes, layer: Layered | None, gone: Collection[Digest] = ()) -> bool:
    """Whether a manifest has a layer of ours, byte for byte, and none of those that go.

    Raises:
        MalformedInput: it is no manifest with layers.
    """
    found = set(map(_digest_in, _layers(manifest)))
    return (layer is None or digest_of(layer.content) in found) and found.isdisjoint(gone)


def _layers(there: bytes | None) -> Sequence[msgspec.Raw]:
    if there is None:
        return ()
    try:
        found = _OLDER.decode(there)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"what lies under the tag is no manifest that can be added to: {error}") from None
    if found.media_type != MANIFEST_TYPE:
        raise MalformedInput(f"what lies under the tag is of the type {found.media_type[:100]!r}, and no manifest")
    return found.layers


def _digest_in(raw: msgspec.Raw) -> str:
    try:
        return _LAYERS.decode(raw).digest
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"a layer under the tag cannot be read: {error}") from None


def _config(layers: Sequence[str]) -> bytes:
    """As cosign writes it: no time in it, so that it is the same for the same layers."""
    return _json(
        {
            "architecture": "",
            "created": "0001-01-01T00:00:00Z",
            "history": [{"created": "0001-01-01T00:00:00Z"}] * len(layers),
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": list(layers)},
            "config": {},
        }
    )


def _described(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _base64(content: bytes) -> str:
    return b64encode(content).decode()


def _json(content: object) -> bytes:
    return msgspec.json.encode(content)
