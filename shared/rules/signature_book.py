"""What lies beside images and may be their signatures: read from their registries, and kept as evidence with a digest.

One blob for each digest and upstream repository holds what was read, when, and how often: it is written once a reading
is over, so that whoever dies on the way has it read once more, and nothing of it is known by halves. A table would hold
the same fields and be asked the same question, by the same key; and what is kept here is too large for a row.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from shared.domain.promotion.schedule import SIGNATURE_REST
from shared.domain.promotion.signed import Kept, kept_name
from shared.domain.references import Digest, Repository
from shared.domain.signatures.material import Material
from shared.domain.watching.budget import Purpose
from shared.errors import RateLimited, ServiceError
from shared.ports import Clock, Evidence
from shared.rules.ledger import Ledger
from shared.signature_ports import Beside, SignatureSource

log = logging.getLogger("tidegate.signatures")

_KEPT = msgspec.json.Decoder(Kept)
# Readings of different images that go on side by side; those of one wait for each other.
_LOCKS = 32
_MOST_REMEMBERED = 1000


class SignatureBook:
    """The signatures of digests.

    Args:
        upstream: gives the upstream of a registry.
        ledger: the upstreams' budgets.
        evidence: where what was read is kept.
        clock: tells the time.
    """

    def __init__(
        self, upstream: Callable[[str], SignatureSource], ledger: Ledger, evidence: Evidence, clock: Clock
    ) -> None:
        self._upstream = upstream
        self._ledger = ledger
        self._evidence = evidence
        self._clock = clock
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))
        self._failed: dict[tuple[Repository, Digest], tuple[datetime, ServiceError]] = {}

    def kept(self, source: Repository, digest: Digest) -> Kept | None:
        """Return what was read before; ``None`` if nothing was, or if it cannot be read any more.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self._evidence.read(digest, kept_name(source))
        if found is None:
            return None
        try:
            kept = _KEPT.decode(found)
        except msgspec.DecodeError as error:
            log.warning("what is kept of the signatures of %s cannot be read, and is fetched anew: %s", digest, error)
            return None
        return kept if (kept.source, kept.material.digest) == (source, digest) else None

    def of(self, source: Repository, digest: Digest) -> Kept:
        """Return what is known; if nothing is, what is most likely a signature is read now.

        Raises:
            ServiceError: it could not be read.
        """
        with self._lock(digest):
            return self.kept(source, digest) or self._read(source, digest, None, whole=False)

    def again(self, kept: Kept, *, whole: bool = True) -> Kept:
        """Read anew what is kept, unless somebody did so since.

        Args:
            kept: as it was returned.
            whole: whether all is read.

        Raises:
            ServiceError: it could not be read.
        """
        source, digest = kept.source, kept.material.digest
        with self._lock(digest):
            known = self.kept(source, digest)
            if known is not None and known.times > kept.times and known.whole >= whole:
                return known
            return self._read(source, digest, known or kept, whole=whole)

    def _lock(self, digest: Digest) -> threading.Lock:
        return self._locks[hash(digest) % _LOCKS]

    def _read(self, source: Repository, digest: Digest, known: Kept | None, *, whole: bool) -> Kept:
        now = self._clock()
        self._raise_again(source, digest, now)
        try:
            found = self._beside(source, digest, whole=whole)
        except ServiceError as error:
            self._remember(source, digest, now + SIGNATURE_REST, error)
            raise
        kept = Kept(
            source=source,
            first_at=known.first_at if known is not None else now,
            read_at=now,
            times=known.times + 1 if known is not None else 1,
            whole=found.whole,
            unread=found.unread,
            material=Material(digest, artefacts=found.artefacts),
        )
        self._evidence.keep(digest, kept_name(source), msgspec.json.encode(kept))
        return kept

    def _beside(self, source: Repository, digest: Digest, *, whole: bool) -> Beside:
        spend = partial(self._spend, source, digest)
        try:
            return self._upstream(source.registry).beside(source, digest, spend, whole=whole)
        finally:
            self._ledger.settle()

    def _spend(self, source: Repository, digest: Digest, pull: bool) -> None:
        purpose = Purpose.READ if pull else Purpose.LOOK
        grant = self._ledger.grant(source.registry, 1, purpose)
        if not grant.requests:
            until = f" until {grant.until:%H:%M:%S} UTC" if grant.until is not None else ""
            told = f"the budget of {source.registry} is short{until}; the signatures of {digest} are read later"
            raise RateLimited(told)

    def _raise_again(self, source: Repository, digest: Digest, now: datetime) -> None:
        """Fifty tags of one image do not ask fifty times in a row a registry that does not answer."""
        until, error = self._failed.get((source, digest), (now, None))
        if error is not None and now < until:
            raise error

    def _remember(self, source: Repository, digest: Digest, until: datetime, error: ServiceError) -> None:
        if len(self._failed) >= _MOST_REMEMBERED:
            self._failed.clear()
        self._failed[source, digest] = (until, error)
