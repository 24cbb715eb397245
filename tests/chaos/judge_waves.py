"""What waves came to: who was built before his canaries, what went back and came again, what waits for nobody. Pure.

What the product's records say is held against the emulator's own list of runs, which knows on what each was built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tests.chaos.judge_beside import Finding

HELD = "held"
_GOOD = frozenset({"built", "covered"})
_LEFT = frozenset({"failed", "undecided", "excluded", "void"})


@dataclass(frozen=True)
class Run:
    """A run that really was: the name it was started under, its task, how it ended, and what it was built on.

    Times are seconds since 1970, of when it was asked for, began and ended; what has not come yet is 0.
    """

    registry: str
    id: str
    name: str
    task: str
    status: str
    bases: Mapping[str, str] = field(default_factory=dict)
    asked: float = 0.0
    started: float = 0.0
    finished: float = 0.0


@dataclass(frozen=True)
class Rebuild:
    """A rebuild: for which decision about which tag, and the names of its runs. A push by others has decision 0.

    ``wave`` is the one that it is a part of, with the number of the attempt.
    """

    id: str
    task: str
    tag: str
    decision: int
    runs: tuple[str, ...]
    wave: str = ""
    attempt: int = 1
    canary: bool = False


@dataclass(frozen=True)
class Member:
    """An application task in a wave: whether it goes first, where it is, and whether an image is between."""

    task: str
    state: str
    canary: bool = False
    chained: bool = False


@dataclass(frozen=True)
class Wave:
    """One wave.

    Attributes:
        id: its own.
        tag: the tag that moved, as ``base/ant:1``.
        number: of the decision.
        digest: what the tag moved to.
        former: what it bore before.
        state, reason: where it is, and why.
        holds: whether the reason is one for which a person decides.
        held_until: until when it waits.
        planned: when it was planned, in seconds since 1970.
        members: who is in it.
        passes_over: whether its entry says to go on when a canary fails.
        restored_by: the decision that took its digest back.
        spoken: whether a person said something of it.
        story: what its record tells, for people.
    """

    id: str
    tag: str
    number: int
    digest: str
    former: str
    state: str
    reason: str = ""
    holds: bool = False
    held_until: datetime | None = None
    planned: float = 0.0
    members: tuple[Member, ...] = ()
    passes_over: bool = False
    restored_by: int = 0
    spoken: bool = False
    story: tuple[str, ...] = ()

    def member(self, task: str) -> Member | None:
        """Return the member that is a task, if it is one."""
        return next((one for one in self.members if one.task == task), None)


@dataclass(frozen=True)
class Decided:
    """What is decided of a tag by now: the number, the digest, and what it takes no more, as canaries failed on it."""

    number: int
    wanted: str
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rolled:
    """All that is judged of waves.

    Attributes:
        waves: all of them.
        decided: by the tag's name.
        continued: of which waves people said to continue, as they remember.
        at_once: how many rebuilds may be under way.
    """

    waves: tuple[Wave, ...] = ()
    decided: Mapping[str, Decided] = field(default_factory=dict)
    continued: frozenset[str] = frozenset()
    at_once: int = 1000

    def in_force(self, tag: str) -> Wave | None:
        """Return the wave of the decision that is in force."""
        decided = self.decided.get(tag)
        found = (one for one in self.waves if one.tag == tag and decided is not None and one.number == decided.number)
        return next(found, None)


def leaves(rolled: Rolled, tag: str, task: str) -> bool:
    """Whether a task need not be built on what a tag bears: its wave waits, was cancelled, or came to nothing for it.

    Whoever is in no wave has to be.
    """
    wave = rolled.in_force(tag)
    member = wave.member(task) if wave is not None else None
    if wave is None or member is None:
        return False
    return wave.state in {HELD, "cancelled"} or (wave.state == "done-with-failures" and member.state in _LEFT)


def lost_in_waves(rolled: Rolled, rebuilds: Iterable[Rebuild], runs: Iterable[Run]) -> Iterator[Finding]:
    """Yield what went on without a word of its canaries, what is said and was not, and what came back."""
    truth = _Truth(rebuilds, runs)
    for wave in rolled.waves:
        went_on = () if wave.passes_over or wave.id in rolled.continued else _unproven(wave, rolled, truth)
        reasons = (*went_on, *_told_wrongly(wave, truth), *_restored(wave, rolled), *_came_back(wave, rolled))
        yield from (Finding(f"wave {wave.id}", why, wave.story) for why in reasons)


def doubled_in_waves(rolled: Rolled, rebuilds: Iterable[Rebuild], runs: Iterable[Run]) -> Iterator[Finding]:
    """Yield attempts that were made twice, members that are in a wave twice, and more at once than may be."""
    truth = _Truth(rebuilds, runs)
    for wave in rolled.waves:
        reasons = (*_asked_twice(wave, truth), *_in_it_twice(wave))
        yield from (Finding(f"wave {wave.id}", why, wave.story) for why in reasons)
    yield from _too_many(rolled.at_once, truth.runs)


def stuck_waves(rolled: Rolled, now: datetime) -> Iterator[Finding]:
    """Yield waves that wait for a person without a reason that has a name, or without an end."""
    for wave in rolled.waves:
        if wave.state != HELD:
            continue
        if not wave.holds:
            yield Finding(f"wave {wave.id}", f"it is held, and {wave.reason} is no reason for that", wave.story)
        if wave.held_until is None or wave.held_until <= now:
            yield Finding(f"wave {wave.id}", f"it is held until {wave.held_until}", wave.story)


class _Truth:
    """Which runs were made for which rebuilds."""

    def __init__(self, rebuilds: Iterable[Rebuild], runs: Iterable[Run]) -> None:
        self.runs = tuple(runs)
        self.rebuilds = tuple(rebuilds)
        self._named = {run.name: run for run in self.runs if run.name}
        self._for = {name: one for one in self.rebuilds for name in one.runs}

    def of(self, rebuild: Rebuild) -> tuple[Run, ...]:
        """Return the runs of a rebuild that were made."""
        return tuple(self._named[name] for name in rebuild.runs if name in self._named)

    def rebuild(self, run: Run) -> Rebuild | None:
        """Return the rebuild that a run was made for."""
        return self._for.get(run.name)

    def asked(self, wave: Wave) -> tuple[Rebuild, ...]:
        """Return the rebuilds of a wave."""
        return tuple(one for one in self.rebuilds if one.wave == wave.id)

    def ended(self, task: str, wave: Wave, status: str) -> tuple[Run, ...]:
        """Return the runs of a task that ended so on a wave's digest, whoever asked for them."""
        return tuple(
            run
            for run in self.runs
            if run.task == task and run.status == status and run.bases.get(wave.tag) == wave.digest
        )


