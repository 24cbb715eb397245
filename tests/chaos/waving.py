"""Which entries ask for waves, what each asks for, and on which digests builds break. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EARLY = "early"
# Of 256 digests so many break every build of a task that is brittle, and so many more only the first build of each.
_ALWAYS, _ONCE = 72, 36
# Which of a digest's letters decide: the first two say whether it passes its gate.
_LETTERS = slice(2, 4)

OnFailure = Literal["hold", "restore", "continue"]


@dataclass(frozen=True)
class Rolls:
    """What an entry asks of rebuilds.

    Attributes:
        canary: who goes first, as it stands in the entry.
        on_failure: what follows when one of those fails.
        wave: how many of the others are rebuilt at once.
    """

    canary: str
    on_failure: OnFailure
    wave: int = 2

    def fields(self) -> str:
        """Return it as it stands in an entry."""
        asked = f"canary: {self.canary}, wave: {self.wave}, window: 1m, on_canary_failure: {self.on_failure}"
        return f", rebuild: {{{asked}}}"


# By repository; what is built on the others is rebuilt at once. Of the first one only some tags have a canary.
ROLLS = {
    "library/bee": Rolls("[tidegateapps/bee-1-first, tidegateapps/bee-2-first]", "hold"),
    "team/dog": Rolls(f"['owner:{EARLY}']", "restore"),
    "set/elk": Rolls("1", "restore"),
    "org/gnu": Rolls("2", "continue"),
}


def breaks(digest: str) -> Literal["", "once", "always"]:
    """Return whether, and how often, what is brittle fails to be built on a digest."""
    number = int(digest.partition(":")[2][_LETTERS], 16)
    if number < _ALWAYS:
        return "always"
    return "once" if number < _ALWAYS + _ONCE else ""
