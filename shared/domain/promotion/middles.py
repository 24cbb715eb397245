"""Images between a base and a task: built on the base by others, and what the task is built on. Pure."""

from __future__ import annotations

import msgspec


class Middle(msgspec.Struct, frozen=True):
    """An image between.

    A task in a chain names no tag of the base registry that moved. Whether it is built on what moved is known by this.

    Attributes:
        name: its repository with the registry; see ``base_name``.
        tag: the tag that is built on.
        old: what it was before it was built on what moved: whoever is built on one of these is behind.
        built: what it was when the task was built on it since; empty before.
    """

    name: str
    tag: str
    old: tuple[str, ...] = ()
    built: str = ""


# Decoded with rebuilds and with waves, by several modules: docs/decisions/0016.
_MIDDLES = msgspec.json.Decoder(Middle)
