"""Certificates: authorities, and who signs below them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

START = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3650)
_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "CN": NameOID.COMMON_NAME,
}
Extension = tuple[x509.ExtensionType, bool]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def spki(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def signed(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name_of(text: str) -> x509.Name:
    parts = [part.split("=", 1) for part in text.split(", ") if part]
    return x509.Name([x509.NameAttribute(_OIDS[kind], value) for kind, value in parts])


def usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)


@dataclass
class Authority:
    """Somebody who makes certificates, itself certified by itself or by another."""

    name: str
    above: Authority | None = None
    path_length: int | None = None
    extensions: Sequence[Extension] = ()
    ca: bool = True
    may_certify: bool = True
    lasts: timedelta = YEARS

    def __post_init__(self) -> None:
        self.key = new_key()
        builder = (
            _builder(self.key, START, START + self.lasts)
            .subject_name(name_of(self.name))
            .add_extension(x509.BasicConstraints(self.ca, self.path_length if self.ca else None), True)
            .add_extension(usage(ca=self.may_certify), True)
        )
        for each, critical in self.extensions:
            builder = builder.add_extension(each, critical)
        issuer = self.above or self
        self.certificate = builder.issuer_name(name_of(issuer.name)).sign(issuer.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def leaf(
        self,
        key: Any,
        subject: str,
        extensions: Sequence[Extension] = (),
        start: datetime = START,
        lasts: timedelta = timedelta(days=90),
    ) -> x509.CertificateBuilder:
        """A certificate that is not signed yet, so that what signs it can be put in."""
        builder = _builder(key, start, start + lasts).subject_name(name_of(subject)).issuer_name(name_of(self.name))
        for each, critical in ((usage(ca=False), True), *extensions):
            builder = builder.add_extension(each, critical)
        return builder

    def certify(self, *args: Any, **kwargs: Any) -> x509.Certificate:
        return self.leaf(*args, **kwargs).sign(self.key, hashes.SHA256())


def _builder(key: Any, start: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
