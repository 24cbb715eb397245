"""The table ``tools``: one partition, a row for each tool by its entry's name."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.domain.promotion.tool import Tool
from shared.errors import Conflict
from shared.tool_ports import StoredTool

_PARTITION = "tool"
_TOOLS = msgspec.json.Decoder(Tool)


class ToolsTable:
    """The port ``Tools``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "tools")

    def get(self, name: str) -> StoredTool | None:
        """See ``Tools.get``. One transaction.

        Raises:
            ServiceError: the row cannot be read.
        """
        row = self._table.find(_PARTITION, name)
        return StoredTool(self._table.decode(row, _TOOLS), row.etag) if row else None

    def put(self, stored: StoredTool | None, tool: Tool) -> StoredTool:
        """See ``Tools.put``. One transaction."""
        columns = {"repository": tool.repository, "digest": tool.digest}
        row = Row(_PARTITION, tool.name, msgspec.json.encode(tool).decode(), columns)
        etag = self._table.replace(row, stored.etag) if stored else self._table.insert(row)
        if etag is None:
            raise Conflict(f"the tool {tool.name} was written by another worker")
        return StoredTool(tool, etag)
