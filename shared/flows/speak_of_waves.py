"""What a person says of a wave: to continue, to restore or to cancel. The first word counts; who said it why is kept.

The line of the activity log is written before the record, so that nothing is done that is not told. Who dies between
the two has told of something that is not done; asking again tells the same, and does it.
"""

from __future__ import annotations

import msgspec

from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.waves.speaking import said as said_of
from shared.domain.waves.telling import about
from shared.domain.waves.wave import Spoken, Wave, Word, parts_of_wave
from shared.errors import MalformedRequest
from shared.ports import Activity, Event
from shared.rules.acts import TOO_LATE
from shared.rules.targets import TargetBook
from shared.rules.wave_book import WaveBook
from shared.wave_ports import StoredWave

_NAMES = {
    Word.CONTINUE: "wave-told-to-continue",
    Word.RESTORE: "wave-told-to-restore",
    Word.CANCEL: "wave-told-to-cancel",
}


class WaveSpeaker:
    """Hears what people say of waves.

    Args:
        book: where waves are.
        targets: tells which decision of a tag is in force.
        activity: the activity log.
    """

    def __init__(self, book: WaveBook, targets: TargetBook, activity: Activity) -> None:
        self._book = book
        self._targets = targets
        self._activity = activity

    def say(self, wave: str, word: Word, said: Said, number: int | None = None) -> Wave | Declined:
        """Say something of a wave; what was said already is left as it was said first.

        Args:
            wave: its id.
            word: what is said.
            said: by whom, why and when.
            number: of the decision that whoever speaks has seen; ``None`` if nobody says.

        Returns:
            The wave from then on; or why the word does not count.

        Raises:
            InvalidReference: it is no wave's id.
            MalformedRequest: 404, it is not there.
            ServiceError: storage failed; saying it again does no harm.
        """
        stored = self._known(wave)
        target = self._target(stored.record)
        first = _said(stored.record, target, Spoken(word, said), number)
        if isinstance(first, Declined) or first == stored.record:
            return first
        return self._done(stored, target, Spoken(word, said), number)

    def _known(self, wave: str) -> StoredWave:
        """A wave of an earlier base registry is shown, and left alone."""
        ours = parts_of_wave(wave)[0].partition("~")[0] == self._book.registry
        stored = self._book.waves.get(wave) if ours else None
        if stored is None:
            raise MalformedRequest(f"there is no wave {wave!r}", status=404)
        return stored

    def _target(self, wave: Wave) -> Target | None:
        return self._targets.of(wave.repository, wave.tag)

    def _done(self, stored: StoredWave, target: Target | None, spoken: Spoken, number: int | None) -> Wave | Declined:
        event = _line(stored.record, spoken)
        self._activity.append(event)
        last = list[Declined]()

        def change(known: Wave | None) -> Wave | None:
            outcome = _said(known or stored.record, target, spoken, number)
            last[:] = [outcome] if isinstance(outcome, Declined) else []
            return None if isinstance(outcome, Declined) else outcome

        written = self._book.change(stored.record.id, change, stored)
        if written is None:
            self._activity.append(msgspec.structs.replace(event, name=TOO_LATE))
            return last[0]
        self._book.wake(written.record)
        return written.record


def _said(wave: Wave, target: Target | None, spoken: Spoken, number: int | None) -> Wave | Declined:
    """Whoever names another decision than the wave's has looked at something else."""
    outcome = said_of(wave, target, spoken)
    if isinstance(outcome, Declined) or outcome == wave or number in {None, wave.number}:
        return outcome
    return Declined(Refusal.MOVED_ON, f"{about(wave)} is not of decision {number}; look at it again")


def _line(wave: Wave, spoken: Spoken) -> Event:
    said = spoken.said
    told = f"{spoken.word.value} {about(wave)}, which is {wave.state.value} ({wave.reason.value}), says {said.by}"
    return Event(f"wave:{wave.id}", _NAMES[spoken.word], said.at, f"{told}: {said.why}")
