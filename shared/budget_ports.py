"""What flows and adapters ask of the budgets of upstreams and ARM; see ``shared.ports`` for what every port keeps."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.pacing.asking import Answered, Asked
from shared.domain.pacing.bucket import Bucket, Kind, Work
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


class StoredBucket(msgspec.Struct, frozen=True):
    """A bucket of ARM as it was read; the ETag is empty if there was none yet."""

    bucket: Bucket
    etag: str


class Buckets(Protocol):
    """What ARM still grants, by subscription and kind of request, shared by all instances."""

    def get(self, subscription: str, kind: Kind) -> StoredBucket:
        """Return a bucket; one of which nothing is known if it never was written."""
        ...

    def replace(self, stored: StoredBucket, bucket: Bucket) -> StoredBucket:
        """Write a bucket that nobody changed since it was read, and return it as it is stored now.

        Raises:
            Conflict: somebody did.
        """
        ...


class Pace(Protocol):
    """Says whose turn it is at ARM. Every request takes a token before it is sent, and is told of afterwards."""

    def reserve(self, work: Work, *requests: Asked) -> None:
        """Take tokens for requests that this thread is about to make, before it says anywhere that it makes them.

        Raises:
            Paced: it is not its turn.
        """
        ...

    def take(self, work: Work, request: Asked) -> None:
        """Take a token for a request, one that this thread reserved if there is one.

        Raises:
            Paced: it is not its turn; nothing may be sent.
        """
        ...

    def answered(self, request: Asked, answer: Answered) -> None:
        """Take note of the answer to a request that a token was taken for, or that there was none."""
        ...
