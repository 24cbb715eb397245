"""What is locked in the base registry, and by whom: records of it. Pure.

A lock is a right that a tag or a manifest was closed to: to be written, deleted, or pulled. Each is closed by somebody,
and opened again by nobody else: which of them we closed is written down before it is done.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.references import Digest, Tag
from shared.domain.travel.tries import NO_TRIES, Tries


class Right(Enum):
    """What a tag or a manifest can be closed to."""

    WRITE = "write"  # a push to it; Azure's registries refuse to delete it as well
    DELETE = "delete"  # to be deleted
    READ = "read"  # to be pulled


# What a lock closes. https://learn.microsoft.com/azure/container-registry/container-registry-image-lock
CHANGES = frozenset({Right.WRITE, Right.DELETE})


class LockState(Enum):
    """How far a lock has come."""

    SETTING = "setting"  # we are about to close it, or did and have not read that back
    SET = "set"  # it is closed, and some of that is ours
    THEIRS = "theirs"  # it is closed as wanted, all of it by others: never opened by us
    LIFTING = "lifting"  # we are about to open what is ours of it, or did and have not read that back
    UNDONE = "undone"  # others open it again and again: it is left so for a day
    MISSING = "missing"  # there is nothing of that name


class Lock(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the lock of one tag or manifest.

    Attributes:
        of: the tag, or the digest of the manifest.
        state: how far it has come.
        ours: what we closed, or are about to close.
        closed: what was last found to be closed, by whomever.
        at: since when it is so, UTC.
        undone: when others opened what is ours, in the last day, UTC.
        tries: how closing and opening it fared.
    """

    of: str
    state: LockState
    at: datetime
    ours: tuple[Right, ...] = ()
    closed: tuple[Right, ...] = ()
    undone: tuple[datetime, ...] = ()
    tries: Tries = NO_TRIES

    @property
    def holds(self) -> bool:
        """Whether it was read back as it is wanted."""
        return self.state in {LockState.SET, LockState.THEIRS}


class Attributes(msgspec.Struct, frozen=True):
    """What a registry tells of the lock of a tag, a manifest or a repository.

    Attributes:
        closed: the rights that are closed.
        digest: what the tag points at, or the manifest; empty for a repository.
    """

    closed: frozenset[Right]
    digest: Digest = Digest("")


class Opened(msgspec.Struct, frozen=True):
    """An import that was refused for our own locks: they are open until it has landed, and for an hour at most.

    Attributes:
        tag: which was to be moved.
        number: that decision's.
        at: when they were opened, UTC.
    """

    tag: Tag
    number: int
    at: datetime


class Released(msgspec.Struct, frozen=True):
    """What came of opening our locks of what is about to be deleted.

    Attributes:
        in_the_way: what is still in the way of that, for people; empty if nothing of ours is.
        requests: how many requests were made to the registry at most.
    """

    in_the_way: str = ""
    requests: int = 0


class ListedTags(dict[Tag, Digest]):
    """What the tags of a repository point at, and what each is closed to, as one listing tells both.

    Args:
        tags: what each points at.
        closed: what those are closed to that are not open to everything.
    """

    def __init__(self, tags: dict[Tag, Digest], closed: dict[Tag, frozenset[Right]]) -> None:
        super().__init__(tags)
        self.closed = closed


def is_digest(of: str) -> bool:
    """Whether a lock is that of a manifest, and not that of a tag: no tag has a colon."""
    return ":" in of
