"""What came of it: from what the registries bear and the records say to what was lost, doubled or stuck. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.chaos.cast import passes
from tests.chaos.judge_beside import Finding, Lying, doubled_beside, lost_beside, touched
from tests.chaos.judge_waves import Rebuild, Rolled, Run, doubled_in_waves, leaves, lost_in_waves, stuck_waves


@dataclass(frozen=True)
class Tag:
    """One tag of the base registry.

    Attributes:
        name: as ``base/ant:1``.
        upstream: what its source bears at the end; ``None`` if it vanished.
        bore: all that its source ever bore.
        base: what the base registry bears; ``None`` if the tag is not there.
        wanted: what the last decision says; empty if there is none.
        before: what people had put there before Tidegate came; empty if nothing.
        locked: whether people locked it, so that what is decided for it waits for them.
        story: what the records say of it, for people.
    """

    name: str
    upstream: str | None
    bore: frozenset[str]
    base: str | None
    wanted: str
    before: str = ""
    locked: bool = False
    story: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """An application task, and what it was last built on, by the tag's name."""

    name: str
    built_on: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """One record of the product.

    Attributes:
        kind: ``candidate``, ``target``, ``rebuild``, ``wave`` or ``companions``.
        id: its own.
        key: what it is the record of; two records of one key are one too many.
        ended: whether nothing is to be done about it.
        due: when it will be looked at again; ``None`` for never.
        story: its history, for people.
    """

    kind: str
    id: str
    key: str
    ended: bool
    due: datetime | None = None
    story: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that is judged, as it was at one time.

    Attributes:
        now: then, UTC.
        longest: the longest time after which anything is tried again.
        grace: how long after its time a record may be looked at.
        lying: what lies beside the images in force where anything travels.
        touched: what people had locked, and found open.
        rolled: all that is judged of waves.
        middles: what images of the application registry bear that others are built on.
        roots: the tags that these are built on.
    """

    now: datetime
    longest: timedelta
    grace: timedelta
    tags: tuple[Tag, ...]
    tasks: tuple[Task, ...]
    records: tuple[Record, ...]
    rebuilds: tuple[Rebuild, ...]
    runs: tuple[Run, ...]
    lying: tuple[Lying, ...] = ()
    touched: tuple[str, ...] = ()
    rolled: Rolled = field(default_factory=Rolled)
    middles: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)

    @property
    def candidates(self) -> int:
        """How many candidates there were."""
        return sum(record.kind == "candidate" for record in self.records)


@dataclass(frozen=True)
class Verdict:
    """What was lost, doubled and stuck."""

    lost: tuple[Finding, ...]
    doubled: tuple[Finding, ...]
    stuck: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was."""
        return not (self.lost or self.doubled or self.stuck)


def judge(facts: Facts) -> Verdict:
    """Judge what came of a storm."""
    asked = (facts.rolled, facts.rebuilds, facts.runs)
    lost = (
        *_lost_tags(facts),
        *_lost_rebuilds(facts),
        *lost_beside(facts.lying),
        *touched(facts.touched),
        *lost_in_waves(*asked),
    )
    doubled = (
        *_doubled_records(facts.records),
        *_doubled_names(facts.runs),
        *_doubled_rebuilds(facts),
        *_rebuilt_for_nothing(facts),
        *doubled_beside(facts.lying),
        *doubled_in_waves(*asked),
    )
    return Verdict(lost, doubled, (*_stuck(facts), *stuck_waves(facts.rolled, facts.now)))


def built_nothing_new(runs: Iterable[Run]) -> int:
    """Return how many task runs were built on exactly what their task had been built on before."""
    last: dict[str, Mapping[str, str]] = {}
    idle = 0
    for run in runs:
        if run.task and run.status == "Succeeded":
            idle += run.bases == last.get(run.task)
            last[run.task] = run.bases
    return idle


def _lost_tags(facts: Facts) -> Iterator[Finding]:
    for tag in facts.tags:
        decided = facts.rolled.decided.get(tag.name)
        why = _why_lost(tag, decided.refused if decided is not None else frozenset())
        if why:
            yield Finding(tag.name, why, (f"upstream {tag.upstream}", *tag.story))


