"""Signatures of the Notary Project, in JSON and in CBOR, and an authority that stamps the time on them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from shared.domain.signatures.material import Artefact, ArtefactKind, Layer
from tests.made_signatures.authorities import START, Authority, Extension, b64, new_key, signed

JWS, COSE = "application/jose+json", "application/cose"
CONTENT = "application/vnd.cncf.notary.payload.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SCHEME, EXPIRY = "io.cncf.notary.signingScheme", "io.cncf.notary.expiry"
STAMP = "io.cncf.notary.timestampSignature"
SUBJECT = "C=US, ST=WA, L=Seattle, O=Acme, CN=Release"
CODE_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
STAMPED_AT = START + timedelta(days=30)


def url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Signer:
    """Somebody with a certificate below an authority."""

    authority: Authority
    subject: str = SUBJECT
    extensions: Sequence[Extension] = ((CODE_SIGNING, False),)
    lasts: timedelta = timedelta(days=90)
    key: Any = field(default_factory=new_key)

    def __post_init__(self) -> None:
        made = self.authority.certify(self.key, self.subject, self.extensions, lasts=self.lasts)
        above = [self.authority, *([self.authority.above] if self.authority.above else [])]
        self.chain = [each.public_bytes(Encoding.DER) for each in (made, *(one.certificate for one in above))]

    @property
    def algorithm(self) -> str:
        return "PS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return bytes(self.key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()))
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def target(digest: str, media_type: str = MANIFEST) -> bytes:
    return json.dumps({"targetArtifact": {"mediaType": media_type, "digest": digest, "size": 528}}).encode()


def attributes(expires: datetime | None = None, **more: Any) -> dict[str, Any]:
    named = {SCHEME: "notary.x509"} | ({EXPIRY: expires.isoformat()} if expires else {})
    return {"crit": list(named), "cty": CONTENT, **named, **more}


def jws(signer: Signer, payload: bytes, told: dict[str, Any], tsa: Stamping | None = None) -> Artefact:
    protected = url64(json.dumps({"alg": signer.algorithm, **told}).encode())
    signature = signer.sign(f"{protected}.{url64(payload)}".encode())
    header = {"x5c": [b64(each) for each in signer.chain], **({STAMP: b64(tsa.stamp(signature))} if tsa else {})}
    made = {"payload": url64(payload), "protected": protected, "header": header, "signature": url64(signature)}
    return Artefact(ArtefactKind.NOTATION, b"{}", (Layer(JWS, {}, json.dumps(made).encode()),))


def cose(signer: Signer, payload: bytes, told: dict[str, Any], tsa: Stamping | None = None) -> Artefact:
    labels = {"crit": 2, "cty": 3}
    named = {labels.get(name, name): _timed(name, value) for name, value in told.items()}
    protected = cbor({1: -37 if signer.algorithm == "PS256" else -7, **named})
    signature = signer.sign(cbor(["Signature1", protected, b"", payload]))
    header = {33: signer.chain, **({STAMP: tsa.stamp(signature)} if tsa else {})}
    made = b"\xd2" + cbor([protected, header, payload, signature])
    return Artefact(ArtefactKind.NOTATION, b"{}", (Layer(COSE, {}, made),))


class Epoch(int):
    """Seconds since 1970, written with the tag that says so."""


def _timed(name: str, value: Any) -> Any:
    return Epoch(datetime.fromisoformat(value).timestamp()) if name == EXPIRY else value


def cbor(value: object) -> bytes:
    match value:
        case Epoch():
            return b"\xc1" + _cbor_head(0, int(value))
        case int():
            return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
        case bytes():
            return _cbor_head(2, len(value)) + value
        case str():
            return _cbor_head(3, len(value.encode())) + value.encode()
        case list():
            return _cbor_head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return _cbor_head(5, len(value)) + b"".join(cbor(each) for pair in value.items() for each in pair)
    raise TypeError(value)


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    short, size = next((short, size) for short, size in ((24, 1), (25, 2), (26, 4), (27, 8)) if number < 256**size)
    return bytes((major << 5 | short,)) + number.to_bytes(size, "big")


SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
ECDSA_SHA256 = ObjectIdentifier("1.2.840.10045.4.3.2")
RSA = ObjectIdentifier("1.2.840.113549.1.1.1")
TST_INFO = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")


@dataclass
class Stamping:
    """An authority for time."""

    authority: Authority = field(default_factory=lambda: Authority("O=Clock, CN=authority for time"))
    at: datetime = STAMPED_AT
    purposes: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.TIME_STAMPING,)
    critical: bool = True
    of: bytes | None = None
    lasts: timedelta = timedelta(days=365)
    named: bytes | None = None
    forged: bool = False
    key: Any = field(default_factory=new_key)

    def __post_init__(self) -> None:
        purposes = x509.ExtendedKeyUsage(self.purposes)
        self.certificate = self.authority.certify(
            self.key, "O=Clock, CN=clock", ((purposes, self.critical),), lasts=self.lasts
        )

    def stamp(self, message: bytes) -> bytes:
        """A time stamp over a message, or over another one if that is wanted."""
        imprint = hashlib.sha256(message if self.of is None else self.of).digest()
        info = seq(
            number(1), oid(ObjectIdentifier("1.2.3.4")), seq(seq(oid(SHA256)), octets(imprint)), number(7),
            tlv(0x18, self.at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()), seq(number(1)),
        )  # fmt: skip
        der = self.certificate.public_bytes(Encoding.DER)
        named = hashlib.sha256(self.named or der).digest()
        told = b"".join(
            seq(oid(ObjectIdentifier(name)), tlv(0x31, value))
            for name, value in (
                ("1.2.840.113549.1.9.3", oid(TST_INFO)),
                ("1.2.840.113549.1.9.4", octets(hashlib.sha256(info).digest())),
                ("1.2.840.113549.1.9.16.2.47", seq(seq(seq(octets(named))))),
            )
        )
        who = seq(self.certificate.issuer.public_bytes(), number(self.certificate.serial_number))
        over = b"something else" if self.forged else tlv(0x31, told)
        if isinstance(self.key, rsa.RSAPrivateKey):
            signed_by, signature = RSA, self.key.sign(over, padding.PKCS1v15(), hashes.SHA256())
        else:
            signed_by, signature = ECDSA_SHA256, signed(self.key, over)
        signer = seq(number(1), who, seq(oid(SHA256)), tlv(0xA0, told), seq(oid(signed_by)), octets(signature))
        data = seq(
            number(3), tlv(0x31, seq(oid(SHA256))), seq(oid(TST_INFO), tlv(0xA0, octets(info))),
            tlv(0xA0, der + self.authority.certificate.public_bytes(Encoding.DER)), tlv(0x31, signer),
        )  # fmt: skip
        return seq(oid(ObjectIdentifier("1.2.840.113549.1.7.2")), tlv(0xA0, data))


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def number(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(value: ObjectIdentifier) -> bytes:
    first, second, *rest = map(int, value.dotted_string.split("."))
    return tlv(0x06, b"".join(map(_base128, (40 * first + second, *rest))))


def _base128(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | value & 0x7F)
    return bytes(reversed(found))
