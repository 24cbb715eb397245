"""Reading what people put under config/trust/: keys, certificates, stores. What cannot be read is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from shared.domain.signatures.findings import Unverifiable
from shared.domain.signatures.keys import PublicKey, usable
from shared.domain.signatures.material import TrustFiles

LARGEST_TRUST_FILE = 256 * 1024
MOST_TRUSTED = 100
_CERTIFICATES = (".pem", ".crt", ".cer")
_Read = TypeVar("_Read")


def content(trust: TrustFiles, path: str) -> bytes:
    """Return a file of trust.

    Raises:
        Unverifiable: it is not there, or larger than any such file.
    """
    if path not in trust:
        raise Unverifiable(f"config/trust/{path} is not there: put it there, or name another in the policy")
    if len(trust[path]) > LARGEST_TRUST_FILE:
        raise Unverifiable(f"config/trust/{path} has more than {LARGEST_TRUST_FILE} bytes")
    return trust[path]


def public_key(trust: TrustFiles, path: str) -> PublicKey:
    """Return the public key that a file holds in PEM.

    Raises:
        Unverifiable: the file is not there, or holds none.
    """
    return usable(_read(serialization.load_pem_public_key, trust, path, "a public key in PEM (BEGIN PUBLIC KEY)"))


def certificates(trust: TrustFiles, path: str) -> list[x509.Certificate]:
    """Return the certificates that a file holds, in PEM or one in DER.

    Raises:
        Unverifiable: the file is not there, or holds none.
    """
    found = _read(_certificates, trust, path, "certificates in PEM (BEGIN CERTIFICATE) or one in DER")
    if len(found) > MOST_TRUSTED:
        raise Unverifiable(f"config/trust/{path} holds more than {MOST_TRUSTED} certificates")
    return found


def store(trust: TrustFiles, folder: str) -> list[x509.Certificate]:
    """Return the certificates of all files of a folder, not of folders within it.

    Args:
        trust: the files.
        folder: below config/trust/, such as ``stores/microsoft``.

    Raises:
        Unverifiable: there is no such file, or one cannot be read: a store that is half read may lack anything.
    """
    paths = sorted(path for path in trust if path.rpartition("/")[0] == folder and path.lower().endswith(_CERTIFICATES))
    if not paths:
        raise Unverifiable(
            f"config/trust/{folder}/ holds no certificates (*.pem, *.crt, *.cer): put those you trust there"
        )
    found = [each for path in paths for each in certificates(trust, path)]
    if len(found) > MOST_TRUSTED:
        raise Unverifiable(f"config/trust/{folder}/ holds more than {MOST_TRUSTED} certificates")
    return found


def _certificates(raw: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN" in raw:
        return x509.load_pem_x509_certificates(raw)
    return [x509.load_der_x509_certificate(raw)]


def _read(load: Callable[[bytes], _Read], trust: TrustFiles, path: str, what: str) -> _Read:
    raw = content(trust, path)
    try:
        return load(raw)
    # Whatever is wrong with it, nothing can be judged by it, and its people are told.
    except Exception as error:  # noqa: BLE001
        raise Unverifiable(f"config/trust/{path} is not {what}: {type(error).__name__}") from None
