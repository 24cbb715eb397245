"""A key in a file that signs records: for a laptop, where there is no key vault. The settings refuse it in Azure."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from shared.errors import NotFound, Refused
from shared.record_ports import KeyVersion

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_BYTES = 32


class KeyFile:
    """The port ``Signer``; a version is named for the public key, so that another file is another version.

    Args:
        key: ``file:///…``, a private key in PEM: EC, P-256.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self._path = Path(url2pathname(urlsplit(key).path))

    def newest(self) -> KeyVersion:
        """See ``Signer.newest``."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

        public = self._private().public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return KeyVersion(hashlib.sha256(pem).hexdigest()[:32], pem.decode())

    def sign(self, version: str, digest: bytes) -> bytes:
        """See ``Signer.sign``."""
        from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        if self.newest().version != version:
            raise NotFound(f"the key in {self._path} is another one by now than the version {version}")
        signature = self._private().sign(digest, ec.ECDSA(utils.Prehashed(SHA256())))
        return b"".join(number.to_bytes(_BYTES, "big") for number in utils.decode_dss_signature(signature))

    def _private(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            key = load_pem_private_key(self._path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise Refused(f"the key in {self._path} cannot be read ({type(error).__name__})") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise Refused(f"the key in {self._path} is none of the curve P-256")
        return key