def _why_lost(tag: Tag, refused: frozenset[str]) -> str:
    """Where upstream vanished, or bears what does not pass or is refused, what was there before is kept."""
    if tag.base is not None and tag.base not in tag.bore:
        return f"it bears {tag.base}, which its upstream never bore"
    if tag.base is not None and not passes(tag.base):
        return f"it bears {tag.base}, which its gate rejects"
    if (tag.base or "") != (tag.wanted or tag.before) and not tag.locked:
        return f"it bears {tag.base}, and the last decision says {tag.wanted or 'nothing'}"
    if tag.base is not None and tag.base in refused:
        return f"it bears {tag.base}, on which its canaries failed"
    fit = tag.upstream is not None and passes(tag.upstream) and tag.upstream not in refused
    if fit and tag.wanted != tag.upstream:
        return f"upstream bears {tag.upstream}, which passes, and the last decision says {tag.wanted or 'nothing'}"
    return ""


def _lost_rebuilds(facts: Facts) -> Iterator[Finding]:
    """What a wave leaves as it is was told to people, or is to be decided by them."""
    base = {tag.name: tag.base for tag in facts.tags} | facts.middles
    for task in facts.tasks:
        for name, digest in task.built_on.items():
            root = facts.roots.get(name, name)
            if digest != base.get(name) and not leaves(facts.rolled, root, task.name):
                wave = facts.rolled.in_force(root)
                story = tuple(_told(run) for run in facts.runs if run.task == task.name)
                story += wave.story if wave is not None else ("no wave is of the decision in force",)
                yield Finding(task.name, f"it is built on {digest} of {name}, which bears {base.get(name)}", story)


def _doubled_records(records: Iterable[Record]) -> Iterator[Finding]:
    known: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        known[record.kind, record.key].append(record)
    for (kind, key), same in known.items():
        if len(same) > 1:
            story = tuple(line for record in same for line in (record.id, *record.story))
            yield Finding(f"{kind} {key}", f"it has {len(same)} records", story)


def _doubled_names(runs: tuple[Run, ...]) -> Iterator[Finding]:
    often = Counter((run.registry, run.name) for run in runs if run.name)
    for (registry, name), times in often.items():
        if times > 1:
            story = tuple(_told(run) for run in runs if (run.registry, run.name) == (registry, name))
            yield Finding(f"run {registry}/{name}", f"{times} runs were started under this name", story)


def _doubled_rebuilds(facts: Facts) -> Iterator[Finding]:
    """A run that was canceled or timed out decided nothing, and is repeated: only those that built something count.

    In a wave what is built on another digest than its own is asked for once more.
    """
    built = {run.name: run for run in facts.runs if run.name and run.status == "Succeeded"}
    known: defaultdict[tuple[str, str, int], list[Run]] = defaultdict(list)
    for rebuild in facts.rebuilds:
        if rebuild.decision and not rebuild.wave:
            found = [built[name] for name in rebuild.runs if name in built]
            known[rebuild.task, rebuild.tag, rebuild.decision] += found
    for (task, tag, decision), runs in known.items():
        if len(runs) > 1:
            yield Finding(task, f"it was rebuilt {len(runs)} times for decision {decision} of {tag}", _all_told(runs))


def _rebuilt_for_nothing(facts: Facts) -> Iterator[Finding]:
    """What comes to lie beside an image, or keeps it under a name, is nothing that a task is built on."""
    known = {tag.name for tag in facts.tags}
    for rebuild in facts.rebuilds:
        if rebuild.tag not in known:
            yield Finding(rebuild.task, f"it is rebuilt for {rebuild.tag}, which is no tag that is watched")


def _stuck(facts: Facts) -> Iterator[Finding]:
    for record in facts.records:
        if not record.ended and not _is_due(facts, record.due):
            when = f"was due at {record.due:%H:%M:%S}" if record.due else "is never due"
            yield Finding(f"{record.kind} {record.id}", f"it has not ended and {when}", record.story)


def _is_due(facts: Facts, due: datetime | None) -> bool:
    return due is not None and facts.now - facts.grace <= due <= facts.now + facts.longest


def _all_told(runs: Iterable[Run]) -> tuple[str, ...]:
    return tuple(_told(run) for run in runs)


def _told(run: Run) -> str:
    bases = ", ".join(f"{name} {digest[7:15]}" for name, digest in run.bases.items())
    return f"run {run.id} {run.name or 'without a name'} {run.status} on {bases or 'nothing'}"
