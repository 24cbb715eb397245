"""What a key of the vault is made of, and what it signs by: a curve with its one algorithm, or RSA with a few.

https://learn.microsoft.com/azure/key-vault/keys/about-keys-details
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

_EXPONENT = 65537


class Made(Protocol):
    """What keys of one kind have in common.

    Attributes:
        algorithms: by which they sign, each with its digest.
    """

    @property
    def algorithms(self) -> Mapping[str, hashes.HashAlgorithm]:
        """See above."""

    def make(self) -> str:
        """Return a new private key, in PEM."""

    def sign(self, pem: str, algorithm: str, digest: bytes, *, leading_zero: bool = False) -> bytes:
        """Sign a digest by a private key; ``leading_zero`` is of curves."""

    def verifies(self, pem: str, algorithm: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature is a private key's of a digest."""

    def jwk(self, pem: str) -> dict[str, Any]:
        """Return a private key's public half: its kind, and numbers as bytes."""


@dataclass(frozen=True)
class Curve:
    """A curve, the one algorithm that signs on it, and that algorithm's digest; ``size`` of a half in bytes."""

    name: str
    curve: ec.EllipticCurve
    algorithm: str
    digest: hashes.HashAlgorithm
    size: int

    @property
    def algorithms(self) -> Mapping[str, hashes.HashAlgorithm]:
        """See ``Made``."""
        return {self.algorithm: self.digest}

    def make(self) -> str:
        """See ``Made``."""
        return _pem(ec.generate_private_key(self.curve))

    def sign(self, pem: str, _: str, digest: bytes, *, leading_zero: bool = False) -> bytes:
        """Return r and s of a signature, each in the curve's full width, one after the other.

        Args:
            pem: the private key.
            digest: what is signed, as long as the curve's digests.
            leading_zero: whether one of them is to begin with a zero byte, as by chance one in 128 signatures has it.
        """
        private = _on_curve(pem)
        while True:
            signature = private.sign(digest, ec.ECDSA(utils.Prehashed(self.digest)))
            halves = [half.to_bytes(self.size, "big") for half in utils.decode_dss_signature(signature)]
            if not leading_zero or any(half[0] == 0 for half in halves):
                return b"".join(halves)

    def verifies(self, pem: str, _: str, digest: bytes, signature: bytes) -> bool:
        """See ``Made``."""
        r, s = (int.from_bytes(half, "big") for half in (signature[: self.size], signature[self.size :]))
        public = _on_curve(pem).public_key()
        try:
            public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(self.digest)))
        except InvalidSignature:
            return False
        return len(signature) == 2 * self.size

    def jwk(self, pem: str) -> dict[str, Any]:
        """See ``Made``."""
        numbers = _on_curve(pem).public_key().public_numbers()
        point = {"x": numbers.x.to_bytes(self.size, "big"), "y": numbers.y.to_bytes(self.size, "big")}
        return {"kty": "EC", "crv": self.name, **point}


@dataclass(frozen=True)
class Rsa:
    """RSA of so many bits, which signs by PKCS #1 v1.5; the vault's PSS is not there."""

    bits: int

    @property
    def algorithms(self) -> Mapping[str, hashes.HashAlgorithm]:
        """See ``Made``."""
        return {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}

    def make(self) -> str:
        """See ``Made``."""
        return _pem(rsa.generate_private_key(_EXPONENT, self.bits))

    def sign(self, pem: str, algorithm: str, digest: bytes, *, leading_zero: bool = False) -> bytes:
        """See ``Made``."""
        del leading_zero
        return _of_rsa(pem).sign(digest, padding.PKCS1v15(), utils.Prehashed(self.algorithms[algorithm]))

    def verifies(self, pem: str, algorithm: str, digest: bytes, signature: bytes) -> bool:
        """See ``Made``."""
        of = utils.Prehashed(self.algorithms[algorithm])
        try:
            _of_rsa(pem).public_key().verify(signature, digest, padding.PKCS1v15(), of)
        except InvalidSignature:
            return False
        return True

    def jwk(self, pem: str) -> dict[str, Any]:
        """See ``Made``."""
        numbers = _of_rsa(pem).public_key().public_numbers()
        return {"kty": "RSA", "n": _octets(numbers.n), "e": _octets(numbers.e)}


# By what a version of a key says of itself.
KINDS: Mapping[str, Made] = {
    "P-256": Curve("P-256", ec.SECP256R1(), "ES256", hashes.SHA256(), 32),
    "P-384": Curve("P-384", ec.SECP384R1(), "ES384", hashes.SHA384(), 48),
    "P-521": Curve("P-521", ec.SECP521R1(), "ES512", hashes.SHA512(), 66),
    **{f"RSA-{bits}": Rsa(bits) for bits in (2048, 3072, 4096)},
}


def kind_asked(body: Mapping[str, Any]) -> str | None:
    """Return the kind of key that a request to make one asks for, or ``None`` if there is none such."""
    family, curve, bits = str(body.get("kty", "")), str(body.get("crv", "P-256")), body.get("key_size", 2048)
    named = {"EC": curve, "EC-HSM": curve, "RSA": f"RSA-{bits}", "RSA-HSM": f"RSA-{bits}"}.get(family)
    return named if named in KINDS and named.startswith("RSA-") == family.startswith("RSA") else None


def _on_curve(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - nothing else is ever made by a curve
    return key


def _of_rsa(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - nothing else is ever made by RSA
    return key


def _pem(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
