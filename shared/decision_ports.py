"""What flows ask of the places where decisions are kept; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.decisions.keeping import Keeping


class StoredKeeping(msgspec.Struct, frozen=True):
    """What is known of the keeping as it was read, with the ETag that guards its replacement."""

    keeping: Keeping
    etag: str


class Keepings(Protocol):
    """What this storage account knows of the decisions that are kept elsewhere: one record a base registry."""

    def get(self, registry: str) -> StoredKeeping | None:
        """Return the record; ``None`` if there is none.

        Raises:
            ServiceError: it cannot be read.
        """
        ...

    def put(self, registry: str, stored: StoredKeeping | None, keeping: Keeping) -> StoredKeeping:
        """Write the record that nobody changed since it was read; ``None`` for the first one.

        Raises:
            Conflict: somebody did change it.
        """
        ...


class Vault(Protocol):
    """The other account: documents are added there, and none is replaced."""

    def newest(self, prefix: str) -> str:
        """Return the name of the last document below a prefix; empty if there is none.

        Raises:
            NotFound: the place where they are kept is not there: that is no answer, and not that there are none.
        """
        ...

    def add(self, name: str, content: bytes) -> None:
        """Keep a document under a new name.

        Raises:
            Conflict: one has the name.
        """
        ...
