"""How many records wait, and since when."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Waiting(msgspec.Struct, frozen=True):
    """Records of one status, as a sweep found them.

    Attributes:
        count: how many.
        oldest: since when the oldest of them has been in that status, UTC.
    """

    count: int
    oldest: datetime
