"""The words of states as pages show them: always the word itself, with a sign beside it and never by colour alone."""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.domain.promotion.board import Group, Need
from shared.domain.promotion.exposure import Standing as Exposed
from shared.domain.promotion.rebuilds import RebuildStatus
from shared.domain.promotion.standing import Standing
from shared.domain.promotion.statuses import Status
from shared.domain.scan.decision import Outcome
from shared.domain.waves.states import MemberState, WaveState


class Tone(Enum):
    """How a state is meant, as a class of the style."""

    GOOD = "good"
    BUSY = "busy"
    WAIT = "wait"
    BAD = "bad"
    CALM = "calm"


class Word(msgspec.Struct, frozen=True):
    """A state's word.

    Attributes:
        text: the word, as the API has it.
        sign: beside it; readers of screens skip it.
        tone: how it is meant.
    """

    text: str
    sign: str
    tone: Tone


_SIGNS = {Tone.GOOD: "✓", Tone.BUSY: "◐", Tone.WAIT: "◷", Tone.BAD: "✗", Tone.CALM: "–"}
_TONES: dict[Enum, Tone] = {
    Standing.UNSEEN: Tone.WAIT,
    Standing.NEVER_THERE: Tone.BAD,
    Standing.DOUBTED: Tone.WAIT,
    Standing.WAITING: Tone.WAIT,
    Standing.UNDER_WAY: Tone.BUSY,
    Standing.REJECTED: Tone.BAD,
    Standing.SOAKING: Tone.WAIT,
    Standing.COMPANIONS: Tone.WAIT,
    Standing.LOCKED: Tone.WAIT,
    Standing.FROZEN: Tone.WAIT,
    Standing.AWAITING: Tone.WAIT,
    Standing.FAILED: Tone.BAD,
    Standing.DRIFTED: Tone.BAD,
    Standing.CURRENT: Tone.GOOD,
    Status.HELD: Tone.WAIT,
    Status.PROMOTED: Tone.GOOD,
    Status.MIRRORED: Tone.GOOD,
    Status.REJECTED: Tone.BAD,
    Status.FAILED: Tone.BAD,
    Status.OBSERVED: Tone.CALM,
    Status.SUPERSEDED: Tone.CALM,
    RebuildStatus.SUCCEEDED: Tone.GOOD,
    RebuildStatus.UP_TO_DATE: Tone.GOOD,
    RebuildStatus.OVERTAKEN: Tone.CALM,
    RebuildStatus.WITHDRAWN: Tone.CALM,
    RebuildStatus.FAILED: Tone.BAD,
    RebuildStatus.UNDECIDED: Tone.BAD,
    RebuildStatus.BY_NOBODY: Tone.BAD,
    RebuildStatus.BY_ACR_ALONE: Tone.WAIT,
    RebuildStatus.WANTED: Tone.WAIT,
    WaveState.DONE: Tone.GOOD,
    WaveState.DONE_WITH_FAILURES: Tone.BAD,
    WaveState.HELD: Tone.WAIT,
    WaveState.RESTORED: Tone.BAD,
    WaveState.SUPERSEDED: Tone.CALM,
    WaveState.CANCELLED: Tone.CALM,
    MemberState.WAITING: Tone.WAIT,
    MemberState.BUILT: Tone.GOOD,
    MemberState.COVERED: Tone.GOOD,
    MemberState.FAILED: Tone.BAD,
    MemberState.UNDECIDED: Tone.BAD,
    MemberState.EXCLUDED: Tone.CALM,
    MemberState.VOID: Tone.CALM,
    Outcome.PASS: Tone.GOOD,
    Outcome.HOLD: Tone.WAIT,
    Outcome.REJECT: Tone.BAD,
    Exposed.CLEAN: Tone.GOOD,
    Exposed.EXPOSED: Tone.BAD,
    Exposed.UNKNOWN: Tone.WAIT,
    Group.NEEDS_PEOPLE: Tone.WAIT,
    Group.STOPPED: Tone.BAD,
    Group.WAITING: Tone.WAIT,
    Group.UNDER_WAY: Tone.BUSY,
    Group.CURRENT: Tone.GOOD,
    Need.APPROVAL: Tone.WAIT,
    Need.OVERRIDE: Tone.WAIT,
    Need.WAIVER: Tone.WAIT,
}
_UNDER_WAY = (Status, RebuildStatus, WaveState, MemberState)


def word(state: Enum) -> Word:
    """Return a state's word: what is under way and no end is busy, and whatever says nothing else is calm."""
    tone = _TONES.get(state, Tone.BUSY if isinstance(state, _UNDER_WAY) else Tone.CALM)
    return Word(str(state.value), _SIGNS[tone], tone)
