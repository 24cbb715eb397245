"""How much of housekeeping is done at once: so many requests, and so long. The rest goes on later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TypeVar

from shared.ports import Clock

P = TypeVar("P")


class Spent(Exception):
    """Enough was asked for now; nothing is wrong."""


class HousePurse:
    """Grants requests.

    Args:
        clock: tells the time.
        most: how many requests there may be.
        within: how long they may take together.

    Attributes:
        spent: how many were granted.
    """

    def __init__(self, clock: Clock, most: int, within: timedelta) -> None:
        self._clock = clock
        self._most = most
        self._until = clock() + within
        self.spent = 0

    def take(self) -> None:
        """Take one request.

        Raises:
            Spent: there is none left, or no time.
        """
        if self.spent >= self._most or self._clock() >= self._until:
            raise Spent
        self.spent += 1

    def count(self, requests: int) -> None:
        """Count requests that were made for what had to be done to its end."""
        self.spent += requests

    def pages(self, pages: Iterator[P]) -> Iterator[P]:
        """Pass on the pages of a listing, each of which is one request.

        Raises:
            Spent: see ``take``.
        """
        while True:
            self.take()
            page = next(pages, None)
            if page is None:
                self.spent -= 1  # the last page said so
                return
            yield page
