"""What housekeeping remembers: blobs beside the evidence, for what a repository's manifests say can be much."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.domain.housekeeping.manifests import Links
from shared.domain.housekeeping.reasons import Place
from shared.domain.housekeeping.rounds import Round
from shared.domain.references import Digest
from shared.errors import Unavailable
from shared.housekeeping_ports import StoredLinks, StoredRound

log = logging.getLogger("tidegate.housekeeping")

_FOLDER, _MOST = "housekeeping", 64 * 1024 * 1024
_ROUND = f"{_FOLDER}/round.json"
_ROUNDS = msgspec.json.Decoder(Round)
_LINKS = msgspec.json.Decoder(dict[Digest, Links])


class HouseBlobs:
    """The port ``HouseBooks``.

    Args:
        account: where the blobs are.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._container = Container(account, "evidence")

    def get(self) -> StoredRound | None:
        """See ``HouseBooks.get``. One transaction."""
        found = self._container.read(_ROUND, _MOST)
        if found is None:
            return None
        try:
            return StoredRound(_ROUNDS.decode(found.content), found.etag)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(f"evidence/{_ROUND} cannot be read, and nobody knows what was begun: {error}") from error

    def put(self, stored: StoredRound | None, known: Round) -> StoredRound:
        """See ``HouseBooks.put``. One transaction."""
        etag = self._container.write_same(_ROUND, msgspec.json.encode(known), stored.etag if stored else "")
        return StoredRound(known, etag)

    def links(self, place: Place, repository: str) -> StoredLinks:
        """See ``HouseBooks.links``. One transaction."""
        found = self._container.read(_name(place, repository), _MOST)
        if found is None:
            return StoredLinks({})
        try:
            return StoredLinks(_LINKS.decode(found.content), found.etag)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("what is known of %s cannot be read, and is asked for anew: %s", repository, error)
            return StoredLinks({}, found.etag)

    def keep_links(self, place: Place, repository: str, stored: StoredLinks, links: Mapping[Digest, Links]) -> None:
        """See ``HouseBooks.keep_links``. One transaction."""
        self._container.write_same(_name(place, repository), msgspec.json.encode(links), stored.etag)


def _name(place: Place, repository: str) -> str:
    return f"{_FOLDER}/{place.value}/{repository}.json"
