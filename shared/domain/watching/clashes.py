"""Entries of a watch list that fill one repository of the base registry, where one of them does so by patterns.

Which tags a pattern will take is not known beforehand, so what it might take must be nobody else's: two upstream tags
that take turns in one tag of the base registry would replace each other with every change of either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

from shared.domain.references import Repository
from shared.domain.watching.selection import choose
from shared.domain.watching.tag_rules import TagRule

Problem = tuple[tuple[str | int, ...], str]


class Entry(Protocol):
    """What is looked at of an entry."""

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


def pattern_clashes(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Find entries that may write one tag of the base registry from two upstream tags.

    Args:
        entries: all of the list.

    Returns:
        Every problem: the path to it and what is wrong there.
    """
    sharing: defaultdict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        sharing[entry.target].append(index)
    for indexes in sharing.values():
        for filling in (index for index in indexes if len(indexes) > 1 and _patterns(entries[index])):
            for other in indexes:
                yield from _between(entries, filling, other) if other != filling else ()


def _between(entries: Sequence[Entry], filling: int, other: int) -> Iterator[Problem]:
    mine, its = entries[filling], entries[other]
    if filling < other and _patterns(its) and its.repository != mine.repository:
        problem = f"patterns of images[{filling}] fill {mine.target} from another upstream repository already"
        yield ("images", other, "target"), problem
    for position, rule in enumerate(its.rules):
        same = rule.tag == rule.target and its.repository == mine.repository
        if rule.target is not None and not same and choose(_patterns(mine), [rule.target])[0].target:
            problem = (
                f"{mine.target}:{rule.target} may be written by a pattern of images[{filling}] too; exclude it there"
            )
            yield ("images", other, "tags", position), problem


def _patterns(entry: Entry) -> tuple[TagRule, ...]:
    """The rules whose tags keep names that are not known beforehand."""
    return tuple(rule for rule in entry.rules if rule.target is None)
