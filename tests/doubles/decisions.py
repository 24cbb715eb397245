"""API keys, and what is kept of decisions elsewhere, in memory."""

from __future__ import annotations

from shared.access_ports import StoredKey
from shared.decision_ports import StoredKeeping
from shared.domain.access.api_keys import ApiKey
from shared.domain.decisions.keeping import Keeping
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


class InMemoryKeepings(OneAtATime):
    """``Keepings`` in a dictionary."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self._rows: dict[str, StoredKeeping] = {}

    def get(self, registry: str) -> StoredKeeping | None:
        """See ``Keepings.get``."""
        self._raise_scripted("get")
        return self._rows.get(registry)

    def put(self, registry: str, stored: StoredKeeping | None, keeping: Keeping) -> StoredKeeping:
        """See ``Keepings.put``."""
        with self._change("put"):
            found = self._rows.get(registry)
            if (found.etag if found else "") != (stored.etag if stored else ""):
                raise Conflict(f"what is known of decisions of {registry} was written by another worker")
            self._rows[registry] = StoredKeeping(keeping, str(int(found.etag) + 1 if found else 1))
            return self._rows[registry]


class InMemoryVault(OneAtATime):
    """``Vault`` in a dictionary, ``documents``, which outlives the app's storage account."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.documents: dict[str, bytes] = {}

    def newest(self, prefix: str) -> str:
        """See ``Vault.newest``."""
        self._raise_scripted("newest")
        return max((name for name in self.documents if name.startswith(prefix)), default="")

    def add(self, name: str, content: bytes) -> None:
        """See ``Vault.add``."""
        with self._change("add"):
            if name in self.documents:
                raise Conflict(f"{name} is there already")
            self.documents[name] = content
