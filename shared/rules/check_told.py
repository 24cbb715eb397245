"""What a check has to tell of a repository as a whole: tags that are gone, and new ones that are not begun yet."""

from __future__ import annotations

import logging

from shared.domain.references import Repository
from shared.domain.watching.observation import Presence
from shared.domain.watching.waves import Wave
from shared.ports import Activity, Clock, Event, Known
from shared.rules.asking import Answers

log = logging.getLogger("tidegate.check")

_MOST_TOLD, _LONGEST_DETAIL = 20, 1000


class CheckTold:
    """Tells it.

    Args:
        activity: where it is recorded.
        clock: tells the time.
    """

    def __init__(self, activity: Activity, clock: Clock) -> None:
        self._activity = activity
        self._clock = clock

    def waiting(self, repository: Repository, known: Known, number: int, wave: Wave) -> str:
        """Tell that so many new tags are not begun yet, and why, unless that was told; return it, to be remembered."""
        if not number:
            return ""
        detail = f"{number} new tags wait for the next checks: {wave.why}"[:_LONGEST_DETAIL]
        if detail != known.state.waits:
            log.info("%s: %s", repository, detail)
            self._activity.append(Event(f"repository:{repository}", "first-imports-wait", self._clock(), detail))
        return detail

    def vanished(self, repository: Repository, known: Known, answers: Answers) -> None:
        """Tell which tags are gone upstream; their observations say so from now on, so it is told once."""
        gone = {tag for tag, digest in answers.digests.items() if digest is None}
        vanished = [tag for tag, seen in known.tags.items() if tag in gone and seen.presence is Presence.PRESENT]
        if vanished:
            shown = ", ".join(sorted(vanished)[:_MOST_TOLD]) + (" and more" if len(vanished) > _MOST_TOLD else "")
            detail = f"{len(vanished)} tags are gone upstream; what was promoted is kept: {shown}"
            self._activity.append(Event(f"repository:{repository}", "tags-vanished", self._clock(), detail))
