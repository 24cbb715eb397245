"""A sigstore instance in memory: an authority for identities, a log of its certificates, and a log of signatures."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from shared.domain.signatures.material import Layer
from tests.made_signatures.authorities import START, Authority, b64, new_key, public_pem, signed, spki
from tests.made_signatures.cosign import BUNDLE, SIGN, envelope, legacy_layer, statement

SIGNED_AT = datetime(2026, 6, 1, tzinfo=UTC)
LOGGED_AT = SIGNED_AT + timedelta(seconds=5)


def canonical(told: object) -> bytes:
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


class Instance:
    """Keyless signatures, and the trusted root that vouches for them."""

    def __init__(self) -> None:
        identifier = x509.SubjectKeyIdentifier.from_public_key(new_key().public_key())
        self.authority = Authority("O=made.invalid, CN=authority", extensions=((identifier, False),))
        self.witness, self.log = new_key(), new_key()

    @property
    def root(self) -> bytes:
        since = {"start": START.strftime("%Y-%m-%dT%H:%M:%SZ")}
        chain = {"certificates": [{"rawBytes": b64(self.authority.certificate.public_bytes(Encoding.DER))}]}
        named = {"organization": "made.invalid", "commonName": "authority"}
        told = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self.log, "https://log.made.invalid", since)],
            "ctlogs": [_log(self.witness, "https://witness.made.invalid", since)],
            "certificateAuthorities": [
                {"subject": named, "uri": "https://made.invalid", "certChain": chain, "validFor": since}
            ],
            "timestampAuthorities": [],
        }
        return json.dumps(told).encode()

    @property
    def log_pem(self) -> bytes:
        return public_pem(self.log)

    def certificate(
        self,
        key: ec.EllipticCurvePrivateKey,
        identity: str,
        issuer: str,
        at: datetime = SIGNED_AT,
        *,
        witnessed: bool = True,
        purposes: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.CODE_SIGNING,),
    ) -> x509.Certificate:
        is_mail = "@" in identity and "://" not in identity
        name = x509.RFC822Name(identity) if is_mail else x509.UniformResourceIdentifier(identity)
        utf8 = issuer.encode()
        builder = self.authority.leaf(
            key,
            "",
            (
                (x509.ExtendedKeyUsage(purposes), False),
                (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.key.public_key()), False),
                (x509.SubjectAlternativeName([name]), True),
                (_raw("1.3.6.1.4.1.57264.1.1", utf8), False),
                (_raw("1.3.6.1.4.1.57264.1.8", b"\x0c" + _length(utf8) + utf8), False),
            ),
            start=at,
            lasts=timedelta(minutes=10),
        )
        if witnessed:
            tbs = builder.sign(self.authority.key, hashes.SHA256()).tbs_certificate_bytes
            builder = builder.add_extension(_raw("1.3.6.1.4.1.11129.2.4.2", self._witnessed(tbs, at)), False)
        return builder.sign(self.authority.key, hashes.SHA256())

    def bundle(
        self, digest: str, identity: str, issuer: str, predicate_type: str = SIGN, **more: Any
    ) -> dict[str, Any]:
        """A bundle of a statement, as `cosign sign` and `cosign attest` store it."""
        key = new_key()
        certificate = self.certificate(key, identity, issuer, **more)
        body = statement(digest, predicate_type)
        wrapped = envelope(body, key)
        verifier = b64(certificate.public_bytes(Encoding.PEM))
        entry = canonical(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(canonical(wrapped)).hexdigest()},
                    "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(body).hexdigest()},
                    "signatures": [{"signature": wrapped["signatures"][0]["sig"], "verifier": verifier}],
                },
            }
        )
        material = {
            "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
            "tlogEntries": [self._entry(entry)],
        }
        return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": wrapped}

    def layer(self, content: bytes, identity: str, issuer: str, logged_at: datetime = LOGGED_AT, **more: Any) -> Layer:
        """A signature of the older form, with certificate and the log's promise."""
        key = new_key()
        pem = self.certificate(key, identity, issuer, **more).public_bytes(Encoding.PEM).decode()
        signature = signed(key, content)
        entry = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}},
                "signature": {"content": b64(signature), "publicKey": {"content": b64(pem.encode())}},
            },
        }
        told = {**self._told(canonical(entry), logged_at), "logIndex": 7}
        promise = {"SignedEntryTimestamp": b64(signed(self.log, canonical(told))), "Payload": told}
        annotations = {
            "dev.cosignproject.cosign/signature": b64(signature),
            "dev.sigstore.cosign/certificate": pem,
            "dev.sigstore.cosign/chain": self.authority.pem.decode(),
            "dev.sigstore.cosign/bundle": json.dumps(promise),
        }
        return Layer(legacy_layer(content, key).media_type, annotations, content)

    def _told(self, entry: bytes, at: datetime) -> dict[str, Any]:
        log_id = hashlib.sha256(spki(self.log)).hexdigest()
        return {"body": b64(entry), "integratedTime": int(at.timestamp()), "logID": log_id, "logIndex": 0}

    def _entry(self, entry: bytes) -> dict[str, Any]:
        told = self._told(entry, LOGGED_AT)
        log_id = bytes.fromhex(told["logID"])
        top = b64(hashlib.sha256(b"\0" + entry).digest())
        note = f"log.made.invalid - 1\n1\n{top}\n"
        mark = b64(log_id[:4] + signed(self.log, note.encode()))
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(log_id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(told["integratedTime"]),
            "inclusionPromise": {"signedEntryTimestamp": b64(signed(self.log, canonical(told)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": top,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.made.invalid {mark}\n"},
            },
            "canonicalizedBody": b64(entry),
        }

    def _witnessed(self, tbs: bytes, at: datetime) -> bytes:
        milliseconds = int(at.timestamp() * 1000)
        over = struct.pack(">BBQH", 0, 0, milliseconds, 1) + hashlib.sha256(spki(self.authority.key)).digest()
        signature = signed(self.witness, over + len(tbs).to_bytes(3, "big") + tbs + b"\0\0")
        stamp = b"\0" + hashlib.sha256(spki(self.witness)).digest() + struct.pack(">Q", milliseconds) + b"\0\0\x04\x03"
        stamp += struct.pack(">H", len(signature)) + signature
        listed = struct.pack(">H", len(stamp)) + stamp
        listed = struct.pack(">H", len(listed)) + listed
        return b"\x04" + _length(listed) + listed


def _log(key: ec.EllipticCurvePrivateKey, url: str, since: dict[str, str]) -> dict[str, Any]:
    public = {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since}
    log_id = {"keyId": b64(hashlib.sha256(spki(key)).digest())}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": log_id}


def _raw(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier(oid), value)


def _length(content: bytes) -> bytes:
    size = len(content)
    return bytes((size,)) if size < 128 else bytes((0x81, size)) if size < 256 else b"\x82" + size.to_bytes(2, "big")
