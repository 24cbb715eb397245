"""Files of the configuration as people write them, in memory."""

from __future__ import annotations

from shared.configuration_ports import StoredFile
from shared.errors import Conflict


class InMemoryFiles:
    """``ConfigurationFiles`` in a dictionary.

    Args:
        kept: what there is, by name.
    """

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.kept = {name: StoredFile(content, "1") for name, content in kept.items()}

    def read(self, name: str) -> StoredFile | None:
        """See ``ConfigurationFiles.read``."""
        return self.kept.get(name)

    def write(self, name: str, content: bytes, etag: str | None) -> StoredFile:
        """See ``ConfigurationFiles.write``."""
        known = self.kept.get(name)
        if (known.etag if known else None) != etag:
            raise Conflict(name)
        self.kept[name] = StoredFile(content, f"{int(etag or 0) + 1}")
        return self.kept[name]
