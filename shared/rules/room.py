"""How many candidates are under way at once: what is new waits outside while there are enough."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.due import UNDER_WAY
from shared.ports import Clock, Records

# ARM grants ten writes a second, of which a candidate needs four. It takes two imports of 20 s and a gate of 90 s, and
# waits for its turns meanwhile: some 200 s. So 500 keep ARM busy all the time, and more would only wait inside.
MOST_UNDER_WAY = 500
_COUNTED_FOR = timedelta(seconds=30)


class Room:
    """Room for new candidates.

    What other instances begin is seen when it is counted again, so that there may be some more than ``most``.

    Args:
        candidates: counts them.
        clock: tells the time.
        most: how many there are at most.
    """

    def __init__(self, candidates: Records[Candidate], clock: Clock, most: int = MOST_UNDER_WAY) -> None:
        self._candidates = candidates
        self._clock = clock
        self.most = most
        self._lock = threading.Lock()
        self._counted: tuple[int, datetime] | None = None

    def take(self) -> bool:
        """Take the place of one candidate, if there is room. One query now and then."""
        with self._lock:
            number, at = self._known()
            if number >= self.most:
                return False
            self._counted = (number + 1, at)
            return True

    def give_back(self) -> None:
        """Take note that no candidate was made after all."""
        with self._lock:
            if self._counted is not None:
                number, at = self._counted
                self._counted = (max(number - 1, 0), at)

    def _known(self) -> tuple[int, datetime]:
        now = self._clock()
        if self._counted is None or now - self._counted[1] >= _COUNTED_FOR:
            self._counted = (self._candidates.count(UNDER_WAY), now)
        return self._counted
