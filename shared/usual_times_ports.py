"""What rules ask of the usual times that are kept; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.promotion.usual_times import UsualTimes


class StoredUsualTimes(msgspec.Struct, frozen=True):
    """Usual times as they were read; the ETag is empty if none were kept yet."""

    times: UsualTimes
    etag: str


class KeptUsualTimes(Protocol):
    """How long imports and gates usually take, shared by all instances."""

    def get(self) -> StoredUsualTimes:
        """Return what is kept; nothing learnt if nothing is."""
        ...

    def replace(self, stored: StoredUsualTimes, times: UsualTimes) -> StoredUsualTimes:
        """Keep what nobody changed since it was read, and return it as it is kept now.

        Raises:
            Conflict: somebody did.
        """
        ...
