"""How often dispatchers are asked for builds: below limits that they keep and hardly document, whoever of us asks.

GitHub: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
Azure DevOps: https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.watching.budget import Learned, Purpose
from shared.rules.ledger import Ledger

# So long a dispatcher is left alone that refused and did not say for how long.
_UNTOLD = timedelta(minutes=1)


class Limit(msgspec.Struct, frozen=True):
    """So many requests in a window."""

    name: str
    most: int
    window: timedelta


# GitHub documents 80 requests that create content a minute and 500 an hour, and not whether a dispatch is one.
LIMITS = (Limit("minute", 60, timedelta(minutes=1)), Limit("hour", 400, timedelta(hours=1)))


class Allowance:
    """Counts what dispatchers are asked, shared by all instances.

    Args:
        ledger: the budgets.
        limits: of each dispatcher, the shortest window first.
    """

    def __init__(self, ledger: Ledger, limits: tuple[Limit, ...] = LIMITS) -> None:
        self._ledger = ledger
        self._limits = limits

    def take(self, name: str) -> datetime | None:
        """Take one request to a dispatcher; return ``None``, or when to come back, UTC.

        Raises:
            Conflict, ServiceError: the budgets could not be written.
        """
        for limit in self._limits:
            budget = _budget(name, limit)
            self._ledger.learned(budget, Learned(limit=limit.most, remaining=limit.most, window=limit.window))
            granted = self._ledger.grant(budget, 1, Purpose.IMPORT)
            if not granted.requests:
                return granted.until
        return None

    def refused(self, name: str, seconds: float | None) -> None:
        """Take note that a dispatcher asks us to come back later; nobody asks it before."""
        wait = _UNTOLD if seconds is None else timedelta(seconds=seconds)
        self._ledger.learned(_budget(name, self._limits[0]), Learned(locked_for=wait))
        self._ledger.settle()


def _budget(name: str, limit: Limit) -> str:
    return f"dispatch.{name}.{limit.name}"
