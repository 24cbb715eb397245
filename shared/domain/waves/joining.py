"""Whoever is found to be built on a tag after its wave was planned joins it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.domain.waves.reasons import Reason
from shared.domain.waves.states import MEMBER_ENDS, ON_IT, WAVE_ENDS, MemberState, WaveState
from shared.domain.waves.wave import Member, Wave, base_failed


def joined(wave: Wave, found: Iterable[Member]) -> Wave:
    """Return a wave with members that were found after it was planned; who goes first was settled then.

    Only where nobody could go first, whoever the entry names still may.
    """
    live = wave.state in {WaveState.PLANNED, WaveState.CANARIES} or wave.reason is Reason.NO_CANARY
    known, named = {one.target for one in wave.members}, tuple(found)
    new = [one for one in named if one.target not in known]
    if not new or wave.state in WAVE_ENDS - {WaveState.DONE, WaveState.DONE_WITH_FAILURES}:
        return wave
    first = {one.target for one in named if one.canary} if live and not wave.canaries else set[str]()
    before = (_first_as_well(one) if one.target in first else one for one in wave.members)
    late = (one if one.target in first else msgspec.structs.replace(one, canary=False) for one in new)
    more = msgspec.structs.replace(wave, members=(*before, *late), step=wave.step + 1)
    return base_failed(more, *(one.target for one in more.members if one.state in MEMBER_ENDS - ON_IT))


def _first_as_well(member: Member) -> Member:
    """Whoever a canary is built on goes first with it, also where it was known before."""
    waits = member.state is MemberState.WAITING
    return msgspec.structs.replace(member, canary=True, retry_at=None) if waits else member
