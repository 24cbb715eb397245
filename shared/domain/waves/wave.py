"""A wave: who is rebuilt because a tag was decided to move, in which order, and how far that has come.

One record for a decision of a target. Who is in it, who goes first and how they were before is written when it is
planned and stays so; what is to be done next follows from it (``judge``), so that whoever dies leaves what somebody
else goes on with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.middles import Middle
from shared.domain.promotion.rebuilds import BuilderKind
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.schedule import pause_before_retry
from shared.domain.promotion.target import target_id
from shared.domain.references import Digest, Tag
from shared.domain.waves.ids import parts_of_wave as parts_of_wave  # noqa: PLC0414
from shared.domain.waves.ids import wave_id as wave_id  # noqa: PLC0414
from shared.domain.waves.reasons import Reason
from shared.domain.waves.results import FAILURES_THAT_COUNT, Baseline, Result, Says, TagSeen, verdict
from shared.domain.waves.states import (
    IN_FLIGHT,
    MEMBER_ENDS,
    MEMBER_MOVES,
    ON_IT,
    WAVE_ENDS,
    WAVE_MOVES,
    MemberState,
    WaveState,
)

# So long a wave waits for a person; then it is over, and nobody is built on its digest by it.
HELD_FOR = timedelta(days=14)


class Word(Enum):
    """What a person says of a wave; the first word counts."""

    CONTINUE = "continue"  # the others are rebuilt, whatever the canaries said
    RESTORE = "restore"  # the tag goes back to the digest before
    CANCEL = "cancel"  # nobody else is rebuilt; the tag stays where it is


class Spoken(msgspec.Struct, frozen=True):
    """What was said of a wave, by whom, why and when."""

    word: Word
    said: Said


class OtherBase(msgspec.Struct, frozen=True):
    """Another base of a member, and what it was last built on of it."""

    repository: str
    tag: Tag
    digest: str


class Member(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something that is rebuilt in a wave.

    Attributes:
        target: the rebuild target's id, such as ``acr:contosoapps/shop``.
        registry, task: of an ACR task, as they are spelled there; of another build who is asked, by its name in the
            settings, and its place there.
        resource: a task's Azure resource id; empty for another build.
        kind: who builds.
        owner: whose it is; empty if nobody knows.
        canary: whether it goes first, and decides for the others.
        after: members that it is built on, directly or by others.
        baseline: how it was before; only canaries are asked.
        commit, definition, baseline_run: by what that is known.
        state: where it is.
        attempts: how many were begun.
        before: the base's tag just before the latest one was asked for.
        bases: its other bases in the base registry.
        middles: the images between, by which it is built on what moved; none if it names that itself.
        retry_at: not to be asked for before, UTC.
        results: what is known of its attempts, by their number.
        detail: why it is where it is, for people.
    """

    target: str
    registry: str = ""
    task: str = ""
    resource: str = ""
    kind: BuilderKind = BuilderKind.ACR_TASK
    owner: str = ""
    canary: bool = False
    after: tuple[str, ...] = ()
    baseline: Baseline = Baseline.UNKNOWN
    commit: str = ""
    definition: str = ""
    baseline_run: str = ""
    state: MemberState = MemberState.WAITING
    attempts: int = 0
    before: TagSeen | None = None
    bases: tuple[OtherBase, ...] = ()
    middles: tuple[Middle, ...] = ()
    retry_at: datetime | None = None
    results: tuple[Result, ...] = ()
    detail: str = ""


class Outside(msgspec.Struct, frozen=True):
    """Something that is built on the tag and takes it at once, whatever canaries say; and why."""

    target: str
    why: str


