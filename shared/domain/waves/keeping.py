"""How long waves are kept: what nobody will read any more goes. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.domain.promotion.target import Target
from shared.domain.waves.wave import Wave

# As long as scans, and as the logs of those that failed are by default.
WAVE_KEPT = timedelta(days=90)


def is_done_with(wave: Wave, target: Target | None, now: datetime) -> bool:
    """Whether a wave may be deleted.

    A search that comes late joins the wave of the decision in force, and would plan another one if it were gone. The
    next decision reads it to know a digest that somebody was proven to be built on, as that one read the one before.
    Which digests failed their canaries, and which way back there was, stands in the tag's record.

    Args:
        wave: it.
        target: its tag's record; ``None`` if there is none any more.
        now: UTC.
    """
    read_again = target is not None and wave.number >= target.number - 1
    rests = wave.is_over and wave.look_at is None and not wave.in_flight and not wave.notices
    return rests and not read_again and wave.planned_at <= now - WAVE_KEPT
