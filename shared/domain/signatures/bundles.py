"""Sigstore bundles: a signed statement about an image, by a key or by an identity that a certificate names."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.domain.policy.signing import CosignCheck
from shared.domain.signatures.dsse import Envelope, check_envelope
from shared.domain.signatures.findings import Found, NotASignature, Refused, Unverifiable
from shared.domain.signatures.keys import PublicKey, fingerprint
from shared.domain.signatures.legacy import About
from shared.domain.signatures.statements import check_is_signature, check_subject

_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle"


class _Verification(msgspec.Struct, frozen=True, rename="camel"):
    public_key: Any = None


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Verification = _Verification()
    dsse_envelope: Envelope | None = None


_BUNDLES = msgspec.json.Decoder(_Bundle)


def by_key(content: bytes, about: About, key: PublicKey, path: str) -> Found:
    """Judge a bundle by a key. Which key the bundle says it is by is no reason to trust or to doubt it.

    Args:
        content: the bundle.
        about: what it must be about.
        key: whose signature is wanted.
        path: the key's file, for people.

    Raises:
        NotASignature: it is an attestation.
        Refused: it does not count.
    """
    envelope, payload = _enveloped(content)
    check_is_signature(envelope.payload_type, payload, about.check)
    check_envelope(envelope, key)
    check_subject(payload, about.digest)
    return Found(f"the key {path} (SHA-256 {fingerprint(key)})")


def by_identity(content: bytes, about: About, root: bytes, wanted: CosignCheck) -> Found:
    """Judge a bundle by the certificate that it brings along.

    Args:
        content: the bundle.
        about: what it must be about.
        root: the trusted root of the sigstore instance.
        wanted: whose signature is wanted.

    Raises:
        NotASignature: it is an attestation.
        Refused: it does not count.
        Unverifiable: the trusted root cannot be used.
    """
    envelope, payload = _enveloped(content)
    check_is_signature(envelope.payload_type, payload, about.check)
    if _BUNDLES.decode(content).verification_material.public_key is not None:
        raise Refused("it is by a key without a certificate, and an identity is wanted")
    try:
        # Here, because it costs most of a second and tens of megabytes, and most signatures do without it.
        from shared.domain.signatures.keyless import check_bundle  # noqa: PLC0415
    except ImportError as error:
        raise Unverifiable(f"the library for such signatures is not there: {error}") from None

    kind, signed, found = check_bundle(content, root, wanted)
    # What the library has checked is looked at anew: it may read these bytes otherwise than they were read above.
    check_is_signature(kind, signed, about.check)
    check_subject(signed, about.digest)
    return found


def envelope_of(content: bytes) -> Envelope:
    """Return the envelope that a bundle holds.

    Raises:
        NotASignature: it holds a signature of bytes instead.
        Refused: it is no bundle.
    """
    try:
        bundle = _BUNDLES.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"it is no bundle that can be read: {error}") from None
    if not bundle.media_type.startswith(_BUNDLE_TYPE):
        raise Refused(f"it is no bundle: its media type is {bundle.media_type[:100]!r}")
    if bundle.dsse_envelope is None:
        raise NotASignature("it signs bytes, and no statement about an image")
    return bundle.dsse_envelope


def _enveloped(content: bytes) -> tuple[Envelope, bytes]:
    envelope = envelope_of(content)
    return envelope, envelope.content
