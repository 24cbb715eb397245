"""The record of a decision, as far as the companions of a digest have to know of it. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.record.record import Record
from shared.domain.travel.tries import NO_TRIES, Tries


class RecordState(Enum):
    """How far the record of a decision has come."""

    OPEN = "open"  # something is still to be done about it
    DONE = "done"  # it lies beside the digest in the base registry, and was read back and verified
    NONE = "none"  # nothing is to be said of this decision: there is none


class Recorded(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the record of a decision.

    Attributes:
        state: how far it has come.
        look_at: when it is to be looked at again, UTC; ``None`` for as soon as its turn comes.
        tries: how its steps fared.
        record: the record itself; ``None`` before its first step.
    """

    state: RecordState = RecordState.OPEN
    look_at: datetime | None = None
    tries: Tries = NO_TRIES
    record: Record | None = None
