"""What saved queries ask for, and what is wrong with them, by Microsoft's own parser: see ``kql_parser/parse.js``.

https://learn.microsoft.com/kusto/query/
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PARSER = Path(__file__).parent / "kql_parser"


@dataclass(frozen=True)
class Query:
    """What a query asks for.

    Attributes:
        problems: what the parser says against it, with lines: unknown names, wrong types, bad syntax.
        tables: that it reads.
        columns: that it takes from them; not those that it makes itself.
        dimensions: the keys it takes from ``customDimensions``.
        named: what it compares the column ``name`` with.
    """

    problems: tuple[str, ...]
    tables: frozenset[str]
    columns: frozenset[str]
    dimensions: frozenset[str]
    named: frozenset[str]


def read_queries(texts: Mapping[str, str]) -> dict[str, Query]:
    """Read queries, all by one run of the parser.

    Args:
        texts: each query by a name.

    Returns:
        What each asks for, by the same names.
    """
    assert (PARSER / "node_modules").exists(), "the parser is not installed: run make test-telemetry"
    run = subprocess.run(
        ["node", str(PARSER / "parse.js")],
        input=json.dumps(dict(texts)),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return {name: _query(answer) for name, answer in json.loads(run.stdout).items()}


def _query(answer: Mapping[str, list[str]]) -> Query:
    sets = (frozenset(answer[part]) for part in ("tables", "columns", "dimensions", "compared"))
    return Query(tuple(answer["problems"]), *sets)
