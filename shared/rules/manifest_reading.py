"""That a registry has its manifests read, as it does not answer HEAD, is told once for each repository."""

from __future__ import annotations

import msgspec

from shared.ports import Activity, Clock, Event, Known, Observations
from shared.rules.asking import Answers, Asked

_DETAIL = (
    "the registry does not tell by HEAD what its tags point at: manifests are read by GET instead, and their digests "
    "computed. Some registries count that as a pull; {count} tags are looked at in each check"
)


class ReadingTold:
    """Remembers of repositories whether their manifests are read.

    Args:
        observations: where it is remembered.
        activity: is told when that begins.
        clock: tells the time.
    """

    def __init__(self, observations: Observations, activity: Activity, clock: Clock) -> None:
        self._observations = observations
        self._activity = activity
        self._clock = clock

    def told(self, asked: Asked, known: Known, answers: Answers) -> Known:
        """Tell that a repository's manifests are read, unless that was told; return what is known from then on.

        Who dies between telling and remembering tells it twice; who remembered first would never tell it.

        Args:
            asked: the repository and its upstream.
            known: what is known of it.
            answers: what it answered just now; whoever was not asked for a digest does not know.

        Raises:
            Conflict: another check wrote meanwhile.
        """
        reads = asked.upstream.reads(asked.repository)
        if reads == known.state.reads or not any(answers.digests.values()):
            return known
        if reads:
            detail = _DETAIL.format(count=len(answers.digests))
            self._activity.append(Event(f"repository:{asked.repository}", "manifests-read", self._clock(), detail))
        state = msgspec.structs.replace(known.state, reads=reads)
        return self._observations.save(asked.repository, known, state, ())
