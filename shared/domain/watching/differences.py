"""What another watch list would change of the one in force, entry by entry: pure."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.domain.watching.removals import is_too_much, removed
from shared.domain.watching.watch_list import Image, WatchList
from shared.domain.watching.weakened import weakened

_ABSENT = None


class FieldChanged(msgspec.Struct, frozen=True):
    """A field of an entry that says something else.

    Attributes:
        field: its name; ``policy`` where the content of the entry's policy is another one.
        now: what the list in force says; ``null`` for nothing.
        then: what the other one says.
    """

    field: str
    now: Any
    then: Any


class EntryChanged(msgspec.Struct, frozen=True):
    """An entry that both lists have, and that says something else."""

    name: str
    fields: tuple[FieldChanged, ...]


class Difference(msgspec.Struct, frozen=True):
    """What another list would change.

    Attributes:
        added: the names of entries that the list in force has not.
        removed: the names of entries that the other one has not.
        gone: of those, which are there under no other name either, so that their tags would be let go.
        changed: entries that say something else.
        weaker: what each entry would ask for less before something is promoted, for people.
        scanner: whether another scanner would be used.
        held: whether so much is left out that the list would be held until it says ``removes``.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[EntryChanged, ...] = ()
    weaker: dict[str, tuple[str, ...]] = {}
    scanner: bool = False
    held: bool = False

    @property
    def is_none(self) -> bool:
        """Whether nothing would change."""
        return self == Difference()


def difference(before: WatchList, after: WatchList, percent: int) -> Difference:
    """Return what another list would change.

    Args:
        before: the list in force.
        after: the other one.
        percent: the share of entries that may be left out without a word.
    """
    known = {image.name: image for image in before.images}
    coming = {image.name: image for image in after.images}
    both = sorted(known.keys() & coming.keys())
    changes = (EntryChanged(name, _changed(before, known[name], after, coming[name])) for name in both)
    return Difference(
        added=tuple(sorted(coming.keys() - known.keys())),
        removed=tuple(sorted(known.keys() - coming.keys())),
        gone=tuple(sorted(image.name for image in removed(before, after))),
        changed=tuple(one for one in changes if one.fields),
        weaker=weakened(before, after),
        scanner=before.scanner != after.scanner,
        held=is_too_much(before, after, percent),
    )


def _changed(before: WatchList, known: Image, after: WatchList, coming: Image) -> tuple[FieldChanged, ...]:
    now, then = _told(before, known), _told(after, coming)
    names = [name for name in dict.fromkeys([*now, *then]) if now.get(name) != then.get(name)]
    return tuple(FieldChanged(name, now.get(name, _ABSENT), then.get(name, _ABSENT)) for name in names)


def _told(whole: WatchList, image: Image) -> dict[str, Any]:
    """An entry's policy may change while the entry itself stays as it is."""
    policy = whole.policy_of(image)
    fields: dict[str, Any] = msgspec.to_builtins(image)
    return {**fields, "policy": f"{policy.name}, sha256 {policy.sha256}" if policy is not None else None}
