"""How long a queue listener waits between two looks: randomized, exponential, as the WebJobs SDK does it.

Follows ``RandomizedExponentialBackoffStrategy`` of Azure/azure-webjobs-sdk: the first wait after a message is the
minimum, each further one adds the minimum times a power of two, spread by a fifth, until the maximum is reached.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_SPREAD = 0.2


class Backoff:
    """The waits of one listener."""

    def __init__(self, minimum: float, maximum: float, chance: Callable[[float, float], float] = random.uniform):
        """Begin as after a message.

        Arguments:
            minimum: shortest wait, seconds.
            maximum: longest wait, seconds.
            chance: draws a number between two; replaced where a test needs to know it.
        """
        self._minimum = minimum
        self._maximum = maximum
        self._chance = chance
        self._current = 0.0
        self._exponent = 0

    def next(self, found: bool) -> float:
        """Return the seconds to wait now; ``found`` says whether a message came since the last wait."""
        if found:
            self._current, self._exponent = self._minimum, 1
        elif self._current != self._maximum:
            self._grow()
        return self._current

    def _grow(self) -> None:
        wait = self._minimum
        if self._exponent > 0:
            wait += self._chance(1 - _SPREAD, 1 + _SPREAD) * 2 ** (self._exponent - 1) * self._minimum
        if wait < self._maximum:
            self._current = wait
            self._exponent += 1
        else:
            self._current = self._maximum
