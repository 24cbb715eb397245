"""How a record lies in a table's row, whose properties and whose whole have an end. Pure.

A string property holds 64 KiB, of two bytes for each UTF-16 unit, a binary one the same, and a row 1 MiB in all:
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

# A string property holds 32,768 UTF-16 units, and a character is one or two of them. Longer records go on in the
# properties record1, record2, ...
_CHARACTERS_IN_PROPERTY = 16_000
# Whoever looks at a table reads short records as they are. Longer ones, such as a wave of a thousand members, say the
# same over and over: packed they are a tenth, in the properties packed, packed1, ...
_CHARACTERS_READ_AS_THEY_ARE = 8 * _CHARACTERS_IN_PROPERTY
_BYTES_IN_PROPERTY = 64_000


def properties_of(record: str) -> dict[str, Any]:
    """Return the properties that a record takes in a row.

    Args:
        record: JSON.
    """
    if len(record) <= _CHARACTERS_READ_AS_THEY_ARE:
        return _parts("record", record, _CHARACTERS_IN_PROPERTY)
    return _parts("packed", zlib.compress(record.encode()), _BYTES_IN_PROPERTY)


def record_of(entity: Mapping[str, Any]) -> str:
    """Return the record of a row; empty if it has none, or one that is not whole.

    Args:
        entity: the row's properties.
    """
    if "packed" not in entity:
        return "".join(_whole("record", entity))
    try:
        return zlib.decompress(b"".join(_whole("packed", entity))).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""


def _parts(name: str, whole: str | bytes, most: int) -> dict[str, Any]:
    starts = range(0, len(whole), most)
    return {f"{name}{number or ''}": whole[start : start + most] for number, start in enumerate(starts)}


def _whole(name: str, entity: Mapping[str, Any]) -> Iterator[Any]:
    number = 0
    while (part := entity.get(f"{name}{number or ''}")) is not None:
        yield part
        number += 1
