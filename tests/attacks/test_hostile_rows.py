"""Rows of tables as nobody of ours writes them: each is told of by its keys, and keeps nobody from the others."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table, readable
from shared.domain.notices.delivery import Delivery
from shared.domain.promotion.target import Target
from shared.errors import UNREADABLE, ServiceError

pytestmark = pytest.mark.unit

DEEP = 5000
HOSTILE = (
    "",
    "null",
    "[]",
    "{}",
    '{"id": 1}',
    '{"new": ' + "[" * DEEP + "]" * DEEP + "}",
    '{"new": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
    '{"id": "\\ud800',
    '{"id": 1e99999}',
)


@pytest.mark.parametrize("kind", [Target, Delivery])
def test_a_row_that_no_version_of_ours_wrote_is_named_and_the_others_are_read(kind: type) -> None:
    table, decoder = Table(cast(StorageAccount, None), "targets"), msgspec.json.Decoder(kind)
    rows = [Row("base", str(number), record) for number, record in enumerate(HOSTILE)]
    good = Row("base", "good", "")
    read: list[object] = []
    with pytest.raises(ServiceError) as raised:
        read.extend(readable([*rows, good], lambda row: row if row is good else table.decode(row, decoder)))
    assert read == [good]
    assert raised.value.code == UNREADABLE
    assert str(raised.value).startswith(f"{len(HOSTILE)} rows cannot be read:\nrow 'base' / '0' of the table targets")
