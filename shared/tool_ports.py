"""What rules ask of the records of tools; see ``shared.ports`` for what holds for every port."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shared.domain.promotion.tool import Tool


class StoredTool(msgspec.Struct, frozen=True):
    """A tool as it was read, with the ETag that guards its replacement."""

    tool: Tool
    etag: str


class Tools(Protocol):
    """What is mirrored into the staging registry for runs there: one record for each entry that is a tool."""

    def get(self, name: str) -> StoredTool | None:
        """Return a tool by its entry's name, or ``None`` if nothing was ever sighted of it."""
        ...

    def put(self, stored: StoredTool | None, tool: Tool) -> StoredTool:
        """Write a tool that nobody changed since it was read.

        Args:
            stored: as it was read; ``None`` if nothing was there.
            tool: as it is from now on.

        Raises:
            Conflict: somebody did change it.
        """
        ...
