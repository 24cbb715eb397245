"""The keys of the twin's vault: elliptic curves, in versions, kept over a restart so that what they signed stays good.

https://learn.microsoft.com/azure/key-vault/keys/about-keys-details
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


@dataclass(frozen=True)
class Curve:
    """A curve, the one algorithm that signs on it, and that algorithm's digest; ``size`` of a half in bytes."""

    curve: ec.EllipticCurve
    algorithm: str
    digest: hashes.HashAlgorithm
    size: int


CURVES = {
    "P-256": Curve(ec.SECP256R1(), "ES256", hashes.SHA256(), 32),
    "P-384": Curve(ec.SECP384R1(), "ES384", hashes.SHA384(), 48),
    "P-521": Curve(ec.SECP521R1(), "ES512", hashes.SHA512(), 66),
}


@dataclass(frozen=True)
class KeyVersion:
    """One version of a key.

    Attributes:
        name: of the key.
        version: 32 hexadecimal digits.
        crv: its curve.
        pem: the private key.
        enabled: whether it may be used at all.
        created, updated: epoch seconds, whole.
        not_before, expires: between which it signs; ``None`` for no limit.
    """

    name: str
    version: str
    crv: str
    pem: str
    enabled: bool
    created: int
    updated: int
    not_before: int | None = None
    expires: int | None = None

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        """The key itself."""
        key = serialization.load_pem_private_key(self.pem.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - nothing else is ever made here
        return key

    @property
    def curve(self) -> Curve:
        """What its curve asks for."""
        return CURVES[self.crv]

    def sign(self, digest: bytes, *, leading_zero: bool = False) -> bytes:
        """Return r and s of a signature, each in the curve's full width, one after the other.

        Args:
            digest: what is signed, as long as the curve's digests.
            leading_zero: whether one of them is to begin with a zero byte, as by chance one in 128 signatures has it.
        """
        private = self.private
        while True:
            signature = private.sign(digest, ec.ECDSA(utils.Prehashed(self.curve.digest)))
            halves = [half.to_bytes(self.curve.size, "big") for half in utils.decode_dss_signature(signature)]
            if not leading_zero or any(half[0] == 0 for half in halves):
                return b"".join(halves)

    def verifies(self, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature of that form is this key's of a digest."""
        size = self.curve.size
        r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        public = self.private.public_key()
        try:
            public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(self.curve.digest)))
        except InvalidSignature:
            return False
        return len(signature) == 2 * size


class VaultKeys:
    """All keys of the vault, by name; the newest version comes last.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "keys.json"
        self._lock = threading.Lock()
        self._all: dict[str, list[KeyVersion]] = {}
        if self._file.exists():
            kept = json.loads(self._file.read_text())
            self._all = {name: [KeyVersion(**one) for one in versions] for name, versions in kept.items()}

    def names(self) -> list[str]:
        """Return the names of all keys in lexical order."""
        return sorted(self._all)

    def versions(self, name: str) -> list[KeyVersion]:
        """Return all versions of a key, oldest first; none if there is no such key."""
        return list(self._all.get(name, ()))

    def find(self, name: str, version: str) -> KeyVersion | None:
        """Return one version of a key, the newest for an empty one; ``None`` if it is not there."""
        found = [one for one in self.versions(name) if version in ("", one.version)]
        return found[-1] if found else None

    def create(self, name: str, crv: str, attributes: Mapping[str, object]) -> KeyVersion:
        """Make a new version of a key, which is the first if there is no such key."""
        now = int(time.time())
        pem = ec.generate_private_key(CURVES[crv].curve).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        made = KeyVersion(name, uuid.uuid4().hex, crv, pem.decode(), True, now, now)
        return self._keep(_changed(made, attributes))

    def change(self, version: KeyVersion, attributes: Mapping[str, object]) -> KeyVersion:
        """Change whether and when a version may be used."""
        return self._keep(replace(_changed(version, attributes), updated=int(time.time())))

    def _keep(self, version: KeyVersion) -> KeyVersion:
        with self._lock:
            before = {one.version: one for one in self.versions(version.name)}
            # What is changed stays in its place, and what is new comes last.
            self._all[version.name] = list({**before, version.version: version}.values())
            self._write()
        return version

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        written = self._file.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps({name: [asdict(one) for one in listed] for name, listed in self._all.items()}))
        written.replace(self._file)


def _changed(version: KeyVersion, attributes: Mapping[str, object]) -> KeyVersion:
    """Return a version with the attributes that are named, as the wire names them."""
    return replace(
        version,
        enabled=bool(attributes.get("enabled", version.enabled)),
        not_before=_seconds(attributes.get("nbf", version.not_before)),
        expires=_seconds(attributes.get("exp", version.expires)),
    )


def _seconds(given: object) -> int | None:
    return given if isinstance(given, int) else None
