"""The rebuilds of a wave's members: asked for as the wave's record says, each once, and heard of when they end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from shared.domain.promotion.rebuilds import (
    WITHOUT_RIGHT,
    EndKind,
    Rebuild,
    RebuildStatus,
    registry_prefix,
)
from shared.domain.promotion.target import Target
from shared.domain.waves.results import MOST_UNDECIDED, Ended, Result, TagSeen, result_of
from shared.domain.waves.states import MemberState
from shared.domain.waves.wave import Member, Wave, excluded, learned, moved, with_middles
from shared.ports import Registry
from shared.rules.progress import Progress
from shared.rules.targets import TargetBook

_UNDER_WAY = {
    RebuildStatus.WANTED: MemberState.CLAIMED,
    RebuildStatus.LEFT_TO_ACR: MemberState.RUNNING,
    RebuildStatus.ASKED: MemberState.ASKED,
    RebuildStatus.ACCEPTED: MemberState.RUNNING,
    RebuildStatus.RUNNING: MemberState.RUNNING,
}
_BUILT = frozenset({RebuildStatus.SUCCEEDED, RebuildStatus.UP_TO_DATE})


class WaveRebuilds:
    """Asks for rebuilds of members, and hears of them.

    Args:
        progress: where rebuilds are.
        targets: tells what other bases were decided to be.
        base: the base registry, to see what a tag bears.
    """

    def __init__(self, progress: Progress[Rebuild], targets: TargetBook, base: Registry) -> None:
        self._progress = progress
        self._targets = targets
        self._base = base

    def heard(self, wave: Wave, target: Target | None, new: Collection[str] = ()) -> Wave:
        """Return a wave that knows what became of those that were asked for; who was claimed and not asked for is.

        Args:
            wave: as its record says.
            target: its tag's record; ``None`` if there is none.
            new: the members that were claimed a moment ago, so that the archive has nothing of them.

        Raises:
            ServiceError: the storage account, or the base registry, did not answer.
        """
        known = self._current(wave)
        for member in wave.in_flight:
            rebuild = self._rebuild(wave, member)
            found = known.get(rebuild.id) or self._asked(rebuild, absent=member.target in new)
            wave = self._told(wave, member, found, target)
        return wave

    def tag_seen(self, wave: Wave, target: Target | None) -> TagSeen:
        """Return what a wave's tag is now: its digest as the registry says, and the decision in force.

        Raises:
            ServiceError: the registry did not answer.
        """
        found = self._base.digest(wave.repository, wave.tag) or ""
        repaired = max(target.repairs, default=None) if target is not None else None
        return TagSeen(found, target.number if target is not None else 0, repaired)

    def _current(self, wave: Wave) -> Mapping[str, Rebuild]:
        """One query for each registry and dispatcher, whoever of it was asked for."""
        found: dict[str, Rebuild] = {}
        for prefix in sorted({registry_prefix(self._rebuild(wave, member)) for member in wave.in_flight}):
            found |= {one.record.id: one.record for one in self._progress.records.current(prefix)}
        return found

    def _asked(self, rebuild: Rebuild, *, absent: bool) -> Rebuild:
        """Whoever claimed a member may have died before asking; one that ended long ago is in the archive."""
        if self._progress.insert(rebuild, absent=absent):
            self._progress.wake(rebuild)
            return rebuild
        stored = self._progress.records.get(rebuild.id)
        return stored.record if stored is not None else rebuild

    def _rebuild(self, wave: Wave, member: Member) -> Rebuild:
        now = self._progress.clock()
        return Rebuild(
            registry=member.registry,
            task=member.task,
            task_id=member.resource,
            kind=member.kind,
            base_repository=wave.repository,
            base_tag=wave.tag,
            base_digest=wave.digest,
            base_registry=wave.registry,
            decision=wave.number,
            generation=0,
            look_at=now,
            since=now,
            traceparent=wave.traceparent,
            wave=wave.id,
            attempt=member.attempts,
            canary=member.canary,
            anew=member.canary and bool(wave.control_of),
            turn=wave.planned_at,
            middles=member.middles,
        )

    def _told(self, wave: Wave, member: Member, rebuild: Rebuild, target: Target | None) -> Wave:
        under_way = _UNDER_WAY.get(rebuild.status)
        if under_way is not None:
            return moved(wave, member.target, under_way) if member.state is not under_way else wave
        if rebuild.status is RebuildStatus.WITHDRAWN:
            return moved(wave, member.target, MemberState.VOID, detail=rebuild.detail)
        if rebuild.status in WITHOUT_RIGHT:
            return excluded(wave, member.target, rebuild.detail)
        told = learned(wave, self._result(wave, member, rebuild, target), self._progress.clock())
        return with_middles(told, member.target, rebuild.middles)

    def _result(self, wave: Wave, member: Member, rebuild: Rebuild, target: Target | None) -> Result:
        """Only where the registry says nothing of the run has the tag to be read."""
        passed = rebuild.status in _BUILT
        reported = _reported(wave, member, rebuild)
        after = TagSeen() if passed and reported else self.tag_seen(wave, target)
        by_build = passed or rebuild.ended_by is EndKind.BUILD
        ended = Ended(
            attempt=max(member.attempts, 1),
            passed=passed,
            kind=EndKind.BUILD if by_build else EndKind.PLATFORM,
            reported=reported,
            run=rebuild.run_id,
            asked_at=rebuild.asked_at,
            ended_at=self._progress.clock(),
            log=_log_of(rebuild) if not passed else "",
            runs=_runs(rebuild),
            moved_too=() if passed else tuple(self._moved_too(member)),
            covered=rebuild.status is RebuildStatus.UP_TO_DATE,
            told=rebuild.told,
            between=bool(member.after),
            link=rebuild.link,
        )
        return result_of(member.target, wave.digest, wave.number, ended, member.before or TagSeen(), after)

    def _moved_too(self, member: Member) -> Iterator[str]:
        for base in member.bases if member.canary else ():
            other = self._targets.of(base.repository, base.tag)
            if other is not None and other.seen and other.seen != base.digest:
                yield f"{base.repository}:{base.tag}"


def _log_of(rebuild: Rebuild) -> str:
    """Of what runs elsewhere no log is ours."""
    return f"rebuild-{rebuild.runs}.log" if rebuild.run_id and rebuild.is_of_acr else ""


def _runs(rebuild: Rebuild) -> int:
    """Elsewhere it was asked for as often as may be: what was accepted may still build, and is not asked for anew."""
    return MOST_UNDECIDED if rebuild.status is RebuildStatus.UNDECIDED else max(rebuild.runs, 1)


def _reported(wave: Wave, member: Member, rebuild: Rebuild) -> str:
    """What is said of the run itself: by the registry, or by whoever builds, who knows no image between from a base."""
    if rebuild.is_of_acr:
        return wave.digest if rebuild.status is RebuildStatus.UP_TO_DATE else rebuild.reported
    return "" if member.after else rebuild.built_on
