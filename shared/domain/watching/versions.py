"""Versions as tags spell them in the wild: read, told apart from flavours, and put in one order.

A tag is a version if it is, from left to right::

    [v] numbers [prerelease] [_build] [flavour]

- *numbers*: one to four, with dots (``22``, ``22.04``, ``v1.2.3``, ``20240115``), or a date (``2024-01-15``). They are
  compared as numbers, so leading zeros do not matter.
- *prerelease*, **by its word**: what follows the numbers is a prerelease only if it begins with one of
  ``PRERELEASE_WORDS``, as ``-rc.1``, ``-beta``, ``rc1`` and ``-preview.7.24080.9`` do; or if it is Python's short form
  glued to the numbers (``3.13.0a1``, ``b2``), or a milestone (``-M4``). Upper and lower case are one.
- *build*: ``_`` and what begins with a digit, as in ``21.0.1_12``; a chart's ``+4`` is ``_4`` in a tag.
- *flavour*: everything else after ``-``, ``_``, or a dot and a letter: ``alpine``, ``slim-bookworm``, ``alpine3.19``.

Prereleases come before their release and among each other as in Semantic Versioning, but that ``rc10`` comes after
``rc9``: https://semver.org/#spec-item-11
"""

from __future__ import annotations

import math
import re

import msgspec

PRERELEASE_WORDS = (
    "alpha", "beta", "rc", "cr", "pre", "preview", "prerelease", "milestone", "ea",
    "dev", "snapshot", "nightly", "canary", "next", "unstable", "experimental",
)  # fmt: skip
_MOST_NUMBERS = 4
# A number as long as this is no version's: it is a date without hyphens, a build's number or the digits of a commit.
_SHORTEST_SERIAL = 100_000

# Possessive quantifiers, and a look at what follows: a long tag is read once, and never cut in the middle of a number.
# Groups are held by looks alone: Python 3.11.2, which Debian 12 has, reads possessive groups wrongly.
_VERSION = re.compile(
    rf"""
    v?
    (?P<numbers> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} (?: \.[0-9]++ )? (?! [0-9] | \.[0-9] )
               | [0-9]++ (?: \.[0-9]++ ){{0,{_MOST_NUMBERS - 1}}} (?! \.[0-9] ) )
    (?P<prerelease> (?: [-._]? (?: {"|".join(PRERELEASE_WORDS)} ) (?: [.-]?[0-9]++ | (?! [.-]?[0-9] ) )
                        (?: \.[0-9a-z]++ )* (?! \.[0-9a-z] )
                      | [ab][0-9]++
                      | [-.]m[0-9]++ ) (?! [0-9a-z] ) )?
    (?: _ (?P<build> [0-9][0-9a-z.]*+ ) )?
    (?: (?: [-_] | \.(?=[a-z]) ) (?P<flavour> [0-9a-z][0-9a-z._-]*+ ) )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SEPARATOR = re.compile(r"[.-]")
_IDENTIFIER = re.compile(r"[0-9]+|[a-z]+", re.IGNORECASE)
_WHOLE_WORDS = {"a": "alpha", "b": "beta", "m": "milestone"}

Identifiers = tuple[tuple[int, int, str], ...]
# Above every prerelease's first identifier, whose number is 0 or 1.
_RELEASE: Identifiers = ((2, 0, ""),)


class Version(msgspec.Struct, frozen=True, order=True):
    """A tag read as a version. Versions are compared by these fields, in this order; no two tags are equal.

    Attributes:
        numbers: always four; those that the tag leaves out are infinite, because ``22`` stands for the newest ``22.x``.
        stage: the prerelease's words and numbers, comparable; a release's is above all of them.
        build: the build's words and numbers; more is later.
        flavour: what follows, without its separator; empty for none.
        tag: as it is written.
    """

    numbers: tuple[float, ...]
    stage: Identifiers
    build: Identifiers
    flavour: str
    tag: str

    @property
    def is_prerelease(self) -> bool:
        """Whether this leads to a release that may come."""
        return self.stage != _RELEASE

    @property
    def is_serial(self) -> bool:
        """Whether it begins with a number that only counts, such as ``20240115``."""
        return self.numbers[0] >= _SHORTEST_SERIAL

    @property
    def precision(self) -> int:
        """How many numbers the tag has, 1 to 4."""
        return sum(number != math.inf for number in self.numbers)


def parse_version(tag: str) -> Version | None:
    """Read a tag as a version.

    Args:
        tag: such as ``22.04``, ``3.19-alpine`` or ``v1.2.3-rc.1``; at most a few hundred characters.

    Returns:
        The version; ``None`` if the tag is none, such as ``latest``, ``bookworm`` or ``8u292``.
    """
    found = _VERSION.fullmatch(tag)
    if not found:
        return None
    prerelease, build = found["prerelease"], found["build"]
    return Version(
        _numbers(found["numbers"]),
        _identifiers(prerelease) if prerelease else _RELEASE,
        _identifiers(build) if build else (),
        found["flavour"] or "",
        tag,
    )


def _numbers(text: str) -> tuple[float, ...]:
    numbers: list[float] = [int(part) for part in _SEPARATOR.split(text)]
    return (*numbers, *[math.inf] * (_MOST_NUMBERS - len(numbers)))


def _identifiers(text: str) -> Identifiers:
    """Numbers come before words, and fewer before more."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, _WHOLE_WORDS.get(part, part))
        for part in _IDENTIFIER.findall(text.lower())
    )
