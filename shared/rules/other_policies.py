"""Policies that are not in force, to be asked what they would decide."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.promotion.candidate import Place
from shared.domain.watching.watch_list import Image, WatchList
from shared.ports import Clock
from shared.rules.policies import Asked, Asking, Policies

_UNREAD = WatchList(images=[])


class AskingOtherwise(Asking):
    """What a list asks where entries have another policy.

    Args:
        watch_list: the list.
        policy: the other policy.
        entries: the names of the entries; none for all of them.
        keeps_test: whether each entry's test is as the list says, as the policy says nothing of one.
    """

    def __init__(
        self, watch_list: WatchList, policy: Policy, entries: Collection[str] = (), *, keeps_test: bool = False
    ) -> None:
        super().__init__(watch_list)
        self._policy = policy
        self._entries = frozenset(entries)
        self._keeps_test = keeps_test

    def _of(self, image: Image) -> Asked:
        asked = super()._of(image)
        if image.is_tool or (self._entries and image.name not in self._entries):
            return asked
        test = asked.policy.test if asked.policy is not None else None
        policy = msgspec.structs.replace(self._policy, test=test) if self._keeps_test else self._policy
        return msgspec.structs.replace(asked, policy=policy)


class Remembering(Asking):
    """What a list asks, looked up once for each tag: of thousands of entries with patterns that takes long.

    Args:
        asking: what it asks.
    """

    def __init__(self, asking: Asking) -> None:
        super().__init__(_UNREAD)
        self._asking = asking
        self._known: dict[tuple[str, Place], Asked] = {}

    def of(self, image: str, place: Place) -> Asked:
        """Return what is asked of digests for a tag; see ``Asking.of``."""
        if (image, place) not in self._known:
            self._known[image, place] = self._asking.of(image, place)
        return self._known[image, place]


def going_by(asking: Asking, clock: Clock) -> Policies:
    """Return policies that are what one list asks, whatever is in force; nothing is read.

    Args:
        asking: what it asks.
        clock: tells the time.
    """
    return Policies(lambda: _UNREAD, clock, lambda _: asking)


def ask_the_same(one: Asked, other: Asked) -> bool:
    """Whether two lists ask the same of a tag's digests, whatever their policies are called."""
    return _nameless(one) == _nameless(other)


def _nameless(asked: Asked) -> Asked:
    policy = asked.policy
    return msgspec.structs.replace(asked, policy=msgspec.structs.replace(policy, name="") if policy else None)
