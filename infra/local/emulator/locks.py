"""ACR's locks on repositories, tags and manifests.

https://learn.microsoft.com/azure/container-registry/container-registry-image-lock
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

ATTRIBUTES = ("deleteEnabled", "writeEnabled", "readEnabled", "listEnabled")


class Locks:
    """What may be done, by part, repository and reference; an empty reference is the repository itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: dict[tuple[str, str, str], dict[str, bool]] = {}

    def attributes(self, part: str, repository: str, reference: str = "") -> dict[str, bool]:
        """Return the changeable attributes, as they stand in ``changeableAttributes``."""
        changed = self._changed.get((part, repository, reference), {})
        return dict.fromkeys(ATTRIBUTES, True) | changed

    def change(self, part: str, repository: str, reference: str, wanted: Mapping[str, object]) -> None:
        """Set the attributes that are named and boolean; the others stay."""
        named = {name: value for name, value in wanted.items() if name in ATTRIBUTES and isinstance(value, bool)}
        with self._lock:
            self._changed.setdefault((part, repository, reference), {}).update(named)

    def forget(self, part: str, repository: str, reference: str) -> None:
        """Forget what was set of something that is gone; what comes under its name next is not locked."""
        with self._lock:
            self._changed.pop((part, repository, reference), None)

    def may_list(self, part: str, repository: str, reference: str = "") -> bool:
        """Tell whether a reference is not hidden from lists; what a repository hides is itself alone."""
        return self.attributes(part, repository, reference)["listEnabled"]

    def may_read(self, part: str, repository: str, *references: str) -> bool:
        """Tell whether nothing forbids pulling these references."""
        return self._all(part, repository, references, "readEnabled")

    def may_write(self, part: str, repository: str, *references: str) -> bool:
        """Tell whether nothing forbids pushing to these references."""
        return self._all(part, repository, references, "writeEnabled")

    def may_delete(self, part: str, repository: str, *references: str) -> bool:
        """Tell whether nothing forbids deleting these references: a write lock forbids that too."""
        return self.may_write(part, repository, *references) and self._all(
            part, repository, references, "deleteEnabled"
        )

    def _all(self, part: str, repository: str, references: tuple[str, ...], attribute: str) -> bool:
        return all(self.attributes(part, repository, reference)[attribute] for reference in ("", *references))
