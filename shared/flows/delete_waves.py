"""Delete the waves that nobody will read any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from shared.domain.promotion.target import Target
from shared.domain.waves.keeping import WAVE_KEPT, is_done_with
from shared.domain.waves.states import WAVE_ENDS
from shared.domain.waves.wave import Wave
from shared.errors import Conflict
from shared.rules.wave_book import WaveBook

log = logging.getLogger("tidegate.sweep")


def delete_waves(book: WaveBook, target_of: Callable[[Wave], Target | None]) -> int:
    """Delete the waves that nobody will read any more, and return how many those were; see ``is_done_with``.

    Args:
        book: where waves are.
        target_of: gives the record of a wave's tag as it is now.
    """
    now, gone = book.clock(), 0
    for stored in book.waves.every(book.registry, states=WAVE_ENDS, by=now - WAVE_KEPT):
        if is_done_with(stored.record, target_of(stored.record), now):
            with suppress(Conflict):  # somebody wrote it since, and knows better
                book.waves.delete(stored)
                gone += 1
    if gone:
        log.info("sweep: %d waves were deleted", gone)
    return gone
