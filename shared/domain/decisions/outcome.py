"""What came of a document that was brought back: for whoever brought it back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.domain.access.api_keys import ApiKey
from shared.domain.decisions.records import Decisions
from shared.domain.decisions.words import Fate
from shared.domain.promotion.rulings import Ruling


class Line(msgspec.Struct, frozen=True):
    """One thing that a document says, and what became of it.

    Attributes:
        about: of what: ``digest:<digest>``, ``image:<entry>`` or ``target:<id>``.
        what: what is said.
        detail: of which digest, or more for people.
        fate: what became of it.
    """

    about: str
    what: str
    detail: str
    fate: Fate


class BroughtBack(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a document.

    Attributes:
        dry_run: whether nothing was written, and this is what would come of it.
        exported_at: of when the document is, UTC.
        registry: the base registry of which tags it was taken for.
        whole: whether all of it was looked at; if not, the same document is sent again.
        counts: how often what became of something.
        lines: everything that the document says.
        keys_to_make: names of API keys that there were and are not here: their secrets were never exported.
        problems: what could not be done now, for people.
    """

    dry_run: bool
    exported_at: datetime
    registry: str
    whole: bool
    counts: dict[str, int]
    lines: tuple[Line, ...]
    keys_to_make: tuple[str, ...]
    problems: tuple[str, ...] = ()


def counted(lines: Iterable[Line]) -> dict[str, int]:
    """Return how often each thing became of what a document says."""
    counts = {fate.value: 0 for fate in Fate}
    for line in lines:
        counts[line.fate.value] += 1
    return counts


def fate_of(mine: Ruling | None, theirs: Ruling) -> Fate:
    """Return what becomes of a ruling; of two that were said at one time the one that keeps out holds."""
    if mine is None:
        return Fate.TAKEN
    if (mine.in_force, mine.said) == (theirs.in_force, theirs.said):
        return Fate.SAME
    if mine.said.at == theirs.said.at:
        return Fate.TAKEN if theirs.in_force and not mine.in_force else Fate.NEWER_HERE
    return Fate.TAKEN if theirs.said.at > mine.said.at else Fate.NEWER_HERE


def keys_to_make(decisions: Decisions, here: Iterable[ApiKey]) -> tuple[str, ...]:
    """Return the names of keys that were in force and have none in force here."""
    known = {key.name for key in here if key.revoked is None}
    return tuple(sorted({key.name for key in decisions.keys if key.revoked is None} - known))
