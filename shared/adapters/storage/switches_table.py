"""The table ``dispatchers``: one row for each that said that it wants to be asked nothing more."""

from __future__ import annotations

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.dispatch_ports import Off

_PARTITION = "off"
_OFF = msgspec.json.Decoder(Off)


class SwitchesTable:
    """The port ``Switches``.

    Args:
        account: where the table is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._table = Table(account, "dispatchers")

    def off(self, name: str, fingerprint: str) -> Off | None:
        """See ``Switches.off``. One transaction.

        Raises:
            ServiceError: the row cannot be read.
        """
        row = self._table.find(_PARTITION, f"{name}~{fingerprint}")
        return None if row is None else self._table.decode(row, _OFF)

    def switch_off(self, off: Off) -> None:
        """See ``Switches.switch_off``. One transaction."""
        body = msgspec.json.encode(off).decode()
        self._table.insert(Row(_PARTITION, f"{off.name}~{off.fingerprint}", body, {"at": off.at}))
