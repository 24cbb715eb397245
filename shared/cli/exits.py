"""What a command's exit status says, and the one error that ends a command early."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status says."""

    FINE = 0  # yes: it is so, or was done
    NO = 1  # the answer is no: not valid, rejected, failed, different, or somebody is needed
    HOLD = 2  # held: not decided
    ABSENT = 3  # there is no such thing
    DENIED = 4  # nobody signed in, or who did is not allowed to
    CONFLICT = 5  # the world moved on: superseded, decided already, changed meanwhile
    UNREACHABLE = 6  # no answer, or "not now", after several tries
    LATE = 7  # what was waited for did not come in the time that was given
    USAGE = 64  # a wrong argument, or one that the app does not take
    UNREADABLE = 65  # a file that cannot be read, or is not what it should be
    DEFECT = 70  # a defect of Tidegate's
    INTERRUPTED = 130  # somebody ended the command


FINE, NO, HOLD, ABSENT, DENIED, USAGE, UNREADABLE, UNREACHABLE = (
    Exit.FINE,
    Exit.NO,
    Exit.HOLD,
    Exit.ABSENT,
    Exit.DENIED,
    Exit.USAGE,
    Exit.UNREADABLE,
    Exit.UNREACHABLE,
)


class Ends(Exception):
    """A command cannot go on.

    Args:
        status: to exit with.
        told: for people, in a line or several.
        problem: the app's own document about it, where there is one.
    """

    def __init__(self, status: int, told: str, problem: Mapping[str, object] | None = None) -> None:
        self.status = int(status)
        self.problem = problem
        super().__init__(told)


class Unreached(Exception):
    """Nobody answered; for people, without a secret."""
