"""How long imports and gates usually take, learnt from those that ended, so that they are looked at in time.

What is learnt is not the middle but an early end: of ten that end three have ended by then, so that few looks come too
soon and none much too late. Nothing is decided by it but when to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

STAGING_IMPORT = "import into staging"
BASE_IMPORT = "import into base"
SCAN = "scan"
# Gates are named by people, and forgotten by them.
_MOST_KINDS = 200
# Of the first one that ended nobody knows whether it was a slow one.
_FIRST = 0.8
# How much of what was learnt is taken back by one that had ended before it was looked at, or given by one that had not.
_STEP = 0.1
# By how much it has to have changed to be kept anew: more than two or three that ended move it.
_NEWS = 0.25
# Messages come a little after their time.
_LATE = 1.1


class UsualTimes(msgspec.Struct, frozen=True):
    """What was learnt.

    Attributes:
        seconds: by kind, as ``STAGING_IMPORT`` or ``gate_kind``.
    """

    seconds: Mapping[str, float] = {}

    def of(self, kind: str) -> timedelta | None:
        """Return how long a kind usually takes at least; ``None`` if none has ended yet."""
        seconds = self.seconds.get(kind)
        return None if seconds is None else timedelta(seconds=seconds)


def gate_kind(gate: str) -> str:
    """Return the kind of a gate's runs: each gate has tests of its own."""
    return f"gate {gate}"


def rebuild_kind(registry: str) -> str:
    """Return the kind of the runs of a registry's application tasks."""
    return f"rebuild in {registry.lower()}"


def learnt(known: UsualTimes, kind: str, took: timedelta) -> UsualTimes:
    """Return what is known after one more has ended.

    Args:
        known: before.
        kind: of what ended.
        took: from its start to the look that saw its end. The first look comes when such usually end; what it finds
            ended may have taken much less.
    """
    seconds, usual = max(took.total_seconds(), 0.0), known.seconds.get(kind)
    if usual is None:
        new = seconds * _FIRST if len(known.seconds) < _MOST_KINDS else None
    elif seconds <= usual * _LATE:
        new = min(usual, seconds) * (1 - _STEP)
    else:  # an outage is no slow import
        new = usual + min(seconds - usual, usual) * _STEP
    return known if new is None else UsualTimes({**known.seconds, kind: new})


def is_news(known: UsualTimes, kept: UsualTimes, kind: str) -> bool:
    """Whether what is known of a kind has changed so much since it was kept that it is worth keeping anew."""
    now, before = known.seconds.get(kind), kept.seconds.get(kind)
    return now is not None and (before is None or abs(now - before) > max(before * _NEWS, 1.0))
