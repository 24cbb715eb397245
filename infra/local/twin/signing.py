"""Signs images as ``cosign sign --key`` does: a bundle beside each.

https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.local.twin.beside import attach

_SIGN = "https://sigstore.dev/cosign/sign/v1"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "application/vnd.in-toto+json"


class Signer:
    """Somebody who has a key of their own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """The public key, in PEM."""
        return self._public(Encoding.PEM).decode()

    def sign(self, registry: str, repository: str, digest: str) -> str:
        """Sign an image and leave the signature beside it; return the digest of its manifest.

        Args:
            registry: address of the registry, such as ``http://127.0.0.1:10010``.
            repository: of the image.
            digest: of the image.

        Raises:
            requests.HTTPError: the registry refused a push.
        """
        bundle = json.dumps(self._bundle(digest)).encode()
        return attach(registry, repository, digest, _BUNDLE, bundle, {"dev.sigstore.bundle.predicateType": _SIGN})

    def _bundle(self, digest: str) -> dict[str, Any]:
        statement = json.dumps(_statement(digest)).encode()
        signature = self._key.sign(_to_be_signed(statement), ec.ECDSA(hashes.SHA256()))
        envelope = {
            "payload": _base64(statement),
            "payloadType": _STATEMENT,
            "signatures": [{"sig": _base64(signature)}],
        }
        hint = _base64(hashlib.sha256(self._public(Encoding.DER)).digest())
        return {
            "mediaType": _BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": hint}},
            "dsseEnvelope": envelope,
        }

    def _public(self, encoding: Encoding) -> bytes:
        return self._key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _statement(digest: str) -> dict[str, Any]:
    algorithm, _, value = digest.partition(":")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {algorithm: value}}],
        "predicateType": _SIGN,
        "predicate": {},
    }


def _to_be_signed(statement: bytes) -> bytes:
    """As https://github.com/secure-systems-lab/dsse/blob/master/protocol.md has it."""
    return f"DSSEv1 {len(_STATEMENT)} {_STATEMENT} {len(statement)} ".encode() + statement


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
