"""What is asked of rebuilds: who goes first, how many go at once, and what follows when who went first fails."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.policy.promoting import Off, Span

# An owner, a rebuild target with the name of its dispatcher, or a task with its registry.
_CANARY = (
    "^(owner:.{1,100}|[a-z][a-z0-9-]{0,30}:[^\\x00-\\x20:~]{1}(?:[^\\x00-\\x1f~]{0,199}[^\\x00-\\x20~])?"
    "|[^\\x00-\\x20:~/]{1,100}/[^\\x00-\\x20:~/]{1,100})$"
)
_OWNER = "owner:"
_TARGET = re.compile("^([a-z][a-z0-9-]{0,30}):")
# What runs as a task of an application registry; every other first part of a rebuild target is the name of a setting.
ACR = "acr"
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class OnFailure(Enum):
    """What follows when a canary fails on a base that moved."""

    HOLD = "hold"  # the others wait for a person
    RESTORE = "restore"  # the tag goes back to what it was, where nothing speaks against that; else as hold
    CONTINUE = "continue"  # it is told, and the others are built


Canary = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=240,
        pattern=_CANARY.replace("$", r"\Z"),
        extra_json_schema={"pattern": _CANARY},
        examples=["contosoapps/shop"],
    ),
]


class Rebuilding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How what is built on an image is rebuilt when it moves."""

    canary: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | Annotated[tuple[Canary, ...], Meta(min_length=1, max_length=100)],
        Meta(
            description="Who is rebuilt first, and decides for the others: tasks as `registry/task`, other rebuild "
            "targets by their ids, everything of an owner as `owner:payments`; or how many of them.",
            examples=[["contosoapps/shop", "owner:payments"], 2],
        ),
    ] = 1
    wave: Annotated[
        int,
        Meta(ge=1, le=1000, description="How many of the others are rebuilt at once."),
    ] = 10
    window: Annotated[
        Span,
        Meta(
            description="How long whoever is built on several images waits for another one of them to move, so that "
            "both are one rebuild: `10m`. Canaries do not wait."
        ),
    ] = "10m"
    on_canary_failure: Annotated[
        OnFailure,
        Meta(
            description="`hold`: the others wait for a person; `restore`: the tag goes back to the digest before, "
            "where nothing speaks against that; `continue`: it is told, and the others are rebuilt."
        ),
    ] = OnFailure.HOLD

    @property
    def waits(self) -> timedelta:
        """How long another base of the same target is waited for."""
        return int(self.window[:-1]) * _UNITS[self.window[-1]]

    def names(self, target: str, owner: str) -> bool:
        """Whether a rebuild target is one of the canaries that are named.

        Args:
            target: its id, such as ``acr:contosoapps/shop``.
            owner: whose it is; empty if nobody knows.
        """
        if isinstance(self.canary, int):
            return False
        wanted = {_whole(one) for one in self.canary if not one.startswith(_OWNER)}
        owners = {one.removeprefix(_OWNER).casefold() for one in self.canary if one.startswith(_OWNER)}
        return target.casefold() in wanted or (bool(owner) and owner.casefold() in owners)


RebuildField = Annotated[
    Rebuilding | Off | None,
    Meta(
        description="How what is built on the image is rebuilt when it moves: who goes first, how many go at once, and "
        "what follows when who went first fails. `off`: all at once, which is the default. It goes before what the "
        "policy says.",
    ),
]


def _whole(name: str) -> str:
    """The dispatcher of tasks need not be named."""
    return (name if _TARGET.match(name) else f"{ACR}:{name}").casefold()


# Threads that all read their first list at once must find its types known whole: docs/decisions/0016.
_REBUILDING = msgspec.json.Decoder(Rebuilding)
