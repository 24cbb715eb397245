"""What a word that a person says of a wave changes, and whether it counts. Pure."""

from __future__ import annotations

import msgspec

from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Spoken, Wave, Word


def spoke(wave: Wave, spoken: Spoken) -> Wave:
    """Return a wave of which a person said something; only the first word counts."""
    if not takes_word(wave, spoken.word):
        return wave
    return msgspec.structs.replace(wave, spoken=spoken, look_at=spoken.said.at, step=wave.step + 1)


def takes_word(wave: Wave, word: Word) -> bool:
    """Whether a word would count: it is the first, or it ends what goes on by another one's word to continue."""
    if wave.is_over or wave.spoken is None:
        return not wave.is_over
    goes_on = wave.spoken.word is Word.CONTINUE and wave.state is WaveState.ROLLING
    return goes_on and word is not Word.CONTINUE


def is_called_off(wave: Wave) -> bool:
    """Whether nobody is to begin for a wave any more: it ended early, or a person has just said to cancel it."""
    said = wave.spoken is not None and wave.spoken.word is Word.CANCEL
    return said or wave.state in {WaveState.CANCELLED, WaveState.SUPERSEDED, WaveState.RESTORED}
