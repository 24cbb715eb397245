"""Plans the wave of a decision: who is in it, who goes first, and how they were before. Written once, and then kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.actions import borne
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, depends_on
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.domain.waves.results import Baseline, LastRun, baseline_of
from shared.domain.waves.states import ON_IT
from shared.domain.waves.wave import Member, OtherBase, Outside, Wave, acr_target, excluded, joined, wave_id
from shared.errors import ServiceError
from shared.rules.wave_book import WaveBook
from shared.wave_ports import LastRuns

log = logging.getLogger("tidegate.waves")

OWN_TRIGGER = "its own base image trigger is on, so that ACR rebuilds it at once"
DISABLED = "it is disabled"
FAILING = "it was failing before its base moved"
# How many more than are asked for are looked at to find canaries that were not failing before.
_SPARE = 5


class WavePlanner:
    """Plans waves.

    Args:
        book: where they are.
        last_runs: tells how tasks were before.
        base_login_server: as application tasks name the base registry.
    """

    def __init__(
        self,
        book: WaveBook,
        last_runs: LastRuns,
        base_login_server: str,
    ) -> None:
        self.book = book
        self._last_runs = last_runs
        self._login_server = base_login_server

    def plan(self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask]) -> tuple[ApplicationTask, ...]:
        """Plan the wave of a target's decision, or let tasks that were found later join it.

        Args:
            target: it.
            asked: what its entry asks for.
            tasks: that are built on it.

        Returns:
            The tasks that take the tag without a wave.

        Raises:
            ServiceError: the storage account did not answer; planning again makes no second wave.
        """
        found = self.book.waves.get(wave_id(target.id, target.number))
        failed = _failed_before(target)
        outside = tuple(one for one in tasks if self._why_outside(one, target, asked, failed))
        inside = [one for one in tasks if one not in outside and self._is_behind(one, target, failed)]
        if found is not None:
            self._join(found.record.id, [self._member(one, target, asked) for one in inside])
        elif inside:
            self._begin(self._new(target, asked, inside, outside))
        return outside

    def knows(self, target: Target, task: ApplicationTask) -> bool:
        """Whether a wave sees to a task, or has come to an end that leaves it as it is.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self.book.waves.get(wave_id(target.id, target.number))
        return found is not None and found.record.member(acr_target(task.registry, task.name)) is not None

    def _join(self, wave: str, members: Sequence[Member]) -> None:
        now = self.book.clock()

        def join(known: Wave | None) -> Wave | None:
            after = joined(known, members) if known is not None else None
            return msgspec.structs.replace(after, look_at=now) if after is not None and after != known else known

        done = self.book.change(wave, join)
        if done is not None:
            self.book.wake(done.record)

    def _begin(self, wave: Wave) -> None:
        """Two searches at once plan one wave: the second one finds it, and joins it."""
        planned = self.book.change(wave.id, lambda known: known or wave, absent=True)
        if planned is not None and planned.record.planned_at != wave.planned_at:
            self._join(wave.id, wave.members)
        elif planned is not None:
            self.book.wake(planned.record)

    def _new(
        self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask], outside: Sequence[ApplicationTask]
    ) -> Wave:
        now, before = self.book.clock(), self._before(target)
        failed = _failed_before(target)
        control = next((one.number for one in target.canaried if one.restored == target.number), 0)
        wave = Wave(
            registry=target.registry,
            repository=target.repository,
            tag=target.tag,
            number=target.number,
            digest=target.wanted,
            former=_former(target, before),
            why=target.why,
            planned_at=now,
            asked=asked,
            outside=tuple(self._outside(outside, target, asked, failed)),
            look_at=now,
            control_of=control,
            traceparent=target.traceparent,
        )
        members = [self._member(one, target, asked) for one in sorted(tasks, key=lambda one: (one.registry, one.name))]
        wave = msgspec.structs.replace(wave, members=tuple(members))
        if set(failed) & {one.target for one in members}:
            return _with_canaries(wave, failed)
        return self._chosen(wave, {acr_target(one.registry, one.name): one for one in tasks})

    def _chosen(self, wave: Wave, tasks: dict[str, ApplicationTask]) -> Wave:
        """Who goes first; where a number is asked for, those that were failing before are none of them."""
        asked, good = wave.asked, 0
        named = [one.target for one in wave.members if asked.names(one.target, one.owner)]
        most = len(named) if not isinstance(asked.canary, int) else asked.canary
        offered = named if not isinstance(asked.canary, int) else [one.target for one in wave.members if not one.after]
        for target in offered[: most + _SPARE]:
            if good >= most:
                break
            last = self._last(tasks[target], wave)
            baseline = baseline_of(last, wave.former)
            wave = _as_canary(wave, target, baseline, last)
            good += baseline is not Baseline.FAILING
        return wave

    def _last(self, task: ApplicationTask, wave: Wave) -> LastRun | None:
        """What cannot be read is not known, and waits for nobody: it is judged as such."""
        try:
            return self._last_runs.last(task.registry, task.name)
        except ServiceError as error:
            log.warning("how %s/%s was before %s is not known: %s", task.registry, task.name, wave.id, error)
            return None

    def _before(self, target: Target) -> Wave | None:
        found = self.book.waves.get(wave_id(target.id, target.number - 1)) if target.number > 1 else None
        return found.record if found is not None else None

    def _member(self, task: ApplicationTask, target: Target, asked: Rebuilding) -> Member:
        name = acr_target(task.registry, task.name)
        canary, bases = asked.names(name, ""), tuple(self._other_bases(task, target))
        wait = self.book.clock() + asked.waits if bases and not canary else None
        return Member(
            target=name,
            registry=task.registry,
            task=task.name,
            resource=task.resource_id,
            canary=canary,
            bases=bases,
            retry_at=wait,
        )

    def _other_bases(self, task: ApplicationTask, target: Target) -> Iterator[OtherBase]:
        for one in task.dependencies:
            ours = depends_on(task, self._login_server, one.repository, one.tag) is not None
            if one.tag and ours and (one.repository, one.tag) != (target.repository, target.tag):
                yield OtherBase(one.repository, Tag(one.tag), one.digest)

    def _is_behind(self, task: ApplicationTask, target: Target, failed: Sequence[str]) -> bool:
        """Whoever failed is run once more, though it is built on what the tag went back to: that is the control."""
        built = self._dependency(task, target)
        behind = built is None or built.digest != target.wanted
        return behind or acr_target(task.registry, task.name) in failed

    def _dependency(self, task: ApplicationTask, target: Target) -> Dependency | None:
        return depends_on(task, self._login_server, target.repository, target.tag)

    def _why_outside(self, task: ApplicationTask, target: Target, asked: Rebuilding, failed: Sequence[str]) -> str:
        name, built = acr_target(task.registry, task.name), self._dependency(task, target)
        if asked.names(name, "") or name in failed:
            return ""
        if not task.enabled:
            return DISABLED
        return OWN_TRIGGER if task.own_trigger and (built is None or built.watched) else ""

    def _outside(
        self, tasks: Iterable[ApplicationTask], target: Target, asked: Rebuilding, failed: Sequence[str]
    ) -> Iterator[Outside]:
        for one in tasks:
            yield Outside(acr_target(one.registry, one.name), self._why_outside(one, target, asked, failed))


