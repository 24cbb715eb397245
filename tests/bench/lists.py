"""How long it takes to read a watch list, and whether that grows with its length alone."""

from __future__ import annotations

import time

from shared.watch_list_yaml import parse_watch_list
from tests.bench.table import Row

_LENGTHS = (1250, 5000)
_KINDS = {
    "exact tags": "[22-alpine, 20-alpine, 3.10]",
    "globs": "[{{glob: 'v{number}-*'}}]",
    "versions": "[{{semver: '>=3.19 <4', flavour: alpine, newest: 2}}]",
    "globs with one target": "[{{glob: 'v{number}-*'}}]",
}


def rows() -> list[Row]:
    """Measure and return the table's rows."""
    made = []
    for kind, tags in _KINDS.items():
        short, long = (_seconds(_text(length, tags, one="one target" in kind)) for length in _LENGTHS)
        told = f"{short:.2f} s, {long:.2f} s"
        made.append(Row(f"read a watch list of {_LENGTHS[0]} and {_LENGTHS[1]} entries, {kind}", told, "2 s, linear"))
    return made


def _text(length: int, tags: str, *, one: bool) -> bytes:
    entries = (
        f"  - {{name: n{number}, source: acme/app{'' if one else number}, tags: {tags.format(number=number)}, "
        f"target: base/app{'' if one else number}, gate: node}}\n"
        for number in range(length)
    )
    return f"images:\n{''.join(entries)}".encode()


def _seconds(text: bytes) -> float:
    began = time.process_time()
    parse_watch_list(text)
    return time.process_time() - began
