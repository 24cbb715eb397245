"""Envelopes of the Notary Project, in JSON (JWS) and in CBOR (COSE): taken apart, nothing in them believed yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.domain.signatures.cbor import Tagged, array_of_four, read_cbor
from shared.domain.signatures.certificates import MOST_IN_CHAIN
from shared.domain.signatures.encoded import at_second, from_base64, from_base64url
from shared.domain.signatures.findings import Refused

JWS_TYPE = "application/jose+json"
COSE_TYPE = "application/cose"
SCHEME = "io.cncf.notary.signingScheme"
EXPIRY = "io.cncf.notary.expiry"
_STAMP = "io.cncf.notary.timestampSignature"
_SIGN1, _EPOCH = 18, 1
_ALG, _CRIT, _CTY, _CHAIN = 1, 2, 3, 33
_ALGORITHMS = {-37: "PS256", -38: "PS384", -39: "PS512", -7: "ES256", -35: "ES384", -36: "ES512"}


class Envelope(msgspec.Struct, frozen=True):
    """An envelope taken apart.

    Attributes:
        algorithm: how it was signed, by the name that JWS has for it.
        critical: what whoever reads it must heed.
        attributes: all that is signed beside the payload, by its names.
        kind: the payload's media type.
        payload: what is signed.
        signed: the bytes that the signature is over.
        signature: the signature.
        chain: the signer's certificate and those above it, in DER.
        stamp: a time stamp; ``None`` if there is none.
    """

    algorithm: str
    critical: tuple[str, ...]
    attributes: dict[str, object]
    kind: str
    payload: bytes
    signed: bytes
    signature: bytes
    chain: tuple[bytes, ...]
    stamp: bytes | None = None

    @property
    def expires(self) -> datetime | None:
        """When its signer wants it to count no longer.

        Raises:
            Refused: it says so in no way that can be read.
        """
        told = self.attributes.get(EXPIRY)
        if told is None:
            return None
        if isinstance(told, Tagged) and told.tag == _EPOCH and isinstance(told.value, int):
            return at_second(told.value, "its end")
        if isinstance(told, str):
            return _time(told)
        raise Refused("when it ends cannot be read")


class _Header(msgspec.Struct, frozen=True):
    x5c: tuple[str, ...] = ()
    stamp: str | None = msgspec.field(name=_STAMP, default=None)


class _Jws(msgspec.Struct, frozen=True):
    payload: str
    protected: str
    signature: str
    header: _Header = _Header()


_JWS = msgspec.json.Decoder(_Jws)
_PROTECTED = msgspec.json.Decoder(dict[str, Any])


def read_envelope(media_type: str, raw: bytes) -> Envelope:
    """Take an envelope apart.

    Args:
        media_type: the layer's.
        raw: the layer.

    Raises:
        Refused: it is none.
    """
    try:
        envelope = _from_jws(_JWS.decode(raw)) if media_type == JWS_TYPE else _from_cose(read_cbor(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"it is no envelope that can be read: {error}") from None
    if not 0 < len(envelope.chain) <= MOST_IN_CHAIN:
        raise Refused(f"it brings {len(envelope.chain)} certificates along, and 1 to {MOST_IN_CHAIN} are read")
    return envelope


def _from_jws(jws: _Jws) -> Envelope:
    attributes = _PROTECTED.decode(from_base64url(jws.protected, "what it says of itself"))
    stamp = jws.header.stamp
    return Envelope(
        _text(attributes.get("alg")),
        _texts(attributes.get("crit")),
        attributes,
        _text(attributes.get("cty")),
        from_base64url(jws.payload, "its payload"),
        f"{jws.protected}.{jws.payload}".encode(),
        from_base64url(jws.signature, "its signature"),
        tuple(from_base64(each, "a certificate") for each in jws.header.x5c),
        None if stamp is None else from_base64(stamp, "its time stamp"),
    )


def _from_cose(value: object) -> Envelope:
    if not (isinstance(value, Tagged) and value.tag == _SIGN1 and isinstance(value.value, list)):
        raise Refused("it is no envelope of one signature (COSE_Sign1)")
    match value.value:
        case [bytes() as protected, dict() as header, bytes() as payload, bytes() as signature]:
            told = read_cbor(protected)
        case _:
            raise Refused("it is no envelope of one signature (COSE_Sign1)")
    if not isinstance(told, dict):
        raise Refused("what it says of itself is no mapping")
    chain, stamp = header.get(_CHAIN), header.get(_STAMP)
    chain = chain if isinstance(chain, list) else [chain]
    if not all(isinstance(each, bytes) for each in chain) or not isinstance(stamp, bytes | None):
        raise Refused("its certificates or its time stamp are no bytes")
    return Envelope(
        _algorithm(told.get(_ALG)),
        _texts(told.get(_CRIT)),
        {name: each for name, each in told.items() if isinstance(name, str)},
        _text(told.get(_CTY)),
        payload,
        array_of_four("Signature1", protected, b"", payload),
        signature,
        tuple(chain),
        stamp,
    )


def _algorithm(number: object) -> str:
    known = _ALGORITHMS.get(number) if isinstance(number, int) else None
    return known or f"number {str(number)[:20]}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Refused("what it says of itself is not complete")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refused("it does not say what must be heeded (crit)")
    # A number stands for what COSE itself names; none of those must be heeded here, and so it is not known.
    return tuple(each if isinstance(each, str) else f"label {str(each)[:20]}" for each in value)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("when it ends cannot be read") from None
    if at.tzinfo is None:
        raise Refused("when it ends cannot be read: it has no time zone")
    return at.astimezone(UTC)
