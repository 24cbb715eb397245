"""The order of what stands in a tag besides its numbers, as people count: runs of digits as numbers, in every position.

``debian-12-r24`` comes after ``debian-12-r9``. Debian's and Ubuntu's code names stand for their numbers, because the
alphabet has ``bullseye`` after ``bookworm``, and ``xenial`` after ``noble``.
"""

from __future__ import annotations

import re
from functools import lru_cache

_IDENTIFIER = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)
_WHOLE_WORDS = {"a": "alpha", "b": "beta", "m": "milestone"}
# A revision of what was packed, not a name: 14, r3, 63-gc1cfb68.
_REVISION = re.compile(r"r?[0-9]++(?:[.-][0-9]++)*(?:-g[0-9a-f]++)?", re.IGNORECASE)
_DEBIAN = ("jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "duke")
_UBUNTU = {"trusty": 14, "xenial": 16, "bionic": 18, "focal": 20, "jammy": 22, "noble": 24}
CODE_NAMES = {name: ("debian", 8 + place) for place, name in enumerate(_DEBIAN)}
CODE_NAMES |= {name: ("ubuntu", number) for name, number in _UBUNTU.items()}

Identifiers = tuple[tuple[int, int, str], ...]
# Names first, then none, then revisions.
SuffixOrder = tuple[int, Identifiers]


def identifiers(text: str) -> Identifiers:
    """Return the numbers and words of a text, comparable: numbers before words, and fewer before more."""
    return tuple(_identifier(part) for part in _IDENTIFIER.findall(text.lower()))


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, _WHOLE_WORDS.get(part, part))


@lru_cache(maxsize=4096)
def suffix_order(suffix: str) -> SuffixOrder:
    """Return what a suffix is ordered by: a repository's tags share few of them, so what was read is kept.

    Args:
        suffix: what follows a version, without its separator; empty for none.

    Returns:
        Comparable: a suffix that names something, such as ``alpine``, comes before none, as in Semantic Versioning; a
        revision, such as ``14`` or ``r3``, after it.
    """
    rank = 1 if not suffix else 2 if _REVISION.fullmatch(suffix) else 0
    found: list[tuple[int, int, str]] = []
    for part in identifiers(suffix):
        name = CODE_NAMES.get(part[2])
        found += [(1, 0, name[0]), (0, name[1], "")] if name else [part]
    return rank, tuple(found)
