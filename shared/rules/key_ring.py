"""Which key signs records, and which ones did: published before the first use, and never forgotten."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from shared.domain.record.ecdsa import as_der
from shared.domain.record.signing_keys import SigningKey, announced, heir_of, in_use
from shared.domain.signatures.findings import Refused as NotSigned
from shared.domain.signatures.findings import Unverifiable
from shared.domain.signatures.keys import PublicKey, check_signature, fingerprint, read_public_key
from shared.errors import Conflict, NotFound, Refused, ServiceError, Unavailable
from shared.ports import Clock
from shared.record_ports import Signer, SigningKeys, StoredKey

log = logging.getLogger("tidegate.records")

# A new version is noticed within this time, and signs a day after it was published.
ASKED_EVERY = timedelta(hours=1)


class Signed(msgspec.Struct, frozen=True):
    """Signatures as DER, and the key that all of them are by."""

    key: SigningKey
    signatures: tuple[bytes, ...]


class KeyRing:
    """Signs, and knows the public keys.

    Args:
        signer: who holds the private key.
        keys: where the public keys are kept.
        clock: tells the time.
    """

    def __init__(self, signer: Signer, keys: SigningKeys, clock: Clock) -> None:
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._asked_at: datetime | None = None

    def public_keys(self) -> dict[str, PublicKey]:
        """Return all public keys, by fingerprint. One transaction."""
        return {stored.key.fingerprint: _read(stored.key.pem) for stored in self._keys.every()}

    def sign(self, *messages: bytes) -> Signed:
        """Sign messages by the key in use, all of them by the same version.

        Raises:
            ServiceError: nothing is signed.
        """
        known = self._published()
        key = in_use(known, self._clock())
        if key is None:
            raise ServiceError("no key signs records yet: the first one could not be published")
        try:
            return self._signed(key, messages)
        except (NotFound, Refused) as error:
            heir = heir_of(known, key)
            if heir is None:
                raise
            log.warning("%s: the version %s, which is published, takes over now", error, heir.version)
            return self._signed(self._begun(heir), messages)

    def _signed(self, key: SigningKey, messages: tuple[bytes, ...]) -> Signed:
        """What does not verify is nothing that is kept: whoever answered did not sign."""
        public = _read(key.pem)
        made = tuple(as_der(self._signer.sign(key.version, sha256(message).digest())) for message in messages)
        try:
            for message, signature in zip(messages, made, strict=True):
                check_signature(public, signature, message)
        except NotSigned as error:
            told = f"what the signing key's version {key.version} gave for a signature is none by it: {error}"
            raise Unavailable(told) from None
        return Signed(key, made)

    def _published(self) -> tuple[SigningKey, ...]:
        """Return what is published, once the newest version is."""
        known = tuple(stored.key for stored in self._keys.every())
        now = self._clock()
        if self._asked_at is not None and now - self._asked_at < ASKED_EVERY and known:
            return known
        try:
            known = self._with_newest(known, now)
        except ServiceError as error:
            if in_use(known, now) is None:
                raise
            log.warning("whether there is a new version of the signing key is not known: %s", error)
        self._asked_at = now
        return known

    def _with_newest(self, known: tuple[SigningKey, ...], now: datetime) -> tuple[SigningKey, ...]:
        newest = self._signer.newest()
        name = fingerprint(_read(newest.pem))
        if any(one.fingerprint == name for one in known):
            return known
        key = announced(known, SigningKey(self._signer.key, newest.version, newest.pem, name, now, now))
        try:
            self._keys.put(None, key)
        except Conflict:
            return tuple(stored.key for stored in self._keys.every())
        log.info("the signing key's version %s is published, and signs from %s", key.version, key.begins_at)
        return (*known, key)

    def _begun(self, key: SigningKey) -> SigningKey:
        """Have a version begin now that was to begin later."""
        now, stored = self._clock(), self._stored(key)
        if stored is None or stored.key.begins_at <= now:
            return key
        begun = msgspec.structs.replace(stored.key, begins_at=now)
        self._keys.put(stored, begun)
        return begun

    def _stored(self, key: SigningKey) -> StoredKey | None:
        return next((one for one in self._keys.every() if one.key.fingerprint == key.fingerprint), None)


def _read(pem: str) -> PublicKey:
    try:
        return read_public_key(pem.encode())
    except Unverifiable as error:
        raise Refused(f"a signing key cannot be used: {error}") from None