def _unproven(wave: Wave, rolled: Rolled, truth: _Truth) -> Iterator[str]:
    """Each canary that may speak was built on the digest before anybody else is asked for."""
    others = [run for one in truth.asked(wave) if not one.canary for run in truth.of(one)]
    others += _built_all_the_same(wave, rolled, truth)
    if not others:
        return
    first = min(others, key=lambda run: run.started)
    made = truth.rebuild(first)
    how = f"(run {first.id} of {first.asked:.1f} for {made.id if made is not None else 'nobody'})"
    canaries = [one for one in wave.members if one.canary and one.state != "excluded" and not one.chained]
    if not canaries:
        yield f"{first.task} was rebuilt by it, and no canary could speak {how}"
    for canary in canaries:
        passed = [run.finished for run in truth.ended(canary.task, wave, "Succeeded")]
        if not passed or min(passed) > first.started:
            early = f"before its canary {canary.task} had been built on {wave.digest}"
            yield f"{first.task} was rebuilt by it {early} {how}"


def _built_all_the_same(wave: Wave, rolled: Rolled, truth: _Truth) -> Iterator[Run]:
    """Runs of members for whatever the product asked for them; whoever has two bases may be built for the other one.

    A digest that came twice may have gone on the first time. What was asked for by an earlier decision, before this one
    was brought about, builds on what it finds once an agent takes it.
    """
    if sum((one.tag, one.digest) == (wave.tag, wave.digest) for one in rolled.waves) > 1:
        return
    for member in wave.members:
        runs = truth.ended(member.task, wave, "Succeeded") if not member.canary else ()
        yield from (run for run in runs if run.name and len(run.bases) == 1 and not _is_of_before(wave, run, truth))


