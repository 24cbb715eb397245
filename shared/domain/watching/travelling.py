"""What an entry of the watch list asks to travel with its images into the base registry."""

from __future__ import annotations

from enum import Enum

import msgspec


class ReferrerMode(Enum):
    """What becomes of signatures, SBOMs and other statements that refer to an image upstream."""

    REQUIRED = "required"  # they come first; a tag waits for what its upstream has
    BEST_EFFORT = "best-effort"  # they come first if they can, and follow if they cannot
    OFF = "off"  # they stay where they are


class Lockable(Enum):
    """What of an image is locked in the base registry."""

    UNIQUE = "unique"  # the name that it keeps, with the manifest and every platform of it
    STABLE = "stable"  # the tag that moves on, with the manifest that it bears and every platform of it
    BLOCKED = "blocked"  # a digest that people blocked: it cannot be pulled any more


class Travelling(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be beside a digest in the base registry before a tag is moved to it.

    Attributes:
        referrers: what becomes of what refers to it upstream.
        unique_tag: the template of the name that it gets for good, such as ``{tag}-{yyyymmdd}.{n}``; empty for none.
        record: whether a record of the decision is signed and attached to it.
        locks: what of it is locked.
    """

    referrers: ReferrerMode = ReferrerMode.OFF
    unique_tag: str = ""
    record: bool = False
    locks: tuple[Lockable, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether anything is asked at all."""
        return self.referrers is not ReferrerMode.OFF or bool(self.unique_tag) or self.record or bool(self.locks)


NOTHING_TRAVELS = Travelling()
