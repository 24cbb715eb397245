"""Ranges of versions, in the notation of npm, Helm and Flux.

Such as ``>=3.19 <4``, ``^22``, ``~1.2``, ``22.x``, ``*``, ``!=3.20``, ``1.2 - 1.5``, ``1 || 2`` and ``>=1.0.0-0``.

Four rules make them fit tags, which leave numbers out and carry more than numbers:

- **A bound speaks of as many numbers as it has, and a version is compared by those alone.** ``<4`` leaves out all of 4,
  ``4.0.0-rc.1`` too, and ``<=4`` takes all of it in. So ``1.2 - 1.5`` takes in all of 1.5.
- **A tag that leaves numbers out stands for the newest it covers**: ``22`` is ``22.∞``. So ``22`` is in ``>=22.1`` and
  ``^22.1``, where it points already or will, and not in ``<22.5`` nor ``22.1``, which it will leave or has left.
- **A serial number is compared with serial numbers alone.** Beside ``3.20`` a repository may have snapshots such as
  ``20240923``, or commits of digits only; ``>=3.19`` shall not take these for what is newest.
- **A lower bound that names a prerelease asks for prereleases**: ``>=4.0.0-rc.2`` for those from there on, and ``-0``
  for all of them, as in ``>=1.0.0-0``, ``^1-0`` and ``*-0``.

Without a prerelease in the bound, prereleases count as the version they lead to. Builds and flavours do not matter.

npm: https://github.com/npm/node-semver#ranges; Helm and Flux: https://github.com/Masterminds/semver#basic-comparisons
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from shared.domain.watching.notations import instead_of
from shared.domain.watching.versions import Version, parse_version
from shared.errors import InvalidSelection

LONGEST_RANGE = 200
_COMPARATOR = re.compile(r"(?P<operator>>=|<=|!=|>|<|=|\^|~)?\s*+(?P<version>[^\s,<>=!^~|]+)[\s,]*+")
_SPAN = re.compile(r"(?<![^\s,])(?P<first>[^\s,<>=!^~|]+)\s+-\s+(?P<last>[^\s,<>=!^~|]+)(?![^\s,])")
_WILDCARDS = re.compile(r"(?:^|\.)[xX*](?:\.[xX*])*$")
_ALL_PRERELEASES = "-0"
_FIRST_STAGE = ((0, 0, ""),)

# What a version is compared by: its first numbers and, where the bound names one, its prerelease.
_Key = tuple[Any, ...]
_HOLDS: dict[str, Callable[[_Key, _Key], bool]] = {
    ">=": lambda version, bound: version >= bound,
    "<=": lambda version, bound: version <= bound,
    ">": lambda version, bound: version > bound,
    "<": lambda version, bound: version < bound,
    "=": lambda version, bound: version == bound,
    "!=": lambda version, bound: version != bound,
}
_LOWER = frozenset({">=", ">", "=", "^", "~"})


class _Comparator(msgspec.Struct, frozen=True):
    """One bound. Without numbers it holds for every version."""

    operator: str
    numbers: int
    bound: _Key
    serial: bool = False

    def holds(self, version: Version) -> bool:
        if self.numbers and version.is_serial != self.serial:
            return self.operator == "!="
        stage = (version.stage,) if len(self.bound) > self.numbers else ()
        return _HOLDS[self.operator]((*version.numbers[: self.numbers], *stage), self.bound)


class _Written(msgspec.Struct, frozen=True):
    """What stands behind an operator.

    Attributes:
        version: ``None`` for any.
        all_prereleases: whether it ended with ``-0``.
    """

    version: Version | None
    all_prereleases: bool

    @property
    def names_prerelease(self) -> bool:
        return self.all_prereleases or (self.version is not None and self.version.is_prerelease)


class _Alternative(msgspec.Struct, frozen=True):
    """Bounds that must all hold, and whether one of them asks for prereleases."""

    comparators: tuple[_Comparator, ...]
    prereleases: bool

    def holds(self, version: Version) -> bool:
        return all(comparator.holds(version) for comparator in self.comparators)


class Range(msgspec.Struct, frozen=True):
    """A range: alternatives, each of bounds that must all hold."""

    alternatives: tuple[_Alternative, ...]

    def holds(self, version: Version) -> bool:
        """Whether a version is in the range, whatever its flavour, and prerelease or not."""
        return any(each.holds(version) for each in self.alternatives)

    def asks_for(self, version: Version) -> bool:
        """Whether a prerelease is in an alternative that names prereleases."""
        return any(each.prereleases and each.holds(version) for each in self.alternatives)

    @property
    def names_prereleases(self) -> bool:
        """Whether an alternative asks for prereleases."""
        return any(each.prereleases for each in self.alternatives)


def parse_range(text: str) -> Range:
    """Read a range.

    Args:
        text: bounds with blanks or commas between them, and alternatives with ``||``; at most 200 characters.

    Returns:
        The range.

    Raises:
        InvalidSelection: it is none; the message says which part cannot be read, and what to write instead.
    """
    if len(text) > LONGEST_RANGE:
        raise InvalidSelection(f"a range has at most {LONGEST_RANGE} characters, not {len(text)}")
    return Range(tuple(_alternative(part.strip(), text) for part in text.split("||")))


def _alternative(part: str, text: str) -> _Alternative:
    bounds = _SPAN.sub(r">=\g<first> <=\g<last>", part)
    found: list[_Comparator] = []
    prereleases, position = False, 0
    while match := _COMPARATOR.match(bounds, position):
        operator, written = match["operator"] or "=", _written(match["version"])
        found += _comparators(operator, written)
        prereleases = prereleases or (operator in _LOWER and written.names_prerelease)
        position = match.end()
    if position < len(bounds) or not found:
        left = bounds[position:]
        raise InvalidSelection(f"{text!r}: cannot read {left!r}; {instead_of(left)}")
    return _Alternative(tuple(found), prereleases)


def _written(text: str) -> _Written:
    bare = text.removesuffix(_ALL_PRERELEASES)
    exact = _WILDCARDS.sub("", bare)
    version = parse_version(exact)
    if (exact and version is None) or (version is not None and _has_more_than_a_bound(version, bare != text)):
        raise InvalidSelection(f"{text!r} is not a version to compare with; {instead_of(text)}")
    return _Written(version, all_prereleases=bare != text)


def _has_more_than_a_bound(version: Version, all_prereleases: bool) -> bool:
    return bool(version.flavour or version.build or (all_prereleases and version.is_prerelease))


def _comparators(operator: str, written: _Written) -> list[_Comparator]:
    """One bound, or two where the operator stands for a lower and an upper one."""
    version = written.version
    if version is None:
        if operator != "=":
            raise InvalidSelection(f"'{operator}*' leaves nothing to compare; expected a range such as '>=1' or '*'")
        return [_Comparator("=", 0, ())]
    if operator in {"=", "!="} and written.all_prereleases:
        return [_alike(operator, version, version.precision)]
    if operator in _HOLDS:
        return [_bound(operator, written, version)]
    alike = min(2, version.precision) if operator == "~" else _caret(version)
    return [_bound(">=", written, version), _alike("=", version, alike)]


def _bound(operator: str, written: _Written, version: Version) -> _Comparator:
    stage = (version.stage,) if version.is_prerelease else (_FIRST_STAGE,) if written.all_prereleases else ()
    return _Comparator(operator, version.precision, (*version.numbers[: version.precision], *stage), version.is_serial)


def _alike(operator: str, version: Version, numbers: int) -> _Comparator:
    return _Comparator(operator, numbers, version.numbers[:numbers], version.is_serial)


def _caret(version: Version) -> int:
    """How many numbers must stay: up to the first that is not zero, as every change to its left may break."""
    nonzero = (position for position, number in enumerate(version.numbers[: version.precision], 1) if number)
    return next(nonzero, version.precision)