def _is_of_before(wave: Wave, run: Run, truth: _Truth) -> bool:
    made = truth.rebuild(run)
    earlier = made is not None and made.tag == wave.tag and 0 < made.decision < wave.number
    return earlier and run.asked < wave.planned


def for_another_base(rolled: Rolled, runs: Iterable[Run]) -> int:
    """Return how often a member was built on a digest whose canaries failed, as another one of its bases had moved."""
    truth = _Truth((), runs)
    failed = [one for one in rolled.waves if any(each.canary and each.state == "failed" for each in one.members)]
    found = {
        run.id
        for wave in failed
        for member in wave.members
        if not member.canary and wave.id not in rolled.continued and not wave.passes_over
        for run in truth.ended(member.task, wave, "Succeeded")
        if run.name and len(run.bases) > 1
    }
    return len(found)


def _told_wrongly(wave: Wave, truth: _Truth) -> Iterator[str]:
    """On what a chain's end was built is known by the image between alone."""
    for one in wave.members:
        if not one.chained and one.state in _GOOD and not truth.ended(one.task, wave, "Succeeded"):
            yield f"{one.task} is said to be built on {wave.digest}, and no run of it was"
        if not one.chained and one.state == "failed" and not truth.ended(one.task, wave, "Failed"):
            yield f"{one.task} is said to have failed on {wave.digest}, and no run of it did"


def _restored(wave: Wave, rolled: Rolled) -> Iterator[str]:
    if wave.state != "restored":
        return
    decided = rolled.decided.get(wave.tag)
    after = {one.number: one.digest for one in rolled.waves if one.tag == wave.tag}
    after |= {decided.number: decided.wanted} if decided is not None else {}
    if not wave.restored_by:
        yield "it is restored, and no decision took its digest back"
    elif after.get(wave.restored_by, wave.former) != wave.former:
        yield f"it was to go back to {wave.former}, and went to {after[wave.restored_by]}"


def _came_back(wave: Wave, rolled: Rolled) -> Iterator[str]:
    """What is only suspected is no longer refused."""
    decided = rolled.decided.get(wave.tag, Decided(0, ""))
    if wave.state != "restored" or wave.digest not in decided.refused:
        return
    later = [one.number for one in rolled.waves if one.tag == wave.tag and one.digest == wave.digest]
    later += [decided.number] if decided.wanted == wave.digest else []
    if any(number > wave.number for number in later):
        yield f"{wave.digest} is refused since decision {wave.restored_by}, and came back by decision {max(later)}"


def _asked_twice(wave: Wave, truth: _Truth) -> Iterator[str]:
    """A run that was canceled or timed out decided nothing, and is repeated: only what was decided counts."""
    decided: Counter[tuple[str, int]] = Counter()
    built: Counter[str] = Counter()
    for one in truth.asked(wave):
        ends = [run.status for run in truth.of(one)]
        decided[one.task, one.attempt] += ends.count("Succeeded") + ends.count("Failed")
        built[one.task] += sum(run.bases.get(wave.tag) == wave.digest for run in truth.of(one) if _succeeded(run))
    yield from (f"attempt {at} of {task} was made {often} times" for (task, at), often in decided.items() if often > 1)
    yield from (f"{task} was built {often} times on {wave.digest}" for task, often in built.items() if often > 1)


def _succeeded(run: Run) -> bool:
    return run.status == "Succeeded"


def _in_it_twice(wave: Wave) -> Iterator[str]:
    often = Counter(one.task for one in wave.members)
    yield from (f"{task} is in it {times} times" for task, times in often.items() if times > 1)


def _too_many(at_once: int, runs: Iterable[Run]) -> Iterator[Finding]:
    for run, beside in under_way(runs):
        if len(beside) > at_once:
            names = ", ".join(sorted(one.task for one in beside))
            yield Finding(f"run {run.id}", f"{len(beside)} rebuilds were under way, of which {at_once} may be: {names}")
            return


def under_way(runs: Iterable[Run]) -> Iterator[tuple[Run, tuple[Run, ...]]]:
    """Yield each run of a task with all that were under way when it was asked for, itself among them.

    Only those that were asked for by name are the product's.
    """
    ours = sorted((run for run in runs if run.name and run.task), key=lambda one: one.asked)
    for run in ours:
        yield run, tuple(one for one in ours if one.asked <= run.asked and not 0 < one.finished <= run.asked)
