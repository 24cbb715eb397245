"""Entries of a watch list that get into each other's way: one name twice, or two writers of a tag of the base registry.

Which tags a pattern will take is not known beforehand, so what it might take must be nobody else's: two upstream tags
that take turns in one tag of the base registry would replace each other with every change of either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from shared.domain.references import Repository, Tag
from shared.domain.watching.selection import choose
from shared.domain.watching.tag_rules import TagRule

Path = tuple[str | int, ...]
# Pairs of a pattern and a tag that it might take, over all targets: what is compared takes a second or so at most.
MOST_PAIRS = 50_000


class Entry(Protocol):
    """What is looked at of an entry."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def target(self) -> str:
        """Repository in the base registry."""
        ...

    @property
    def repository(self) -> Repository:
        """The upstream repository."""
        ...

    @property
    def rules(self) -> tuple[TagRule, ...]:
        """Which tags."""
        ...


class Clash(msgspec.Struct, frozen=True):
    """Two entries in each other's way.

    Attributes:
        entry: where it is told, by its place in the list.
        path: in that entry.
        told: a sentence that ends where the other entry is to be named.
        other: the other entry, or the same one.
    """

    entry: int
    path: Path
    told: str
    other: int


class _Named(msgspec.Struct, frozen=True):
    """A tag of the base registry that an entry names, and that patterns of others must not take."""

    tag: Tag
    entry: int
    position: int


def clashes(entries: Sequence[Entry]) -> Iterator[Clash]:
    """Find two entries with one name, an upstream tag twice in an entry, and two writers of a tag of the base registry.

    Args:
        entries: all of the list.

    Returns:
        Every clash; of patterns no more are compared than can be in a second or two.
    """
    names: dict[str, int] = {}
    targets: dict[tuple[str, Tag], int] = {}
    for index, entry in enumerate(entries):
        first = names.setdefault(entry.name, index)
        if first != index:
            yield Clash(index, ("name",), f"{entry.name!r} is already the name of", first)
        yield from _tag_clashes(entry, index, targets)
    yield from _pattern_clashes(entries)


def _tag_clashes(entry: Entry, index: int, targets: dict[tuple[str, Tag], int]) -> Iterator[Clash]:
    sources: dict[str, int] = {}
    for position, rule in enumerate(entry.rules):
        if rule.target is None:
            continue
        path: Path = ("tags", position)
        if (entry.target, rule.target) in targets:
            owner = targets[entry.target, rule.target]
            yield Clash(index, path, f"{entry.target}:{rule.target} is already written by", owner)
        elif rule.tag is not None and rule.tag in sources:
            first = sources[rule.tag]
            yield Clash(index, path, f"{rule.tag!r} already goes to another tag by tags[{first}] of", index)
        targets.setdefault((entry.target, rule.target), index)
        sources.setdefault(rule.tag or "", position)


def _pattern_clashes(entries: Sequence[Entry]) -> Iterator[Clash]:
    left = MOST_PAIRS
    for indexes in _sharing(entries):
        filling = {index: rules for index in indexes if (rules := _patterns(entries[index]))}
        if filling and len(indexes) > 1:
            yield from _other_repositories(entries, list(filling))
            named = _named(entries, indexes, entries[next(iter(filling))].repository)
            left -= sum(map(len, filling.values())) * len(named)
            if left < 0:
                yield _too_many(entries, indexes)
                return
            yield from _taken(entries, filling, named)


def _sharing(entries: Sequence[Entry]) -> list[list[int]]:
    sharing: defaultdict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        sharing[entry.target].append(index)
    return list(sharing.values())


def _other_repositories(entries: Sequence[Entry], filling: Sequence[int]) -> Iterator[Clash]:
    """Patterns of one repository may fill a target side by side: they take their tags' own names."""
    first = filling[0]
    for index in filling[1:]:
        if entries[index].repository != entries[first].repository:
            target = entries[index].target
            told = f"{target} is filled from another upstream repository already, by the patterns of"
            yield Clash(index, ("target",), told, first)


def _named(entries: Sequence[Entry], indexes: Sequence[int], filled_from: Repository) -> list[_Named]:
    """Return the tags that get another name than they have upstream, or come from elsewhere than the patterns'."""
    return [
        _Named(rule.target, index, position)
        for index in indexes
        for position, rule in enumerate(entries[index].rules)
        if rule.target is not None and not (rule.tag == rule.target and entries[index].repository == filled_from)
    ]


def _taken(
    entries: Sequence[Entry], filling: Mapping[int, tuple[TagRule, ...]], named: Sequence[_Named]
) -> Iterator[Clash]:
    for pattern, rules in filling.items():
        taken = _would_take(rules, [each.tag for each in named if each.entry != pattern])
        for each in named:
            if each.entry != pattern and each.tag in taken:
                told = f"{entries[pattern].target}:{each.tag} may be written, too; exclude it in the patterns of"
                yield Clash(each.entry, ("tags", each.position), told, pattern)


def _would_take(rules: tuple[TagRule, ...], tags: Sequence[Tag]) -> set[str]:
    """Return which of some tags patterns would take, each by itself: ``newest`` counts tags that nobody knows yet."""
    if any(rule.newest is not None for rule in rules):
        return {tag for tag in set(tags) if choose(rules, [tag])[0].target}
    return {choice.tag for choice in choose(rules, tags) if choice.target} if tags else set()


def _too_many(entries: Sequence[Entry], indexes: Sequence[int]) -> Clash:
    told = (
        f"{entries[indexes[0]].target} has more patterns, and more tags that get another name or come from elsewhere, "
        "than can be compared; give some of them another target, beginning with"
    )
    return Clash(indexes[0], ("target",), told, indexes[-1])


def _patterns(entry: Entry) -> tuple[TagRule, ...]:
    """The rules whose tags keep names that are not known beforehand."""
    return tuple(rule for rule in entry.rules if rule.target is None)
