"""Plans the wave of a decision: who is in it, who goes first, and how they were before. Written once, and then kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.promotion.actions import borne
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.waves.builders import task_id
from shared.domain.waves.joining import joined
from shared.domain.waves.planned import Planned, failed_before, planned
from shared.domain.waves.results import Baseline, LastRun, baseline_of
from shared.domain.waves.spoken import is_called_off
from shared.domain.waves.states import MEMBER_ENDS, ON_IT, WaveState
from shared.domain.waves.wave import Member, Wave, excluded, wave_id
from shared.errors import ServiceError
from shared.rules.wave_book import WaveBook
from shared.rules.wave_members import WaveMembers
from shared.wave_ports import LastRuns

log = logging.getLogger("tidegate.waves")

FAILING = "it was failing before its base moved"
# How many more than are asked for are looked at to find canaries that were not failing before.
_SPARE = 5


class WavePlanner:
    """Plans waves.

    Args:
        book: where they are.
        last_runs: tells how tasks were before.
        members: knows who builds on what.
    """

    def __init__(self, book: WaveBook, last_runs: LastRuns, members: WaveMembers) -> None:
        self.book = book
        self._last_runs = last_runs
        self._members = members

    def plan(self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask]) -> tuple[ApplicationTask, ...]:
        """Plan the wave of a target's decision, or let those that were found later join it.

        Args:
            target: it.
            asked: what its entry asks for.
            tasks: that name its tag.

        Returns:
            The tasks that take the tag without a wave.

        Raises:
            ServiceError: the storage account did not answer; planning again makes no second wave.
        """
        found = self.book.waves.get(wave_id(target.id, target.number))
        before = self._before(target)
        plan = planned(self._members.ground(target, asked, tasks, before), self.book.clock())
        if found is not None:
            self._join(found.record.id, plan.members)
        elif plan.members:
            self._begin(self._new(target, asked, plan, before))
        outside = {one.target for one in plan.outside}
        return tuple(one for one in tasks if task_id(one.registry, one.name) in outside)

    def knows(self, target: Target, task: ApplicationTask) -> bool:
        """Whether a wave sees to a task, or has come to an end that leaves it as it is.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self.book.waves.get(wave_id(target.id, target.number))
        return found is not None and found.record.member(task_id(task.registry, task.name)) is not None

    def left_to_waves(self, names: Sequence[str]) -> frozenset[str]:
        """Return those to whom a wave that is under way sees in its own order; see ``Rolls.left_to_waves``.

        Raises:
            ServiceError: the storage account did not answer.
        """
        members = (one for wave in self.book.open() for one in wave.members if one.after)
        return frozenset(one.target for one in members if one.state not in MEMBER_ENDS) & {*names}

    def in_canaries(self, target: Target) -> bool:
        """Whether the canaries of a target's decision are still to say what they say; see ``Rolls.in_canaries``.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self.book.waves.get(wave_id(target.id, target.number)) if target.number else None
        return found is not None and found.record.state in {WaveState.PLANNED, WaveState.CANARIES}

    def called_off(self, wave: str) -> bool:
        """Whether nobody is to begin for a wave any more; see ``Rolls.called_off``.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self.book.waves.get(wave)
        return found is not None and is_called_off(found.record)

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

    def _new(self, target: Target, asked: Rebuilding, plan: Planned, before: Wave | None) -> Wave:
        now = self.book.clock()
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
            members=plan.members,
            outside=plan.outside,
            remarks=plan.remarks,
            look_at=now,
            control_of=control,
            traceparent=target.traceparent,
            image=target.origin.image,
        )
        for one in plan.remarks:
            log.warning("%s: %s", wave.id, one)
        failed = {*failed_before(target)} & {one.target for one in wave.members}
        return wave if failed else self._chosen(wave)

    def _chosen(self, wave: Wave) -> Wave:
        """Who goes first; where a number is asked for, those that were failing before are none of them."""
        asked, good = wave.asked, 0
        named = [one.target for one in wave.canaries]
        most = len(named) if not isinstance(asked.canary, int) else asked.canary
        offered = named if not isinstance(asked.canary, int) else [one.target for one in wave.members if not one.after]
        for target in offered[: most + _SPARE]:
            if good >= most:
                break
            last = self._last(wave, target)
            baseline = baseline_of(last, wave.former)
            wave = _as_canary(wave, target, baseline, last)
            good += baseline is not Baseline.FAILING
        return wave

    def _last(self, wave: Wave, target: str) -> LastRun | None:
        """What cannot be read is not known, and waits for nobody: it is judged as such."""
        member = wave.member(target)
        if member is None or member.kind is not BuilderKind.ACR_TASK:
            return None
        try:
            return self._last_runs.last(member.registry, member.task)
        except ServiceError as error:
            log.warning("how %s was before %s is not known: %s", target, wave.id, error)
            return None

    def _before(self, target: Target) -> Wave | None:
        found = self.book.waves.get(wave_id(target.id, target.number - 1)) if target.number > 1 else None
        return found.record if found is not None else None


def _former(target: Target, before: Wave | None) -> Digest:
    """What nobody was proven to be built on is nothing to go back to: then it is what the wave before would go to.

    The signal may come before the record says that the tag has moved: then the digest before is what it says.
    """
    known = next((one for one in borne(target) if one != target.wanted), Digest(""))
    unproven = before is not None and not any(one.state in ON_IT for one in before.canaries)
    if before is not None and unproven and known == before.digest:
        return before.former if before.former != target.wanted else Digest("")
    return known


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
