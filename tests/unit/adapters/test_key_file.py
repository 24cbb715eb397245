"""A key in a file signs as Key Vault does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.adapters.key_file import KeyFile
from shared.domain.record.ecdsa import as_der
from shared.domain.signatures.keys import check_signature, read_public_key
from shared.errors import NotFound, Refused

pytestmark = pytest.mark.unit


def written(file: Path, curve: ec.EllipticCurve) -> KeyFile:
    key = ec.generate_private_key(curve)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return KeyFile(file.as_uri())


def test_what_it_signs_verifies_by_the_public_key_that_it_tells(tmp_path: Path) -> None:
    signer = written(tmp_path / "a key.pem", ec.SECP256R1())
    newest = signer.newest()
    signature = signer.sign(newest.version, hashlib.sha256(b"message").digest())
    assert len(signature) == 64
    check_signature(read_public_key(newest.pem.encode()), as_der(signature), b"message")


def test_another_key_in_the_file_is_another_version(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    former = written(file, ec.SECP256R1()).newest().version
    signer = written(file, ec.SECP256R1())
    assert signer.newest().version != former
    with pytest.raises(NotFound):
        signer.sign(former, bytes(32))


def test_a_file_that_is_no_such_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        KeyFile((tmp_path / "not-there.pem").as_uri()).newest()
    (tmp_path / "bad.pem").write_text("no key")
    with pytest.raises(Refused, match="cannot be read"):
        KeyFile((tmp_path / "bad.pem").as_uri()).newest()
    with pytest.raises(Refused, match="P-256"):
        written(tmp_path / "other.pem", ec.SECP384R1()).newest()
