"""What flows and adapters ask of the upstreams' budgets; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.watching.budget import Budget, Learned


class Meter(Protocol):
    """Is told what each answer of an upstream says of its limits."""

    def __call__(self, upstream: str, learned: Learned) -> None:
        """Take note; ``upstream`` is the host whose limit it is, such as ``docker.io`` or ``hub.docker.com``."""
        ...


class StoredBudget(msgspec.Struct, frozen=True):
    """A budget as it was read; the ETag is empty if there was none yet."""

    budget: Budget
    etag: str


class Budgets(Protocol):
    """What is left of each upstream's limits, shared by all instances."""

    def get(self, upstream: str) -> StoredBudget:
        """Return the budget of an upstream; one without a limit if none was ever learned."""
        ...

    def every(self) -> tuple[Budget, ...]:
        """Return the budget of every upstream of which something was learned, in no order."""
        ...

    def replace(self, stored: StoredBudget, budget: Budget) -> StoredBudget:
        """Write a budget that nobody changed since it was read, and return it as it is stored now.

        Raises:
            Conflict: somebody did.
        """
        ...
