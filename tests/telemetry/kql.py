"""What a saved query asks for, as far as its words tell: a tokenizer, and no parser.

It knows comments, strings, numbers with units, names and signs. A name counts as the query's own if ``let`` or ``=``
gives it a value, as a word of the language if it is in the lists below, and as a table or a column otherwise; so a word
that is misspelt is taken for a column, and found missing. It does not know in which part of a query a column is still
there, nor types. https://learn.microsoft.com/kusto/query/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

OPERATORS = frozenset(
    {"where", "extend", "summarize", "project", "order", "by", "asc", "desc", "distinct", "union", "let", "and", "in"}
    | {"or", "withsource", "startswith", "contains"}
)
FUNCTIONS = frozenset(
    {"tostring", "todouble", "round", "sum", "sumif", "count", "countif", "percentile", "arg_max", "bin", "iff"}
    | {"max", "maxif", "min", "minif", "strcat", "isempty", "isnotempty"}
)
LITERALS = frozenset({"true", "false"})

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*)|(?P<space>\s+)|(?P<string>\"[^\"\n]*\")|(?P<number>\d+(?:\.\d+)?(?:ms|[smhd])?\b)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>==|!=|<=|>=|![a-z]+|[|=<>()\[\],;+*/-])"
)


@dataclass(frozen=True)
class Query:
    """A query's words.

    Attributes:
        names: tables and columns it takes from the telemetry.
        dimensions: the keys it takes from ``customDimensions``.
        named: what it compares the column ``name`` with.
    """

    names: frozenset[str]
    dimensions: frozenset[str]
    named: frozenset[str]


def read_query(file: Path) -> Query:
    """Read a saved query.

    Raises:
        ValueError: something in it is no token; a bracket is not closed.
    """
    tokens = list(_tokens(file.read_text()))
    if any(tokens.count(opening) != tokens.count(closing) for opening, closing in ("()", "[]")):
        raise ValueError(f"{file.name}: a bracket is not closed")
    own = {name for name, sign in pairwise(tokens) if sign == "="} | set(_after(tokens, ["withsource", "="]))
    words = {token for token in tokens if token[0].isalpha() or token[0] == "_"}
    return Query(
        frozenset(words - own - OPERATORS - FUNCTIONS - LITERALS),
        frozenset(key.strip('"') for key in _after(tokens, ["customDimensions", "["])),
        frozenset(_compared(tokens)),
    )


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"not a token: {text[at : at + 20]!r}")
        at = found.end()
        if found.lastgroup not in {"comment", "space"}:
            yield found[0]


def _after(tokens: list[str], before: list[str]) -> Iterator[str]:
    """What stands right behind some tokens."""
    length = len(before)
    for at in range(length, len(tokens)):
        if tokens[at - length : at] == before:
            yield tokens[at]


def _compared(tokens: list[str]) -> Iterator[str]:
    """``name == "…"``, and every string of ``name in ("…", …)``."""
    yield from (text.strip('"') for text in _after(tokens, ["name", "=="]))
    for at in range(len(tokens) - 2):
        if tokens[at : at + 3] == ["name", "in", "("]:
            yield from (token.strip('"') for token in tokens[at + 3 : tokens.index(")", at)] if token != ",")
