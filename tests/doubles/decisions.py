"""API keys, and what is kept of decisions elsewhere, in memory."""

from __future__ import annotations

from shared.access_ports import StoredKey
from shared.domain.access.api_keys import ApiKey
from shared.errors import Conflict
from tests.doubles.storage import Hook, OneAtATime


class InMemoryApiKeys(OneAtATime):
    """``ApiKeys`` in a dictionary."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._rows: dict[str, StoredKey] = {}

    def every(self) -> tuple[StoredKey, ...]:
        """See ``ApiKeys.every``."""
        self._raise_scripted("every")
        return tuple(self._rows[name] for name in sorted(self._rows))

    def add(self, key: ApiKey) -> None:
        """See ``ApiKeys.add``."""
        with self._change("add"):
            if key.id in self._rows:
                raise Conflict(f"{key.id} is there already")
            self._rows[key.id] = StoredKey(key, "1")

    def replace(self, stored: StoredKey, key: ApiKey) -> None:
        """See ``ApiKeys.replace``."""
        with self._change("replace"):
            if self._rows[key.id].etag != stored.etag:
                raise Conflict(f"{key.id} was changed by another worker")
            self._rows[key.id] = StoredKey(key, str(int(stored.etag) + 1))
