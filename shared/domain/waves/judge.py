"""What is to be done next about a wave: a pure function of its record, of its tag's record and of the time.

It knows no order in which results come: they are a set, and whoever judges the same set comes to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from shared.domain.policy.rebuilding import OnFailure, Rebuilding
from shared.domain.promotion.schedule import next_of
from shared.domain.promotion.target import Target
from shared.domain.waves import way_back
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import TagSeen
from shared.domain.waves.states import MEMBER_ENDS, ON_IT, WAVE_ENDS, MemberState, WaveState
from shared.domain.waves.wave import HELD_FOR, Member, Wave, Word, claimed, went
from shared.domain.waves.way_back import Grounds, HoldBecause, Restore, Scanned, Taken

# A wave is looked at when one of its members ends. Should that word be lost, it is looked at so soon all the same.
FALLBACK = timedelta(minutes=2)
# While the others are rebuilt nothing but their turn waits for it: it is looked at at the next of moments so far apart,
# which are the same for every wave and after each of its steps, and cost one message.
ROLLING_FALLBACK = timedelta(minutes=10)
# While the digest before is scanned again nobody else is asked for, and it is looked at so often.
SCAN_LOOK = timedelta(minutes=1)
# The same for runs that go on after the end of their wave.
LEFT_LOOK = timedelta(minutes=10)


class Move(Enum):
    """What is to be done about a wave."""

    ADVANCE = "advance"  # it goes on to the next state
    ASK = "ask"  # some members are to be rebuilt from now on
    HOLD = "hold"  # a person has to decide
    RESTORE = "restore"  # its tag is to go back
    WENT_BACK = "went-back"  # its tag has gone back: the end
    SUPERSEDE = "supersede"  # its tag was decided on anew: the end
    CANCEL = "cancel"  # a person, or the time, ended it
    FINISH = "finish"  # nothing is left to do: the end
    WAIT = "wait"  # until somebody ends, or a time comes


class Judged(msgspec.Struct, frozen=True):
    """What is to be done next.

    Attributes:
        move: what.
        reason: why.
        to: the state that follows; the present one where it stays.
        what: the members that are to be asked for.
        restore: the proposal to go back.
        until: when it is to be judged again at the latest, UTC; ``None`` if nothing but a change can matter.
    """

    move: Move
    reason: Reason
    to: WaveState
    what: tuple[str, ...] = ()
    restore: Restore | None = None
    until: datetime | None = None


def judge(wave: Wave, target: Target | None, asked: Rebuilding, grounds: Grounds, now: datetime) -> Judged:
    """Judge a wave.

    Args:
        wave: it, with all results that have come.
        target: its tag's record; ``None`` if there is none any more.
        asked: what the tag's entry asks for.
        grounds: what is known of the digest before; asked for only where it may matter, see ``needs_grounds``.
        now: UTC.
    """
    if wave.is_over:
        return _after_its_end(wave, now)
    if target is None:
        return Judged(Move.SUPERSEDE, Reason.LET_GO, WaveState.SUPERSEDED)
    if wave.state is WaveState.RESTORING:
        return _restoring(wave, target)
    said = _overtaken(wave, target) or _said(wave, target, grounds)
    if said is not None:
        return said
    if wave.state is WaveState.HELD:
        return _held(wave, now)
    return _going(wave, target, asked, grounds, now)


def needs_grounds(wave: Wave, asked: Rebuilding) -> bool:
    """Whether going back may come into question, so that it has to be known what speaks against it."""
    if wave.is_over:
        return False
    said = wave.spoken is not None and wave.spoken.word is Word.RESTORE
    failed = asked.on_canary_failure is OnFailure.RESTORE and not wave.control_of and _failed(wave.canaries)
    return said or (failed and wave.state in {WaveState.PLANNED, WaveState.CANARIES})


def applied(wave: Wave, judged: Judged, now: datetime, before: TagSeen) -> Wave:
    """Return a wave as a judgement leaves it.

    Args:
        wave: as it was judged.
        judged: what is to be done.
        now: UTC.
        before: what its tag was just before, for those that are to be asked for.
    """
    if judged.move is Move.WAIT:
        return msgspec.structs.replace(wave, look_at=judged.until)
    if judged.move is Move.ASK:
        return msgspec.structs.replace(claimed(wave, judged.what, before), look_at=now)
    held = judged.to is WaveState.HELD
    look_at: datetime | None = now + HELD_FOR if held else now
    if judged.to in WAVE_ENDS:
        look_at = now + LEFT_LOOK if wave.in_flight else None
    # What a person said, and cannot be brought about, is said: the next word counts.
    fields: dict[str, Any] = {"held_until": now + HELD_FOR, "spoken": None} if held else {}
    return went(wave, judged.to, judged.reason, look_at=look_at, **fields)


def _after_its_end(wave: Wave, now: datetime) -> Judged:
    """What is left to run to its end is heard of, though nothing comes of it."""
    found = any(one.state is MemberState.WAITING for one in wave.members)
    if found and wave.state in {WaveState.DONE, WaveState.DONE_WITH_FAILURES}:
        return Judged(Move.ADVANCE, Reason.FOUND_LATER, WaveState.ROLLING)
    return Judged(Move.WAIT, wave.reason, wave.state, until=now + LEFT_LOOK if wave.in_flight else None)


def _restoring(wave: Wave, target: Target) -> Judged:
    """Whoever proposed may have died before or after the tag's record took it."""
    found = way_back.became(wave, target)
    if found is Taken.TAKEN:
        return Judged(Move.WENT_BACK, Reason.WENT_BACK, WaveState.RESTORED)
    if found is Taken.VOID:
        return Judged(Move.SUPERSEDE, Reason.MOVED_ON, WaveState.SUPERSEDED)
    if target.let_go is not None:  # a record that was let go takes no proposal
        return Judged(Move.SUPERSEDE, Reason.LET_GO, WaveState.SUPERSEDED)
    if (against := way_back.kept_from(wave, target)) is not None:
        return Judged(Move.HOLD, against, WaveState.HELD)
    return Judged(Move.RESTORE, wave.reason, WaveState.RESTORING, restore=way_back.again(wave))


