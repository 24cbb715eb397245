"""Public keys, and whether a signature is one by them."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from shared.domain.signatures.findings import Refused, Unverifiable

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
_SMALLEST_RSA = 2048
_OF_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


def usable(key: object) -> PublicKey:
    """Return a key if signatures by it are worth something.

    Raises:
        Unverifiable: it is of a kind that is not known here, or too small.
    """
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _OF_CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise Unverifiable(
        "the key is of a kind that is not trusted here: P-256, P-384, P-521, Ed25519, RSA from 2048 bits"
    )


def read_public_key(pem: bytes) -> PublicKey:
    """Read a public key in PEM.

    Raises:
        Unverifiable: it is none, or none that is trusted here.
    """
    try:
        return usable(serialization.load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unverifiable(f"it is no public key in PEM (BEGIN PUBLIC KEY): {error}") from None


def der_of(key: PublicKey) -> bytes:
    """Return a key as DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: PublicKey) -> str:
    """Return what people know a key by: the SHA-256 of its DER, in hexadecimal."""
    return hashlib.sha256(der_of(key)).hexdigest()


def check_signature(key: PublicKey, signature: bytes, message: bytes) -> None:
    """Check a signature as cosign makes it.

    Larger curves sign with their own hash in newer versions and with SHA-256 in older ones.

    Raises:
        Refused: it is not by this key, or not of this message.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        tried = {each.name: each for each in (hashes.SHA256(), _OF_CURVES[key.curve.name])}
        if any(_is_by(key, signature, message, each) for each in tried.values()):
            return
    elif _is_by(key, signature, message, hashes.SHA256()):
        return
    raise Refused("the signature does not verify: it is by another key, or what it signs was altered")


def _is_by(key: PublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
