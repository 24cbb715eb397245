"""What is asked of records as a whole."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from shared.ports import R, Records


class Counting(Protocol):
    """Counts current records, without reading them."""

    def count(self, statuses: Collection[str]) -> int:
        """Return how many have one of these statuses."""
        ...


class CountedRecords(Records[R], Counting, Protocol[R]):
    """Records that can be counted, too."""