def _overtaken(wave: Wave, target: Target) -> Judged | None:
    if target.let_go is not None:
        return Judged(Move.SUPERSEDE, Reason.LET_GO, WaveState.SUPERSEDED)
    if target.number != wave.number:
        return Judged(Move.SUPERSEDE, Reason.MOVED_ON, WaveState.SUPERSEDED)
    return None


def _said(wave: Wave, target: Target, grounds: Grounds) -> Judged | None:
    """What a person said; to continue is obeyed once, as afterwards it is not held any more."""
    if wave.spoken is None:
        return None
    word = wave.spoken.word
    if word is Word.CANCEL:
        return Judged(Move.CANCEL, Reason.TOLD_TO_CANCEL, WaveState.CANCELLED)
    if word is Word.CONTINUE:
        held = wave.state is WaveState.HELD
        return Judged(Move.ADVANCE, Reason.TOLD_TO_CONTINUE, WaveState.ROLLING) if held else None
    return _way(way_back.told(wave, target, grounds), Reason.TOLD_TO_RESTORE)


def _way(found: Restore | HoldBecause, reason: Reason) -> Judged:
    if isinstance(found, Restore):
        return Judged(Move.RESTORE, reason, WaveState.RESTORING, restore=found)
    return Judged(Move.HOLD, found.reason, WaveState.HELD)


def _held(wave: Wave, now: datetime) -> Judged:
    if wave.held_until is not None and now >= wave.held_until:
        return Judged(Move.CANCEL, Reason.NOBODY_SAID_ANYTHING, WaveState.CANCELLED)
    if wave.reason is Reason.NO_CANARY and wave.canaries:
        return Judged(Move.ADVANCE, Reason.CANARIES_GO, WaveState.CANARIES)
    return Judged(Move.WAIT, wave.reason, WaveState.HELD, until=wave.held_until)


def _going(wave: Wave, target: Target, asked: Rebuilding, grounds: Grounds, now: datetime) -> Judged:
    if wave.state is WaveState.ROLLING:
        return _rolling(wave, asked, now)
    if _failed(wave.canaries) and (judged := _of_failure(wave, target, asked, grounds, now)) is not None:
        return judged
    return _silent(wave) or _canaries(wave, now)


