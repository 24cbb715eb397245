"""What an entry of the watch list wants done where the base registry is not what it should be."""

from __future__ import annotations

from enum import Enum

import msgspec


class Remedy(Enum):
    """What is done about a tag of the base registry that is missing or was overwritten."""

    REPAIR = "repair"  # what is wanted is put back
    TELL = "tell"  # it is told, for as long as it lasts, and left


class Remedies(msgspec.Struct, frozen=True):
    """What an entry wants done about a tag that is missing, and about one that was overwritten by others."""

    missing: Remedy = Remedy.REPAIR
    drift: Remedy = Remedy.TELL