class Wave(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a wave; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        registry: the base registry's name, in small letters.
        repository: in the base registry.
        tag: the tag that moved.
        number: the decision's.
        digest: what it moved to.
        former: what those who are built on it were built on before; empty if nobody knows.
        why: why the target was decided so.
        planned_at: when, UTC.
        asked: what its entry asks for.
        members: who is rebuilt.
        outside: who takes the tag without it, or is not rebuilt at all.
        remarks: what people are to know of how it was planned.
        state: where it is.
        reason: why.
        detail: the same for people, where there is more to say.
        held_until: until when it waits for a person, UTC.
        look_at: when it is to be looked at again, UTC; ``None`` while nothing is to be done.
        step: counts the changes that decide what is next.
        spoken: what a person said of it.
        restored_by: the decision that took its digest back.
        control_of: the decision whose canaries failed, if it went back: then its own canaries say whose fault that was.
        traceparent: W3C trace context of the sighting that was decided for.
        image: name of the entry of the watch list; empty in records of earlier versions.
        notices: what people are to be told of it and nobody has put down yet; written with what it tells.
    """

    registry: str
    repository: str
    tag: Tag
    number: int
    digest: Digest
    former: Digest = Digest("")
    why: Why = Why.NEWEST
    planned_at: datetime
    asked: Rebuilding = Rebuilding()
    members: tuple[Member, ...] = ()
    outside: tuple[Outside, ...] = ()
    remarks: tuple[str, ...] = ()
    state: WaveState = WaveState.PLANNED
    reason: Reason = Reason.PLANNED
    detail: str = ""
    held_until: datetime | None = None
    look_at: datetime | None = None
    step: int = 1
    spoken: Spoken | None = None
    restored_by: int = 0
    control_of: int = 0
    traceparent: str = ""
    image: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def id(self) -> str:
        """The wave's id; see ``wave_id``."""
        return wave_id(self.target, self.number)

    @property
    def target(self) -> str:
        """The id of the target whose decision it follows."""
        return target_id(self.registry, self.repository, self.tag)

    @property
    def place(self) -> str:
        """The tag that moved, for people."""
        return f"{self.repository}:{self.tag}"

    @property
    def is_over(self) -> bool:
        """Whether nothing is done about it any more."""
        return self.state in WAVE_ENDS

    @property
    def canaries(self) -> tuple[Member, ...]:
        """Who goes first."""
        return tuple(one for one in self.members if one.canary)

    @property
    def in_flight(self) -> tuple[Member, ...]:
        """Whose runs are under way, or about to be."""
        return tuple(one for one in self.members if one.state in IN_FLIGHT)

    @property
    def unproven(self) -> bool:
        """Whether its canaries failed, and of none of those that did it is known that it was good before."""
        failed = [one for one in self.canaries if one.state is MemberState.FAILED]
        return bool(failed) and all(one.baseline is not Baseline.GOOD for one in failed)

    def member(self, target: str) -> Member | None:
        """Return the member of an id, or ``None``."""
        return next((one for one in self.members if one.target == target), None)


# Waves are decoded by several modules, that may be imported by several threads: docs/decisions/0016.
_WAVES = msgspec.json.Decoder(Wave)


def went(wave: Wave, state: WaveState, reason: Reason, **fields: Any) -> Wave:
    """Return a wave in another state.

    Raises:
        ValueError: the table has no such move.
    """
    if state is not wave.state and state not in WAVE_MOVES[wave.state]:
        raise ValueError(f"{wave.id} cannot go from {wave.state.value} to {state.value}")
    changes: dict[str, Any] = {"state": state, "reason": reason, "step": wave.step + 1, "held_until": None, **fields}
    if state in WAVE_ENDS:
        wave = _voided(wave)
    elif state is WaveState.ROLLING:
        wave = _among_the_others(wave)
    return msgspec.structs.replace(wave, **changes)


def _among_the_others(wave: Wave) -> Wave:
    """Who was failing before could say nothing of the new digest, which may be what mends it: now it is rebuilt."""
    for one in wave.members:
        failing = one.state is MemberState.EXCLUDED and one.baseline is Baseline.FAILING
        if not one.attempts and (failing or one.state is MemberState.VOID):
            wave = moved(wave, one.target, MemberState.WAITING, detail=one.detail if failing else "")
    return base_failed(wave, *(one.target for one in wave.members if one.state in MEMBER_ENDS - ON_IT))


def moved(wave: Wave, target: str, state: MemberState, **fields: Any) -> Wave:
    """Return a wave with a member in another state; what the table does not have is left as it is."""
    member = wave.member(target)
    if member is None or (state is not member.state and state not in MEMBER_MOVES[member.state]):
        return wave
    return _with(wave, msgspec.structs.replace(member, state=state, **fields))


def claimed(wave: Wave, targets: Iterable[str], before: TagSeen) -> Wave:
    """Return a wave whose members are to be asked for: written before anybody asks."""
    for target in targets:
        member = wave.member(target)
        if member is not None and member.state is MemberState.WAITING:
            attempt = member.attempts + 1
            wave = moved(wave, target, MemberState.CLAIMED, attempts=attempt, before=before, retry_at=None, detail="")
    return msgspec.structs.replace(wave, step=wave.step + 1)


def learned(wave: Wave, result: Result, now: datetime) -> Wave:
    """Return a wave that knows of a result; the same in whatever order, and however often, results come.

    A late result of a wave that is over is kept, and changes nothing else.
    """
    member = wave.member(result.target)
    known = {one.key for one in member.results} if member is not None else set()
    if member is None or result.number != wave.number or result.key in known or result.ended.attempt > member.attempts:
        return wave
    results = tuple(sorted((*member.results, result), key=lambda one: one.ended.attempt))
    told = msgspec.structs.replace(member, results=results)
    wave = msgspec.structs.replace(_with(wave, told), step=wave.step + 1)
    return _concluded(wave, told, now) if told.state not in MEMBER_ENDS else wave


def _concluded(wave: Wave, member: Member, now: datetime) -> Wave:
    """What is not decided yet is asked for once more, unless its wave is over."""
    failures = FAILURES_THAT_COUNT if member.canary else 1
    said = verdict(member.results, wave.digest, failures)
    if said is Says.BUILT:
        covered = any(one.ended.covered for one in member.results if one.says(wave.digest) is Says.BUILT)
        return moved(wave, member.target, MemberState.COVERED if covered else MemberState.BUILT, detail="")
    if said is not None:
        state = MemberState.FAILED if said is Says.FAILED else MemberState.UNDECIDED
        return base_failed(moved(wave, member.target, state), member.target)
    if len(member.results) < member.attempts:
        return wave
    if wave.is_over:
        return moved(wave, member.target, MemberState.VOID)
    return moved(wave, member.target, MemberState.WAITING, retry_at=now + pause_before_retry(len(member.results)))


def base_failed(wave: Wave, *targets: str) -> Wave:
    """Return a wave in which whoever is built on members that were not built is not asked for; chains may be long."""
    built: defaultdict[str, list[str]] = defaultdict(list)
    for one in wave.members:
        for base in one.after if one.state is MemberState.WAITING else ():
            built[base].append(one.target)
    cut, left = dict[str, str](), [*targets]
    while left:
        base = left.pop()
        found = [one for one in built[base] if one not in cut]
        cut.update(dict.fromkeys(found, base))
        left.extend(found)
    members = tuple(_cut_off(one, cut[one.target]) if one.target in cut else one for one in wave.members)
    return msgspec.structs.replace(wave, members=members) if cut else wave


def _cut_off(member: Member, base: str) -> Member:
    return msgspec.structs.replace(member, state=MemberState.VOID, detail=f"its base failed: {base}")


def excluded(wave: Wave, target: str, why: str) -> Wave:
    """Return a wave in which a member cannot speak, and why."""
    wave = base_failed(moved(wave, target, MemberState.EXCLUDED, detail=why), target)
    return msgspec.structs.replace(wave, step=wave.step + 1)


def with_middles(wave: Wave, target: str, middles: tuple[Middle, ...]) -> Wave:
    """Return a wave that knows what the images between were when a member was built on them."""
    member = wave.member(target)
    return wave if member is None else _with(wave, msgspec.structs.replace(member, middles=middles))


def _voided(wave: Wave) -> Wave:
    for one in wave.members:
        if one.state is MemberState.WAITING:
            wave = moved(wave, one.target, MemberState.VOID, detail=one.detail or "its wave is over")
    return wave


def _with(wave: Wave, member: Member) -> Wave:
    members = tuple(member if one.target == member.target else one for one in wave.members)
    return msgspec.structs.replace(wave, members=members)
