"""Judging all that may be the Notary Project's signatures of an image. Nobody is asked for revocations."""

from __future__ import annotations

from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from shared.domain.policy.signing import NotationCheck
from shared.domain.policy.subjects import Subject
from shared.domain.signatures import trust as trusting
from shared.domain.signatures.certificates import CODE_SIGNING, Moment, check_chain, check_leaf, shown
from shared.domain.signatures.envelopes import COSE_TYPE, EXPIRY, JWS_TYPE, SCHEME, Envelope, read_envelope
from shared.domain.signatures.findings import Found, NotASignature, Refused, Unverifiable, cannot_be_judged, weighed
from shared.domain.signatures.keys import usable
from shared.domain.signatures.looked_at import attempts
from shared.domain.signatures.material import ArtefactKind, Layer, Material, TrustFiles
from shared.domain.signatures.timestamps import stamped_at
from shared.domain.signatures.verdict import SignatureVerdict

_PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
_X509 = "notary.x509"
_HEEDED = frozenset({SCHEME, EXPIRY})
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_NAMES = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
}


class _Target(msgspec.Struct, frozen=True, rename="camel"):
    digest: str
    media_type: str = ""


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    target_artifact: _Target


_PAYLOADS = msgspec.json.Decoder(_Payload)


def judge_notation(wanted: NotationCheck, material: Material, trust: TrustFiles, at: datetime) -> SignatureVerdict:
    """Judge the signatures of the Notary Project that lie beside an image.

    Args:
        wanted: whose is wanted.
        material: what was found.
        trust: the files of trust.
        at: now.
    """
    try:
        judge = _Judge(wanted, material, trust, at)
    except Unverifiable as reason:
        return cannot_be_judged("notation", wanted.wanted, reason)
    return weighed(attempts(material, (ArtefactKind.NOTATION,), judge.judged), "notation", wanted.wanted)


class _Judge:
    def __init__(self, wanted: NotationCheck, material: Material, trust: TrustFiles, at: datetime) -> None:
        self._wanted = wanted
        self._subjects = wanted.subjects
        self._material = material
        self._trust = trust
        self._folder = f"stores/{wanted.store}"
        self._trusted = trusting.store(trust, self._folder)
        self._at = at

    def judged(self, _kind: ArtefactKind, layer: Layer) -> Found:
        if layer.media_type not in (JWS_TYPE, COSE_TYPE):
            raise NotASignature(f"it is of the type {layer.media_type[:100]!r}, and no signature")
        envelope = read_envelope(layer.media_type, layer.content)
        chain = [x509.load_der_x509_certificate(each) for each in envelope.chain]
        _check_heeded(envelope)
        _check_signature(envelope, chain[0])
        self._check_target(envelope)
        check_leaf(chain[0], CODE_SIGNING, said=False)
        moment = self._moment(envelope, chain)
        check_chain(chain[0], chain[1:], self._trusted, moment or Moment.of(self._at), CODE_SIGNING)
        self._check_subject(chain[0])
        self._check_expiry(envelope)
        return Found(f"{shown(chain[0])} (store {self._wanted.store})", moment.latest if moment is not None else None)

    def _moment(self, envelope: Envelope, chain: list[x509.Certificate]) -> Moment | None:
        """When it was signed, as an authority for time vouches; ``None`` where nobody does and nobody needs to.

        While all its certificates are valid it needs no time stamp, and one that cannot be judged harms nothing.
        """
        needed = not all(each.not_valid_before_utc <= self._at <= each.not_valid_after_utc for each in chain)
        if envelope.stamp is None:
            if needed:
                raise Refused("a certificate of its chain is not valid now, and no time stamp says when it was made")
            return None
        try:
            return stamped_at(envelope.stamp, envelope.signature, trusting.store(self._trust, f"{self._folder}/tsa"))
        except (Refused, Unverifiable):
            if needed:
                raise
        except Exception:
            if needed:
                raise
        return None

    def _check_target(self, envelope: Envelope) -> None:
        if envelope.kind != _PAYLOAD_TYPE:
            raise NotASignature(f"it signs {envelope.kind[:100]!r}, and no image")
        try:
            target = _PAYLOADS.decode(envelope.payload).target_artifact
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(f"what it signs cannot be read: {error}") from None
        if target.digest != self._material.digest:
            raise Refused(f"it is about another image: {target.digest[:100]}")
        if self._material.media_type and target.media_type != self._material.media_type:
            raise Refused(f"it is about the image as {target.media_type[:100]!r}, which it is not")

    def _check_subject(self, leaf: x509.Certificate) -> None:
        parts = _parts(leaf)
        if not any(subject.items() <= parts.items() for subject in self._subjects):
            raise Refused(f"it is by {shown(leaf)}, which is another identity")

    def _check_expiry(self, envelope: Envelope) -> None:
        if envelope.expires is not None and envelope.expires <= self._at:
            raise Refused(f"its signer let it end at {envelope.expires:%Y-%m-%d %H:%M} UTC")


def _parts(leaf: x509.Certificate) -> Subject:
    """Return the parts of a certificate's subject; what it has twice is left out, for which of them counts?"""
    found: Subject = {}
    twice = set()
    for each in leaf.subject:
        name = _NAMES.get(each.oid, each.oid.dotted_string)
        if name in found:
            twice.add(name)
        found[name] = each.value if isinstance(each.value, str) else each.value.hex()
    return {name: value for name, value in found.items() if name not in twice}


def _check_heeded(envelope: Envelope) -> None:
    """What must be heeded and is not known here may take everything back that the rest says."""
    unknown = sorted(set(envelope.critical) - _HEEDED)
    if unknown:
        raise Refused(
            f"it must not be used by whoever does not know {', '.join(unknown)[:200]}, which is not known here"
        )
    if missing := [name for name in envelope.critical if name not in envelope.attributes]:
        raise Refused(f"it calls {missing[0]} critical and does not say it")
    if SCHEME not in envelope.critical or envelope.attributes.get(SCHEME) != _X509:
        raise Refused(f"its scheme is {str(envelope.attributes.get(SCHEME))[:50]!r}, and only {_X509} is trusted here")
    if EXPIRY in envelope.attributes and EXPIRY not in envelope.critical:
        raise Refused("it says when it ends and does not call it critical")


def _check_signature(envelope: Envelope, leaf: x509.Certificate) -> None:
    key = usable(leaf.public_key())
    family, algorithm = envelope.algorithm[:2], _HASHES.get(envelope.algorithm[2:])
    try:
        if algorithm is not None and family == "PS" and isinstance(key, rsa.RSAPublicKey):
            padded = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            key.verify(envelope.signature, envelope.signed, padded, algorithm)
        elif algorithm is not None and family == "ES" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_as_der(envelope.signature, key), envelope.signed, ec.ECDSA(algorithm))
        else:
            raise Unverifiable(f"it is signed in a way not known here: {envelope.algorithm[:50]!r} by such a key")
    except InvalidSignature:
        raise Refused("the signature does not verify: it is by another key, or what it signs was altered") from None


def _as_der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    half = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise Refused("the signature is too short or too long for its key")
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
