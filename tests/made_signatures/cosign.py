"""What `cosign sign` leaves beside an image: by a key, in the older form and as a bundle."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from shared.domain.signatures.material import Artefact, ArtefactKind, Layer
from tests.made_signatures.authorities import b64, signed, spki

SIGN = "https://sigstore.dev/cosign/sign/v1"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "application/vnd.in-toto+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"


def pae(kind: str, body: bytes) -> bytes:
    return f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body


def payload(digest: str, repository: str, **critical: Any) -> bytes:
    told = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": told | critical, "optional": None}, separators=(",", ":")).encode()


def legacy_layer(content: bytes, key: ec.EllipticCurvePrivateKey, **annotations: str) -> Layer:
    return Layer(SIMPLE, {"dev.cosignproject.cosign/signature": b64(signed(key, content)), **annotations}, content)


def legacy(*layers: Layer) -> Artefact:
    return Artefact(ArtefactKind.COSIGN_LEGACY, b"{}", layers)


def statement(digest: str, predicate_type: str = SIGN, predicate: object = None) -> bytes:
    algorithm, _, value = digest.partition(":")
    told = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {algorithm: value}}],
        "predicateType": predicate_type,
        "predicate": predicate or {},
    }
    return json.dumps(told).encode()


def envelope(body: bytes, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {
        "payload": b64(body),
        "payloadType": STATEMENT,
        "signatures": [{"sig": b64(signed(key, pae(STATEMENT, body)))}],
    }


def key_bundle(
    body: bytes, key: ec.EllipticCurvePrivateKey, hint: ec.EllipticCurvePrivateKey | None = None
) -> dict[str, Any]:
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": b64(hashlib.sha256(spki(hint or key)).digest())}},
        "dsseEnvelope": envelope(body, key),
    }


def bundle(made: dict[str, Any]) -> Artefact:
    return Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"{}", (Layer(BUNDLE, {}, json.dumps(made).encode()),))
