"""Signatures of cosign's older form: a payload in a layer, the signature in the layer's annotations."""

from __future__ import annotations

from datetime import datetime

import msgspec
from cryptography import x509

from shared.domain.policy.signing import CosignCheck, SignatureCheck
from shared.domain.references import Digest
from shared.domain.signatures.certificates import CODE_SIGNING, MOST_IN_CHAIN, Moment, check_chain, check_leaf
from shared.domain.signatures.encoded import from_base64
from shared.domain.signatures.findings import Found, NotASignature, Refused
from shared.domain.signatures.identities import Identity, check_identity, identity_of
from shared.domain.signatures.keys import PublicKey, check_signature, fingerprint, usable
from shared.domain.signatures.log_entries import Logged, logged_at
from shared.domain.signatures.material import Layer
from shared.domain.signatures.roots import Vouching
from shared.domain.signatures.statements import check_payload
from shared.domain.signatures.witnessed import check_witnessed

LAYER_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_CHAIN = "dev.sigstore.cosign/chain"
_LOGGED = "dev.sigstore.cosign/bundle"


class About(msgspec.Struct, frozen=True):
    """What signatures must be about.

    Attributes:
        digest: the image.
        source: the repository that it comes from.
        check: what the policy asks for.
    """

    digest: Digest
    source: str
    check: SignatureCheck


def by_key(layer: Layer, about: About, key: PublicKey, path: str) -> Found:
    """Judge a layer by a key; whatever else it brings along is not looked at.

    Args:
        layer: the layer.
        about: what it must be about.
        key: whose signature is wanted.
        path: the key's file, for people.

    Raises:
        NotASignature: it is something else.
        Refused: it does not count.
    """
    check_signature(key, _signature(layer), layer.content)
    check_payload(layer.content, about.digest, about.source, about.check)
    return Found(f"the key {path} (SHA-256 {fingerprint(key)})")


def by_identity(layer: Layer, about: About, vouching: Vouching, wanted: CosignCheck) -> Found:
    """Judge a layer by the certificate that it brings along, as of when the log took it in.

    Args:
        layer: the layer.
        about: what it must be about.
        vouching: who vouches for identities.
        wanted: whose signature is wanted.

    Raises:
        NotASignature: it is something else.
        Refused: it does not count.
        Unverifiable: its entry in the log is of a kind that is not known here.
    """
    signature = _signature(layer)
    pem = layer.annotations.get(_CERTIFICATE, "")
    if not pem:
        raise Refused("it is by a key without a certificate, and an identity is wanted")
    leaf = _certificates(pem)[0]
    check_signature(usable(leaf.public_key()), signature, layer.content)
    at = _logged_at(layer, Logged(layer.content, signature, pem.encode()), vouching)
    identity = _certified(leaf, layer, vouching, at)
    check_payload(layer.content, about.digest, about.source, about.check)
    check_identity(identity, wanted)
    return Found(str(identity), at)


def _signature(layer: Layer) -> bytes:
    if layer.media_type != LAYER_TYPE:
        raise NotASignature(f"it is of the type {layer.media_type[:100]!r}, and no signature")
    signature = layer.annotations.get(_SIGNATURE, "")
    if not signature:
        raise Refused("it has no signature among its annotations")
    return from_base64(signature, "its signature")


def _logged_at(layer: Layer, logged: Logged, vouching: Vouching) -> datetime:
    if _LOGGED not in layer.annotations:
        raise Refused("nobody vouches for when it was made: it brings no entry of a log along")
    return logged_at(layer.annotations[_LOGGED], logged, vouching.logs)


def _certified(leaf: x509.Certificate, layer: Layer, vouching: Vouching, at: datetime) -> Identity:
    others = _certificates(layer.annotations[_CHAIN]) if layer.annotations.get(_CHAIN) else []
    check_leaf(leaf, CODE_SIGNING, said=True)
    issuer = check_chain(leaf, others, vouching.authorities, Moment.of(at), CODE_SIGNING)
    if vouching.witnesses and issuer is not None:
        check_witnessed(leaf, issuer, vouching.witnesses)
    return identity_of(leaf)


def _certificates(pem: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise Refused("its certificates cannot be read") from None
    return found[:MOST_IN_CHAIN]
