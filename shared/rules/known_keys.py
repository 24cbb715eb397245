"""The API keys as this process knows them: read again often enough that a revoked one soon opens nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from shared.access_ports import ApiKeys
from shared.domain.access.api_keys import ApiKey, id_of, opens
from shared.ports import Clock

# A key that was revoked is let in no longer than this; the docs promise a minute.
BELIEVED = timedelta(seconds=30)
# A key that was made just now is found by asking again, but not for each wrong key.
_ASKED_AGAIN = timedelta(seconds=5)


class KnownKeys:
    """Tells whose a key is.

    Args:
        keys: gives the place where they are kept.
        clock: tells the time.
    """

    def __init__(self, keys: Callable[[], ApiKeys], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Mapping[str, ApiKey] = {}
        self._read_at: datetime | None = None

    def find(self, text: str) -> ApiKey | None:
        """Return the key that a text is, or ``None``. At most one reading of the table.

        Raises:
            ServiceError: the keys cannot be read now; nobody is let in by what may have been revoked.
        """
        number = id_of(text)
        if not number:
            return None
        found = self._within(BELIEVED).get(number) or self._within(_ASKED_AGAIN).get(number)
        return found if found is not None and opens(text, found) else None

    def _within(self, age: timedelta) -> Mapping[str, ApiKey]:
        with self._lock:
            now = self._clock()
            if self._read_at is None or not timedelta() <= now - self._read_at < age:
                self._known = {stored.key.id: stored.key for stored in self._keys().every()}
                self._read_at = now
            return self._known