def _failed_before(target: Target) -> tuple[str, ...]:
    """Return who failed on the digest from which the decision went back."""
    return next((one.canaries for one in target.canaried if one.restored == target.number), ())


def _former(target: Target, before: Wave | None) -> Digest:
    """What nobody was proven to be built on is nothing to go back to: then it is what the wave before would go to.

    The signal may come before the record says that the tag has moved: then the digest before is what it says.
    """
    known = next((one for one in borne(target) if one != target.wanted), Digest(""))
    unproven = before is not None and not any(one.state in ON_IT for one in before.canaries)
    if before is not None and unproven and known == before.digest:
        return before.former if before.former != target.wanted else Digest("")
    return known


def _with_canaries(wave: Wave, names: Sequence[str]) -> Wave:
    members = (msgspec.structs.replace(one, canary=one.target in names, retry_at=None) for one in wave.members)
    return msgspec.structs.replace(wave, members=tuple(members))


def _as_canary(wave: Wave, target: str, baseline: Baseline, last: LastRun | None) -> Wave:
    known = {} if last is None else {"commit": last.commit, "definition": last.definition, "baseline_run": last.run}
    members = tuple(
        msgspec.structs.replace(one, canary=True, baseline=baseline, retry_at=None, **known)
        if one.target == target
        else one
        for one in wave.members
    )
    wave = msgspec.structs.replace(wave, members=members)
    return excluded(wave, target, FAILING) if baseline is Baseline.FAILING else wave
