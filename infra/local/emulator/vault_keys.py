"""The keys of the twin's vault, in versions, kept over a restart so that what they signed stays good.

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
from typing import Any

from cryptography.hazmat.primitives import hashes

from infra.local.emulator.vault_algorithms import KINDS


@dataclass(frozen=True)
class KeyVersion:
    """One version of a key.

    Attributes:
        name: of the key.
        version: 32 hexadecimal digits.
        kind: what it is made of, by ``KINDS``.
        pem: the private key.
        enabled: whether it may be used at all.
        created, updated: epoch seconds, whole.
        not_before, expires: between which it signs; ``None`` for no limit.
    """

    name: str
    version: str
    kind: str
    pem: str
    enabled: bool
    created: int
    updated: int
    not_before: int | None = None
    expires: int | None = None

    @property
    def algorithms(self) -> Mapping[str, hashes.HashAlgorithm]:
        """By what it signs, each with its digest."""
        return KINDS[self.kind].algorithms

    def sign(self, algorithm: str, digest: bytes, *, leading_zero: bool = False) -> bytes:
        """Sign a digest; see ``Curve.sign``, and ``Rsa.sign``."""
        return KINDS[self.kind].sign(self.pem, algorithm, digest, leading_zero=leading_zero)

    def verifies(self, algorithm: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature of that form is this key's of a digest."""
        return KINDS[self.kind].verifies(self.pem, algorithm, digest, signature)

    def jwk(self) -> dict[str, Any]:
        """Return its public half: its kind, and numbers as bytes."""
        return KINDS[self.kind].jwk(self.pem)


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
            self._all = {name: [_read(one) for one in versions] for name, versions in kept.items()}

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

    def create(self, name: str, kind: str, attributes: Mapping[str, object]) -> KeyVersion:
        """Make a new version of a key, which is the first if there is no such key."""
        now = int(time.time())
        made = KeyVersion(name, uuid.uuid4().hex, kind, KINDS[kind].make(), True, now, now)
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


def _read(kept: Mapping[str, Any]) -> KeyVersion:
    """Read a version; where all keys were of curves, it said its curve."""
    given = dict(kept)
    curve = given.pop("crv", "")
    return KeyVersion(**{"kind": curve, **given})


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
