"""A wave as it is shown: what a record keeps for itself alone is left out."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.rebuilds import EndKind
from shared.domain.promotion.said import Said, Why
from shared.domain.references import Digest, Tag
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import Baseline, HowKnown, Result, Says
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.telling import held_because, log_of
from shared.domain.waves.wave import Member, Outside, Wave, Word
from shared.web.parts import Part, shown_as


class SaidOfWave(msgspec.Struct, frozen=True):
    """What a person said of a wave, who, why and when."""

    word: Word
    said: Said


class KeptLog(msgspec.Struct, frozen=True):
    """A log that is kept: asked for by ``GET /api/rebuilds/{rebuild}/evidence/{evidence}``."""

    rebuild: str
    evidence: str


class ShownResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one attempt of a member.

    Attributes:
        attempt: which, from 1.
        says: what it says about the wave's digest.
        passed: whether its run succeeded.
        kind: who decided its end: the build itself, or the platform that it ran on.
        built_on: the base digest that it was built on; absent if nobody knows.
        how: how that is known.
        run: its id where it ran.
        asked_at, ended_at: when it was asked for, and when its end was seen, UTC.
        runs: how often it was run to come to this.
        moved_too: other bases that had moved, so that a failure names none of them.
        covered: whether another run than the wave's own built it.
        log: the log that is kept of it; none of what is built elsewhere.
        link: the page of its run, where whoever builds elsewhere gave one.
    """

    attempt: int
    says: Says
    passed: bool
    kind: EndKind
    built_on: str = ""
    how: HowKnown
    run: str = ""
    asked_at: datetime | None = None
    ended_at: datetime | None = None
    runs: int = 1
    moved_too: tuple[str, ...] = ()
    covered: bool = False
    log: KeptLog | None = None
    link: str = ""


class ShownMember(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that is rebuilt in a wave.

    Attributes:
        target: the rebuild target's id, such as ``acr:contosoapps/shop``.
        state: where it is.
        canary: whether it goes first, and decides for the others.
        owner: whose it is; absent if nobody knows.
        after: members that it is built on.
        baseline: how it was before its base moved; only canaries are asked.
        baseline_run: the run by which that is known.
        attempts: how many were begun.
        retry_at: not to be asked for before, UTC.
        results: what is known of its attempts.
        detail: why it is where it is, for people.
    """

    target: str
    state: MemberState
    canary: bool
    owner: str = ""
    after: tuple[str, ...] = ()
    baseline: Baseline
    baseline_run: str = ""
    attempts: int
    retry_at: datetime | None = None
    results: tuple[ShownResult, ...] = ()
    detail: str = ""


class WaveLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A wave without its members.

    Attributes:
        id: the wave's: its target's id and the number of the decision.
        target: the id of the target that was decided.
        repository: in the base registry.
        tag: the tag that moved.
        number: of the decision.
        digest: what the tag moved to.
        former: what its members were built on before; absent if nobody knows.
        image: the name of the entry of the watch list.
        why: why the target was decided so.
        planned_at: when, UTC.
        state: where it is.
        reason: why, by name.
        because: why it is on hold, in a sentence.
        detail: more, for people.
        held_until: until when it waits for a person, UTC.
        look_at: when it is looked at next, UTC.
        spoken: what a person said of it; the first word counts.
        restored_by: the decision by which its tag went back.
        control_of: the decision whose canaries failed, for which this one is the control.
        members: how many members are in each state.
        canaries: how many of them go first.
    """

    id: str
    target: str
    repository: str
    tag: Tag
    number: int
    digest: Digest
    former: str = ""
    image: str = ""
    why: Why
    planned_at: datetime
    state: WaveState
    reason: Reason
    because: str = ""
    detail: str = ""
    held_until: datetime | None = None
    look_at: datetime | None = None
    spoken: SaidOfWave | None = None
    restored_by: int = 0
    control_of: int = 0
    members: dict[MemberState, int]
    canaries: int


class WavesPart(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Some waves, by repository, tag and number."""

    waves: tuple[WaveLine, ...]


class ShownWave(msgspec.Struct, frozen=True, kw_only=True):
    """A wave with its members.

    Attributes:
        wave: what is known of it as a whole.
        asked: what its entry asked for when it was planned.
        members: who is rebuilt in it, those who go first before the others.
        outside: who takes the tag without it, and why.
        remarks: what is to be known of how it was planned: cycles, and who goes first as a canary is built on it.
    """

    wave: WaveLine
    asked: Rebuilding
    members: tuple[ShownMember, ...]
    outside: tuple[Outside, ...]
    remarks: tuple[str, ...]


def shown_wave(wave: Wave) -> ShownWave:
    """Return a wave as it is shown."""
    members = sorted(wave.members, key=lambda one: not one.canary)
    shown = tuple(_member(wave, one) for one in members)
    line, apart, told = line_of(wave), wave.outside, wave.remarks
    return ShownWave(wave=line, asked=wave.asked, members=shown, outside=apart, remarks=told)


def line_of(wave: Wave) -> WaveLine:
    """Return a wave as it is shown in a list."""
    states = [one.state for one in wave.members]
    spoken = SaidOfWave(wave.spoken.word, wave.spoken.said) if wave.spoken is not None else None
    return shown_as(
        WaveLine,
        wave,
        id=wave.id,
        target=wave.target,
        because=held_because(wave),
        spoken=spoken,
        members={state: states.count(state) for state in MemberState if state in states},
        canaries=len(wave.canaries),
    )


def _member(wave: Wave, member: Member) -> ShownMember:
    return shown_as(ShownMember, member, results=tuple(_result(wave, member, one) for one in member.results))


def _result(wave: Wave, member: Member, result: Result) -> ShownResult:
    kept = log_of(wave, member, result)
    log = KeptLog(kept.rebuild, kept.name) if kept is not None else None
    return shown_as(
        ShownResult, result.ended, says=result.says(wave.digest), built_on=result.built_on, how=result.how, log=log
    )
