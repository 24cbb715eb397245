"""What rules ask of those who sign records, keep their keys and attach them; see ``shared.ports`` for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.record.attaching import Attachment
from shared.domain.record.signing_keys import SigningKey
from shared.domain.references import Digest


class KeyVersion(msgspec.Struct, frozen=True):
    """A version of the key that signs.

    Attributes:
        version: its name; a signature is always asked of one version.
        pem: the public key.
    """

    version: str
    pem: str


class Signer(Protocol):
    """Whoever holds the private key; only digests are shown to it."""

    @property
    def key(self) -> str:
        """Which key, without version."""
        ...

    def newest(self) -> KeyVersion:
        """Return the version that is to sign from now on.

        Raises:
            ServiceError: it cannot be told; ``Refused`` where the key is of no use for this.
        """
        ...

    def sign(self, version: str, digest: bytes) -> bytes:
        """Return the signature of a SHA-256: r and s, 32 bytes each.

        Raises:
            NotFound: there is no such version any more.
            Refused: the version signs nothing: it is disabled, or its time has ended.
            NotPermitted: our identity may not sign with it.
            ServiceError: there was no answer, or too much was asked.
        """
        ...


class StoredKey(msgspec.Struct, frozen=True):
    """A public key as it was read, with the ETag that guards its replacement."""

    key: SigningKey
    etag: str


class SigningKeys(Protocol):
    """The public keys of all that ever signed records; none is ever deleted."""

    def every(self) -> tuple[StoredKey, ...]:
        """Return all of them."""
        ...

    def put(self, stored: StoredKey | None, key: SigningKey) -> StoredKey:
        """Write a key that nobody changed since it was read.

        Args:
            stored: as it was read; ``None`` if it was not there.
            key: as it is from now on.

        Raises:
            Conflict: somebody did change it, or wrote it first.
        """
        ...


class Shelf(Protocol):
    """A registry of ours, blob by blob; into the base registry nothing is pushed."""

    def blob(self, repository: str, digest: Digest, most: int) -> bytes | None:
        """Return a blob; ``None`` if it is not there, or larger than ``most`` bytes.

        Raises:
            ServiceError: there was no answer, or none that has the digest.
        """
        ...

    def push(self, repository: str, attachment: Attachment) -> None:
        """Put a manifest there with what it refers to; twice is once.

        Raises:
            ServiceError: it is not there, or nobody knows.
        """
        ...
