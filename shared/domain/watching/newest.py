"""Which versions count among the newest: not what another tag makes more precise, nor one version in two spellings.

A floating tag, ``6.0``, is wherever its newest precise one is. So where all of these are prereleases, ``6.0.0-rc.1``,
it is one too, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum

from shared.domain.references import Tag
from shared.domain.watching.suffixes import Identifiers, identifiers
from shared.domain.watching.versions import Version

# A flavour, and the first numbers of a version.
_Line = tuple[str, tuple[float, ...]]


class Standing(Enum):
    """What a version is among others."""

    COUNTED = "counted"  # one of the newest
    FLOATING = "floating"  # another makes it more precise
    UNRELEASED = "unreleased"  # it has a release's form, and only prereleases make it more precise
    SPELT_TWICE = "spelt-twice"  # another tag is the same version
    OLDER = "older"  # there are enough of newer ones


def unreleased(versions: Iterable[Version]) -> frozenset[Tag]:
    """Find floating tags of which there are prereleases alone.

    That a tag is floating is known where a prerelease leads to its first version, as ``6.0.0-rc.1`` does to that of
    ``6.0``, or where releases of its flavour have more numbers. Otherwise ``24.04`` is a release, which
    ``24.04.1-rc.1`` follows.

    Args:
        versions: all of a repository, or those that a rule reads.

    Returns:
        Their tags.
    """
    precise_first = sorted(_of_flavours_with_prereleases(versions), key=lambda version: -version.precision)
    most_numbers: dict[str, int] = {}
    for version in precise_first:
        if not version.is_prerelease:
            most_numbers.setdefault(version.flavour, version.precision)
    lines = _Lines()
    found: list[Tag] = []
    for version in precise_first:
        floats = lines.leads_nowhere(version, most_numbers.get(version.flavour, 0))
        lines.add(version, released=not (floats or version.is_prerelease))
        found += [Tag(version.tag)] if floats else []
    return frozenset(found)


def _of_flavours_with_prereleases(versions: Iterable[Version]) -> list[Version]:
    """What is left is little in most repositories."""
    every = list(versions)
    flavours = {version.flavour for version in every if version.is_prerelease}
    return [version for version in every if version.flavour in flavours]


class _Lines:
    """Which lines have releases, prereleases, and prereleases of their first version, by the more precise tags."""

    def __init__(self) -> None:
        self._released = set[_Line]()
        self._heralded = set[_Line]()
        self._first = set[_Line]()

    def leads_nowhere(self, version: Version, most_numbers: int) -> bool:
        line = (version.flavour, version.numbers[: version.precision])
        if version.is_prerelease or line not in self._heralded or line in self._released:
            return False
        return line in self._first or most_numbers > version.precision

    def add(self, version: Version, *, released: bool) -> None:
        for length in range(1, version.precision):
            line = (version.flavour, version.numbers[:length])
            (self._released if released else self._heralded).add(line)
            if not released and not any(version.numbers[length : version.precision]):
                self._first.add(line)


def standings(taken: Sequence[Version], most: int, without: frozenset[Tag]) -> Mapping[Tag, Standing]:
    """Say which versions are the newest, and what every other one is.

    Serial numbers are counted only where there is no version besides: a commit of digits alone is not the newest.

    Args:
        taken: what passed everything else.
        most: how many are wanted.
        without: floating tags that count for nothing.

    Returns:
        Each tag's standing.
    """
    found = {Tag(version.tag): Standing.UNRELEASED for version in taken if version.tag in without}
    rest = [version for version in taken if version.tag not in found]
    covered = {
        (version.flavour, version.numbers[:length]) for version in rest for length in range(1, version.precision)
    }
    floating = {version.tag for version in rest if (version.flavour, version.numbers[: version.precision]) in covered}
    precise = _one_spelling([version for version in rest if version.tag not in floating])
    newest = sorted((version for version in precise if version.counted), reverse=True) or sorted(precise, reverse=True)
    counted = {version.tag for version in newest[:most]}
    older = {version.tag for version in precise} - counted
    for version in rest:
        found[Tag(version.tag)] = _standing(version.tag, floating, older, counted)
    return found


def _standing(tag: str, floating: Set[str], older: Set[str], counted: Set[str]) -> Standing:
    if tag in floating:
        return Standing.FLOATING
    if tag in older:
        return Standing.OLDER
    return Standing.COUNTED if tag in counted else Standing.SPELT_TWICE


def _one_spelling(versions: Iterable[Version]) -> list[Version]:
    """Keep one tag of each version: ``1.2`` and not ``v1.2``; where a group names the version, the highest revision."""
    kept: dict[object, Version] = {}
    for version in versions:
        same = (version.numbers, version.stage, version.build, version.flavour)
        kept[same] = max(kept[same], version, key=_spelling) if same in kept else version
    return list(kept.values())


def _spelling(version: Version) -> tuple[bool, Identifiers, str]:
    return version.tag[:1] not in "vV", identifiers(version.tag), version.tag
