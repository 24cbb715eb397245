"""Ranges of versions, in the notation of npm and Helm: ``>=3.19 <4``, ``^22``, ``~1.2``, ``22.x``, ``*``, ``1 || 2``.

Three rules make them fit tags, which leave numbers out and carry more than numbers:

- **A bound speaks of as many numbers as it has, and a version is compared by those alone.** ``<4`` leaves out all of 4,
  ``4.0.0-rc.1`` too, and ``<=4`` takes all of it in.
- **A tag that leaves numbers out stands for the newest it covers**: ``22`` is ``22.∞``. So ``22`` is in ``>=22.1`` and
  ``^22.1``, where it points already or will, and not in ``<22.5`` nor ``22.1``, which it will leave or has left.
- **A serial number is compared with serial numbers alone.** Beside ``3.20`` a repository may have snapshots such as
  ``20240923``, or commits of digits only; ``>=3.19`` shall not take these for what is newest.

A bound may name a prerelease (``>=4.0.0-rc.2``); without one, prereleases count as the version they lead to. Builds and
flavours do not matter here. npm's hyphen ranges (``1.2 - 2.3``) are not read.

npm: https://github.com/npm/node-semver#ranges
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from shared.domain.watching.versions import Version, parse_version
from shared.errors import InvalidSelection

LONGEST_RANGE = 200
_COMPARATOR = re.compile(r"(?P<operator>>=|<=|>|<|=|\^|~)?\s*+(?P<version>[^\s,<>=^~|]+)[\s,]*+")
_WILDCARDS = re.compile(r"(?:^|\.)[xX*](?:\.[xX*])*$")

# What a version is compared by: its first numbers and, where the bound names one, its prerelease.
_Key = tuple[Any, ...]
_HOLDS: dict[str, Callable[[_Key, _Key], bool]] = {
    ">=": lambda version, bound: version >= bound,
    "<=": lambda version, bound: version <= bound,
    ">": lambda version, bound: version > bound,
    "<": lambda version, bound: version < bound,
    "=": lambda version, bound: version == bound,
}


class _Comparator(msgspec.Struct, frozen=True):
    """One bound. Without numbers it holds for every version."""

    operator: str
    numbers: int
    with_stage: bool
    bound: _Key
    serial: bool = False

    def holds(self, version: Version) -> bool:
        if self.numbers and version.is_serial != self.serial:
            return False
        stage = (version.stage,) if self.with_stage else ()
        return _HOLDS[self.operator]((*version.numbers[: self.numbers], *stage), self.bound)


class Range(msgspec.Struct, frozen=True):
    """A range: alternatives, each of bounds that must all hold."""

    alternatives: tuple[tuple[_Comparator, ...], ...]

    def holds(self, version: Version) -> bool:
        """Whether a version is in the range, whatever its flavour, and prerelease or not."""
        return any(all(comparator.holds(version) for comparator in each) for each in self.alternatives)


def parse_range(text: str) -> Range:
    """Read a range.

    Args:
        text: bounds with blanks or commas between them, and alternatives with ``||``; at most 200 characters.

    Returns:
        The range.

    Raises:
        InvalidSelection: it is none; the message says which part cannot be read.
    """
    if len(text) > LONGEST_RANGE:
        raise InvalidSelection(f"a range has at most {LONGEST_RANGE} characters, not {len(text)}")
    return Range(tuple(_alternative(part.strip(), text) for part in text.split("||")))


def _alternative(part: str, text: str) -> tuple[_Comparator, ...]:
    found: list[_Comparator] = []
    position = 0
    while match := _COMPARATOR.match(part, position):
        found += _comparators(match["operator"] or "=", match["version"])
        position = match.end()
    if position < len(part) or not found:
        raise InvalidSelection(
            f"{text!r}: cannot read {part[position:]!r}; expected a range such as '>=3.19 <4' or '^22'"
        )
    return tuple(found)


def _comparators(operator: str, text: str) -> list[_Comparator]:
    """One bound, or two where the operator stands for a lower and an upper one."""
    exact = _WILDCARDS.sub("", text)
    if not exact and operator == "=":
        return [_Comparator("=", 0, False, ())]
    version = parse_version(exact)
    if version is None or version.flavour or version.build:
        raise InvalidSelection(f"{text!r} is not a version to compare with; a flavour is a field of its own")
    if operator in _HOLDS:
        return [_bound(operator, version)]
    alike = min(2, version.precision) if operator == "~" else _caret(version)
    return [_bound(">=", version), _Comparator("=", alike, False, version.numbers[:alike], version.is_serial)]


def _bound(operator: str, version: Version) -> _Comparator:
    stage = (version.stage,) if version.is_prerelease else ()
    bound = (*version.numbers[: version.precision], *stage)
    return _Comparator(operator, version.precision, bool(stage), bound, version.is_serial)


def _caret(version: Version) -> int:
    """How many numbers must stay: up to the first that is not zero, as every change to its left may break."""
    nonzero = (position for position, number in enumerate(version.numbers[: version.precision], 1) if number)
    return next(nonzero, version.precision)
