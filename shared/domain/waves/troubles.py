"""What is wrong about waves: one that waits for a person, and tasks that fail since their base moved. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from shared.domain.promotion.rebuilds import BuilderKind, Rebuild, RebuildStatus
from shared.domain.promotion.target import Target
from shared.domain.watching.troubles import Kind, Trouble, about_build, about_task, about_wave
from shared.domain.waves.results import Baseline, Says
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.telling import about, held_because, run_of
from shared.domain.waves.wave import HELD_FOR, Member, Wave

# Of these nobody is built on what is wanted, and nothing more is done for it.
_LEFT = frozenset({MemberState.UNDECIDED, MemberState.EXCLUDED})
_WITHOUT_EFFECT = frozenset({RebuildStatus.FAILED, RebuildStatus.UNDECIDED})


class NotBuilt(msgspec.Struct, frozen=True):
    """A rebuild of a build elsewhere that no wave sees to, and the tag whose decision called for it."""

    target: Target
    rebuild: Rebuild


def held_trouble(wave: Wave, target: Target | None) -> Trouble | None:
    """Return that a wave waits for a person; ``None`` if it does not, or its tag was decided on anew.

    Args:
        wave: it.
        target: its tag's record; ``None`` if there is none any more.
    """
    if wave.state is not WaveState.HELD or target is None or target.number != wave.number:
        return None
    until = f" until {wave.held_until:%Y-%m-%d %H:%M} UTC, and is over then" if wave.held_until is not None else ""
    detail = f"{about(wave)} waits for a person{until}: {held_because(wave)}; its others have the digest before"
    return Trouble(
        kind=Kind.WAVE_WAITS,
        about=about_wave(wave.id),
        detail=detail,
        images=(target.origin.image,),
        since=wave.held_until - HELD_FOR if wave.held_until is not None else wave.planned_at,
    )


def member_troubles(found: Iterable[tuple[Wave, Member]]) -> tuple[Trouble, ...]:
    """Return a trouble for each task that a wave did not build, and that nothing more will.

    Args:
        found: tasks that are not built on what is wanted, each with the wave of that decision.
    """
    wrong: dict[tuple[Kind, str], list[tuple[Wave, Member]]] = defaultdict(list)
    for wave, member in found:
        kind = _kind(member)
        if kind is not None:
            wrong[kind, _about(member)].append((wave, member))
    return tuple(_trouble(kind, task, each) for (kind, task), each in wrong.items())


def dispatch_troubles(found: Iterable[NotBuilt]) -> tuple[Trouble, ...]:
    """Return a trouble for each build elsewhere that was asked for, and that no rebuild will build.

    Args:
        found: rebuilds of the decisions in force.
    """
    wrong: dict[str, list[NotBuilt]] = defaultdict(list)
    for one in found:
        if one.rebuild.status in _WITHOUT_EFFECT:
            wrong[about_build(one.rebuild.target)].append(one)
    return tuple(_dispatch_trouble(build, each) for build, each in wrong.items())


def _dispatch_trouble(build: str, each: list[NotBuilt]) -> Trouble:
    return Trouble(
        kind=Kind.NOT_REBUILT,
        about=build,
        detail="; ".join(sorted(_told_alone(one.target, one.rebuild) for one in each)),
        images=tuple(sorted({one.target.origin.image for one in each})),
        since=min(one.rebuild.look_at for one in each),
    )


def _told_alone(target: Target, rebuild: Rebuild) -> str:
    what = f"{rebuild.target} is not known to be built on {target.wanted}, which {target.place} is"
    page = f", {rebuild.link}" if rebuild.link else ""
    return f"{what}: its rebuild is {rebuild.status.value}: {rebuild.detail} (rebuild {rebuild.id}{page})"


def _about(member: Member) -> str:
    of_acr = member.kind is BuilderKind.ACR_TASK
    return about_task(member.registry, member.task) if of_acr else about_build(member.target)


def _kind(member: Member) -> Kind | None:
    """What was failing before does not do so since its base moved."""
    if member.state is MemberState.FAILED and member.baseline is not Baseline.FAILING:
        return Kind.TASK_FAILS
    return Kind.NOT_REBUILT if member.state in _LEFT | {MemberState.FAILED} else None


def _trouble(kind: Kind, task: str, each: list[tuple[Wave, Member]]) -> Trouble:
    moments = [one.ended.ended_at for _, member in each for one in member.results if one.ended.ended_at is not None]
    return Trouble(
        kind=kind,
        about=task,
        detail="; ".join(sorted(_told(wave, member) for wave, member in each)),
        images=tuple(sorted({wave.image for wave, _ in each if wave.image})),
        since=min(moments, default=min(wave.planned_at for wave, _ in each)),
    )


def _told(wave: Wave, member: Member) -> str:
    owner = f" of {member.owner}" if member.owner else ""
    task = f"{member.registry}/{member.task}" if member.kind is BuilderKind.ACR_TASK else member.target
    what = f"{task}{owner} is not built on {wave.digest}, which {wave.place} is"
    before = ", as before" if member.state is MemberState.FAILED and member.baseline is Baseline.FAILING else ""
    return f"{what}: it is {member.state.value} in its wave{before}{_because(wave, member)} (wave {wave.id})"


def _because(wave: Wave, member: Member) -> str:
    said = member.detail or ", ".join(_runs(wave, member))
    return f": {said}" if said else ""


def _runs(wave: Wave, member: Member) -> Iterator[str]:
    for one in member.results:
        if one.says(wave.digest) is not Says.BUILT and run_of(one):
            yield f"run {run_of(one)} ended by the {one.ended.kind.value}"
