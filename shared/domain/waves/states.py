"""The states of waves and of their members, and what may become of each: one table, drawn in the documentation."""

from __future__ import annotations

from enum import Enum


class WaveState(Enum):
    """Where a wave is."""

    PLANNED = "planned"  # who is in it, who goes first, and how they were before is written down
    CANARIES = "canaries"  # those that go first are rebuilt; the others wait for their word
    ROLLING = "rolling"  # the canaries passed; the others are rebuilt, some at once
    DONE = "done"  # everybody was built on it; the end
    DONE_WITH_FAILURES = "done-with-failures"  # nothing is left to do, and somebody was not built on it; the end
    HELD = "held"  # it waits for a person, for a reason that has a name, until a time
    RESTORING = "restoring"  # the tag is to go back to the digest before
    RESTORED = "restored"  # it has; the end
    SUPERSEDED = "superseded"  # its tag was decided on anew, which has a wave of its own; the end
    CANCELLED = "cancelled"  # a person said so, or nobody said anything for too long; the end


WAVE_ENDS = frozenset(
    {WaveState.DONE, WaveState.DONE_WITH_FAILURES, WaveState.RESTORED, WaveState.SUPERSEDED, WaveState.CANCELLED}
)
_OUT = frozenset({WaveState.SUPERSEDED, WaveState.CANCELLED})

# What may become of a wave; what is not in it cannot happen.
WAVE_MOVES: dict[WaveState, frozenset[WaveState]] = {
    WaveState.PLANNED: _OUT | {WaveState.CANARIES, WaveState.HELD, WaveState.RESTORING, WaveState.DONE},
    WaveState.CANARIES: _OUT | {WaveState.ROLLING, WaveState.HELD, WaveState.RESTORING},
    # Held where a person says to go back, and that cannot be.
    WaveState.ROLLING: _OUT | {WaveState.DONE, WaveState.DONE_WITH_FAILURES, WaveState.RESTORING, WaveState.HELD},
    WaveState.HELD: _OUT | {WaveState.CANARIES, WaveState.ROLLING, WaveState.RESTORING},
    WaveState.RESTORING: _OUT | {WaveState.RESTORED, WaveState.HELD},
    # A task that is found later is rebuilt as well.
    WaveState.DONE: frozenset({WaveState.ROLLING}),
    WaveState.DONE_WITH_FAILURES: frozenset({WaveState.ROLLING}),
    WaveState.RESTORED: frozenset(),
    WaveState.SUPERSEDED: frozenset(),
    WaveState.CANCELLED: frozenset(),
}


class MemberState(Enum):
    """Where a member of a wave is."""

    WAITING = "waiting"  # for the canaries, for its turn, or for what it is built on
    CLAIMED = "claimed"  # it is to be rebuilt from now on; nobody has asked for it yet, as far as is known
    ASKED = "asked"  # its run was asked for without a clear answer, and is only looked for
    RUNNING = "running"  # its run is under way
    BUILT = "built"  # it was built on the wave's digest
    FAILED = "failed"  # its build failed on the wave's digest
    UNDECIDED = "undecided"  # no run of it said anything about the wave's digest
    COVERED = "covered"  # another run built it on the wave's digest
    EXCLUDED = "excluded"  # it cannot go first, as it was failing before; or it may not be run
    VOID = "void"  # it is not rebuilt in this wave any more: what it is built on failed, or the wave is over


IN_FLIGHT = frozenset({MemberState.CLAIMED, MemberState.ASKED, MemberState.RUNNING})
ON_IT = frozenset({MemberState.BUILT, MemberState.COVERED})
SPOKEN = ON_IT | {MemberState.FAILED, MemberState.UNDECIDED}
MEMBER_ENDS = SPOKEN | {MemberState.EXCLUDED, MemberState.VOID}

_LEARNED = MEMBER_ENDS | {MemberState.WAITING}
MEMBER_MOVES: dict[MemberState, frozenset[MemberState]] = {
    MemberState.WAITING: frozenset({MemberState.CLAIMED, MemberState.COVERED, MemberState.EXCLUDED, MemberState.VOID}),
    MemberState.CLAIMED: _LEARNED | {MemberState.ASKED, MemberState.RUNNING},
    MemberState.ASKED: _LEARNED | {MemberState.RUNNING},
    MemberState.RUNNING: _LEARNED | {MemberState.CLAIMED},
    **{state: frozenset() for state in SPOKEN},
    # Once the others are rebuilt, so is who could not go first.
    MemberState.EXCLUDED: frozenset({MemberState.WAITING}),
    MemberState.VOID: frozenset({MemberState.WAITING}),
}
