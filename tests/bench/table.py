"""One table for all benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line: what was measured, the median, and the goal if there is one."""

    what: str
    measured: str
    goal: str = ""


def shown(rows: list[Row]) -> str:
    """Return the rows as aligned text."""
    wide = max(len(row.what) for row in rows)
    measured = max(len(row.measured) for row in rows)
    return "\n".join(
        f"{row.what:<{wide}}  {row.measured:>{measured}}  {'goal ' + row.goal if row.goal else ''}".rstrip()
        for row in rows
    )
