"""When to look at an import or a gate: learnt from those before, kept for instances to come.

A new instance reads what was learnt once. What it learns it writes only where that has changed by a quarter, so that an
update costs no transaction of its own. What cannot be read or written is learnt anew: it only says when to look.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from shared.domain.promotion.schedule import pause_before_look
from shared.domain.promotion.usual_times import UsualTimes, is_news, learnt
from shared.errors import Conflict, ServiceError
from shared.usual_times_ports import KeptUsualTimes, StoredUsualTimes

log = logging.getLogger("tidegate.times")


class Timekeeper:
    """Knows how long things usually take; many threads may use it at once.

    Args:
        kept: what instances before have learnt.
    """

    def __init__(self, kept: KeptUsualTimes) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._stored: StoredUsualTimes | None = None
        self._known = UsualTimes()

    def usual(self, kind: str) -> timedelta | None:
        """Return how long a kind usually takes at least; ``None`` if nobody knows."""
        self._read()
        return self._known.of(kind)

    def pause(self, kind: str, running_for: timedelta = timedelta(0)) -> timedelta:
        """Return how long to leave something alone; see ``pause_before_look``."""
        return pause_before_look(running_for, usual=self.usual(kind))

    def took(self, kind: str, length: timedelta) -> None:
        """Learn from one that ended.

        Args:
            kind: of what ended.
            length: from its start to the look that saw its end.
        """
        self._read()
        with self._lock:
            self._known = known = learnt(self._known, kind, length)
        stored = self._stored
        if stored is not None and is_news(known, stored.times, kind):
            self._write(stored, known)

    def _read(self) -> None:
        """Nobody waits for another who reads: what two read is the same."""
        if self._stored is not None:
            return
        try:
            stored = self._kept.get()
        except ServiceError as error:
            log.warning("how long things usually take could not be read, so they are looked at more often: %s", error)
            return
        with self._lock:
            self._stored = stored
            self._known = UsualTimes({**stored.times.seconds, **self._known.seconds})

    def _write(self, stored: StoredUsualTimes, known: UsualTimes) -> None:
        """Of two who write the later one is told by the next that ends."""
        try:
            self._stored = self._kept.replace(stored, known)
        except Conflict:
            self._stored = None
        except ServiceError as error:
            log.warning("how long things usually take could not be kept: %s", error)