def _silent(wave: Wave) -> Judged | None:
    """Nobody who could speak is no word, and no word is never a pass."""
    if not wave.members:
        return Judged(Move.FINISH, Reason.NOBODY, WaveState.DONE)
    if not wave.canaries:
        return Judged(Move.HOLD, Reason.NO_CANARY, WaveState.HELD)
    if all(one.state in {MemberState.EXCLUDED, MemberState.VOID} for one in wave.canaries):
        return Judged(Move.HOLD, Reason.ALL_EXCLUDED, WaveState.HELD)
    return None


def _canaries(wave: Wave, now: datetime) -> Judged:
    canaries = wave.canaries
    if wave.state is WaveState.PLANNED:
        return Judged(Move.ADVANCE, Reason.CANARIES_GO, WaveState.CANARIES)
    if any(one.state not in MEMBER_ENDS for one in canaries):
        return _asked(wave, canaries, len(canaries), Reason.CANARIES_GO, now)
    if any(one.state is MemberState.UNDECIDED for one in canaries):
        return Judged(Move.HOLD, Reason.INCONCLUSIVE, WaveState.HELD)
    reason = Reason.FAILURE_PASSED_OVER if _failed(canaries) else Reason.CANARIES_PASSED
    return Judged(Move.ADVANCE, reason, WaveState.ROLLING)


def _of_failure(wave: Wave, target: Target, asked: Rebuilding, grounds: Grounds, now: datetime) -> Judged | None:
    """A failure needs no other canary's word; ``None`` if the wave goes on all the same."""
    if wave.control_of:
        return Judged(Move.HOLD, Reason.CONTROL_FAILED, WaveState.HELD)
    if asked.on_canary_failure is OnFailure.CONTINUE:
        return None
    if asked.on_canary_failure is OnFailure.HOLD:
        return Judged(Move.HOLD, Reason.CANARY_FAILED, WaveState.HELD)
    found = way_back.proposal(wave, target, grounds, now)
    awaited = grounds.scanned is Scanned.AWAITED and found == HoldBecause(Reason.NOT_SCANNED)
    if awaited:
        return Judged(Move.WAIT, wave.reason, wave.state, until=now + SCAN_LOOK)
    return _way(found, Reason.GOES_BACK)


def _rolling(wave: Wave, asked: Rebuilding, now: datetime) -> Judged:
    if any(one.state not in MEMBER_ENDS for one in wave.members):
        return _asked(wave, wave.members, asked.wave, Reason.OTHERS_GO, now)
    fine = all(one.state in ON_IT for one in wave.members)
    reason, to = (Reason.ALL_BUILT, WaveState.DONE) if fine else (Reason.SOME_NOT_BUILT, WaveState.DONE_WITH_FAILURES)
    return Judged(Move.FINISH, reason, to)


def _asked(wave: Wave, members: Sequence[Member], most: int, reason: Reason, now: datetime) -> Judged:
    """Ask for as many as there is room for; else wait for who ends first, or for the first time that comes."""
    room = most - len(wave.in_flight)
    ready = [one for one in members if is_ready(wave, one, now)][: max(room, 0)]
    if ready:
        return Judged(Move.ASK, reason, wave.state, what=tuple(one.target for one in ready))
    times = [one.retry_at for one in members if one.state is MemberState.WAITING and one.retry_at is not None]
    later = [one for one in times if one > now]
    rolling = wave.state is WaveState.ROLLING
    fallback = next_of(now, ROLLING_FALLBACK) if rolling else now + FALLBACK
    return Judged(Move.WAIT, reason, wave.state, until=min([fallback, *later]))


def is_ready(wave: Wave, member: Member, now: datetime) -> bool:
    """Whether a member waits for nothing but its turn: what it is built on was built, and its time has come."""
    if member.state is not MemberState.WAITING or (member.retry_at is not None and member.retry_at > now):
        return False
    bases = (wave.member(target) for target in member.after)
    return all(base is None or base.state in ON_IT for base in bases)


def _failed(members: Sequence[Member]) -> bool:
    return any(one.state is MemberState.FAILED for one in members)
