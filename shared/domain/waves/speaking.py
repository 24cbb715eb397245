"""What a person says of a wave: to continue, to restore or to cancel, or why that does not count. Pure."""

from __future__ import annotations

from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.target import Target
from shared.domain.waves.spoken import spoke, takes_word
from shared.domain.waves.states import WaveState
from shared.domain.waves.telling import GOES_BACK_NOT, about
from shared.domain.waves.wave import Spoken, Wave, Word
from shared.domain.waves.way_back import kept_from


def said(wave: Wave, target: Target | None, spoken: Spoken) -> Wave | Declined:
    """Return a wave of which a person said something; what was said already is left as it is.

    Args:
        wave: its record.
        target: its tag's record; ``None`` if there is none any more.
        spoken: which word, by whom, why and when.
    """
    if wave.spoken is not None and wave.spoken.word is spoken.word:
        return wave
    declined = _over(wave) or _moved_on(wave, target) or _said_before(wave, spoken.word)
    return declined or _in_the_way(wave, target, spoken.word) or spoke(wave, spoken)


def _over(wave: Wave) -> Declined | None:
    if not wave.is_over:
        return None
    return Declined(Refusal.WAVE_OVER, f"{about(wave)} has ended: it is {wave.state.value}, {wave.reason.value}")


def _moved_on(wave: Wave, target: Target | None) -> Declined | None:
    """A wave is told that its tag was decided on anew when it is looked at next."""
    if target is not None and target.let_go is None and target.number == wave.number:
        return None
    now = f"decision {target.number} is in force" if target is not None else "its tag is not there any more"
    return Declined(Refusal.MOVED_ON, f"{about(wave)} follows decision {wave.number}, and {now}; look at it again")


def _said_before(wave: Wave, word: Word) -> Declined | None:
    if takes_word(wave, word) or wave.spoken is None:
        return None
    first = wave.spoken
    told = f"{first.said.by} said to {first.word.value} at {first.said.at:%Y-%m-%d %H:%M} UTC: {first.said.why}"
    return Declined(Refusal.SAID_BEFORE, f"of {about(wave)} the first word counts, and {told}")


def _in_the_way(wave: Wave, target: Target | None, word: Word) -> Declined | None:
    if word is Word.CONTINUE and wave.state is not WaveState.HELD:
        return Declined(Refusal.NOT_HELD, f"{about(wave)} waits for nobody: it is {wave.state.value}")
    against = kept_from(wave, target) if word is Word.RESTORE and target is not None else None
    if against is None:
        return None
    return Declined(Refusal.CANNOT_RETURN, f"{wave.place} cannot go back: {GOES_BACK_NOT[against]}")
