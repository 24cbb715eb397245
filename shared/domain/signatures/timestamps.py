"""Time stamps (RFC 3161): that an authority has seen a signature at a time. Read here, for real ones do not keep to the
order of sets that the library for them insists on; what is signed is checked over the bytes as they came."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from shared.domain.signatures import der
from shared.domain.signatures.certificates import (
    MOST_IN_CHAIN,
    TIME_STAMPING,
    Moment,
    check_chain,
    check_leaf,
)
from shared.domain.signatures.der import Node, read_whole
from shared.domain.signatures.findings import Refused, Unverifiable
from shared.domain.signatures.keys import usable

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_STAMP = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_RSA = "1.2.840.113549.1.1.1"
_SIGNED_BY: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
    "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(),
    "1.2.840.10045.4.3.4": hashes.SHA512(),
}
_FIRST = 0xA0
_DER = Encoding.DER
_SECONDS, _MILLISECONDS, _MICROSECONDS = der.INTEGER, 0x80, 0x81


class _Signer(msgspec.Struct, frozen=True):
    serial: int | None
    algorithm: hashes.HashAlgorithm
    attributes: dict[str, Node]
    signed: bytes
    signed_by: str
    signature: bytes


class _Token(msgspec.Struct, frozen=True):
    content: bytes
    certificates: list[x509.Certificate]
    signer: _Signer


def stamped_at(raw: bytes, message: bytes, trusted: Sequence[x509.Certificate]) -> Moment:
    """Return when an authority has seen some bytes.

    Args:
        raw: the time stamp.
        message: the bytes.
        trusted: the authorities' certificates that people trust.

    Raises:
        Refused: it is no time stamp of these bytes by a trusted authority.
        Unverifiable: it is made in a way that is not known here.
    """
    token = _read_token(raw)
    authority = _authority(token)
    _check_signed(token, authority)
    moment = _moment(token.content, message)
    check_leaf(authority, TIME_STAMPING, said=True)
    _check_only_stamps(authority)
    others = [each for each in token.certificates if each != authority]
    check_chain(authority, others, trusted, moment, TIME_STAMPING)
    return moment


def _read_token(raw: bytes) -> _Token:
    kind, content = _parts(read_whole(raw, der.SEQUENCE), 2)
    if kind.oid != _SIGNED_DATA:
        raise Refused("the time stamp is no signed message")
    data = read_whole(content.must_be(_FIRST).content, der.SEQUENCE).parts()
    if len(data) < 4:
        raise Refused("the time stamp is cut off")
    encapsulated, signers = data[2], data[-1].must_be(der.SET).parts()
    stamp_kind, stamp = _parts(encapsulated, 2)
    if stamp_kind.oid != _STAMP or len(signers) != 1:
        raise Refused("the time stamp is of another kind, or by several")
    carried = next((each.parts() for each in data[3:-1] if each.tag == _FIRST), [])
    certificates = [x509.load_der_x509_certificate(each.raw) for each in carried[:MOST_IN_CHAIN]]
    return _Token(read_whole(stamp.must_be(_FIRST).content, der.OCTETS).content, certificates, _signer(signers[0]))


def _signer(info: Node) -> _Signer:
    parts = info.must_be(der.SEQUENCE).parts()
    if len(parts) < 6 or parts[3].tag != _FIRST:
        raise Refused("the time stamp does not say what its signature is over")
    _, who, algorithm, attributes, signed_by, signature = parts[:6]
    values: dict[str, Node] = {}
    for each in attributes.parts():
        name, value = _parts(each, 2)
        if name.oid in values:
            raise Refused("the time stamp says something twice")
        values[name.oid] = read_whole(value.must_be(der.SET).content, value.content[0] if value.content else 0)
    serial = who.parts()[-1].number if who.tag == der.SEQUENCE else None
    # It is signed as the set that it is, though it stands there under a tag of its own.
    signed = bytes((der.SET,)) + attributes.raw[1:]
    return _Signer(
        serial, _hash(algorithm), values, signed, signed_by.parts()[0].oid, signature.must_be(der.OCTETS).content
    )


def _authority(token: _Token) -> x509.Certificate:
    """Return the certificate that the signed attributes name by its hash."""
    attributes = token.signer.attributes
    for name, usual in ((_CERTIFICATE_V2, "sha256"), (_CERTIFICATE, "sha1")):
        if name in attributes:
            algorithm, value = _named_hash(attributes[name], usual)
            for each in token.certificates:
                raw = each.public_bytes(_DER)
                if hashlib.new(algorithm, raw, usedforsecurity=False).digest() == value:
                    return _of_serial(each, token.signer.serial)
    raise Refused("the time stamp does not bring the certificate along that it is signed by")


def _named_hash(attribute: Node, usual: str) -> tuple[str, bytes]:
    named = attribute.must_be(der.SEQUENCE).parts()[0].must_be(der.SEQUENCE).parts()[0].must_be(der.SEQUENCE).parts()
    if usual == "sha1" or named[0].tag == der.OCTETS:
        return usual, named[0].must_be(der.OCTETS).content
    return _hash(named[0]).name, named[1].must_be(der.OCTETS).content


def _of_serial(certificate: x509.Certificate, serial: int | None) -> x509.Certificate:
    if serial is not None and certificate.serial_number != serial:
        raise Refused("the time stamp names two certificates that it is signed by")
    return certificate


def _check_signed(token: _Token, authority: x509.Certificate) -> None:
    signer = token.signer
    told_kind, told_digest = (signer.attributes.get(name) for name in (_CONTENT_TYPE, _MESSAGE_DIGEST))
    if told_kind is None or told_digest is None or told_kind.oid != _STAMP:
        raise Refused("the time stamp does not say what its signature is over")
    digest = hashlib.new(signer.algorithm.name, token.content).digest()
    if told_digest.must_be(der.OCTETS).content != digest:
        raise Refused("the time stamp was altered")
    algorithm = signer.algorithm if signer.signed_by == _RSA else _SIGNED_BY.get(signer.signed_by)
    key = usable(authority.public_key())
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Unverifiable(f"the time stamp is signed in a way not known here: {signer.signed_by}")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signer.signed, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signer.signature, signer.signed, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise Refused("the time stamp does not verify: it is by another key, or was altered") from None


def _moment(content: bytes, message: bytes) -> Moment:
    parts = read_whole(content, der.SEQUENCE).parts()
    if len(parts) < 5 or parts[0].number != 1:
        raise Refused("the time stamp is cut off")
    algorithm, value = _parts(parts[2], 2)
    if value.must_be(der.OCTETS).content != hashlib.new(_hash(algorithm).name, message).digest():
        raise Refused("the time stamp is of another signature")
    at = _time(parts[4].must_be(der.GENERALIZED_TIME).content)
    accuracy = _accuracy(parts[5]) if len(parts) > 5 and parts[5].tag == der.SEQUENCE else timedelta()
    return Moment(at - accuracy, at + accuracy)


def _time(raw: bytes) -> datetime:
    text = raw.decode("ascii")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or len(whole) != 14 or not (whole + fraction).isdigit() or len(fraction) > 9:
        raise Refused("the time stamp's time cannot be read")
    at = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return at + timedelta(microseconds=int(fraction.ljust(6, "0")[:6]) if fraction else 0)


def _accuracy(node: Node) -> timedelta:
    numbers = {each.tag: int.from_bytes(each.content[:8], "big") for each in node.parts()}
    return timedelta(
        seconds=min(numbers.get(_SECONDS, 0), 86400),
        milliseconds=min(numbers.get(_MILLISECONDS, 0), 999),
        microseconds=min(numbers.get(_MICROSECONDS, 0), 999),
    )


def _check_only_stamps(authority: x509.Certificate) -> None:
    """RFC 3161, section 2.3: the key stamps and does nothing else, and its certificate insists on it."""
    purposes = authority.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not purposes.critical or list(purposes.value) != [TIME_STAMPING]:
        raise Refused("the time stamp's certificate is not for time stamps alone")


def _hash(algorithm: Node) -> hashes.HashAlgorithm:
    oid = algorithm.must_be(der.SEQUENCE).parts()[0].oid
    if oid not in _HASHES:
        raise Unverifiable(f"the time stamp hashes in a way not known here: {oid}")
    return _HASHES[oid]


def _parts(node: Node, least: int) -> list[Node]:
    parts = node.parts()
    if len(parts) < least:
        raise Refused("the time stamp is cut off")
    return parts[:least]
