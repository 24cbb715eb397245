"""Waves, told as what may happen to them: what all such stories share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from shared.domain.promotion.actions import Declined
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.said import Said
from shared.domain.references import Digest
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Wave, Word
from tests.doubles.world import BASE, TAG, TARGET, TWO
from tests.unit.flows.manners import Manner, Telling, told
from tests.unit.flows.waving import ALL, APPS, Waving

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# After so many of its writes at most a story is told with a death: each takes a tenth of a second.
MOST = 36
# What else is written on the way is another story: by checks, listings of tasks, and sweeps that find nothing.
OF_WAVES = ("waves.", "rebuilds.", "targets.", "outbox.", "application_runs.", "dispatcher.", "switches.", "evidence.")


def begins(telling: Telling, digest: Digest = TWO) -> Waving:
    """From the moment at which the tag bears a digest things go wrong; return the world."""
    world = telling.world
    assert isinstance(world, Waving)
    telling.begins(lambda: world.base.tags.get((TARGET, TAG)) == digest, OF_WAVES)
    return world


def waved(
    manner: Manner, make: Callable[[], Waving], story: Callable[[Telling], None], most: int = MOST
) -> Iterator[Waving]:
    """Tell a story of waves in a manner, and return how it ended each time; nothing was run twice in it."""
    for world in told(manner, make, story, most):
        assert isinstance(world, Waving)
        assert not world.outbox.poison
        assert runs_begun(world) == runs_wanted(world)
        yield world


def runs_begun(world: Waving) -> dict[str, int]:
    """Return how many runs of each task really began."""
    registries = (world.runs or {APPS: world.application_runs}).values()
    return {key: number for runs in registries for key, number in sorted(runs.started.items()) if number}


def runs_wanted(world: Waving) -> dict[str, int]:
    """Return how many runs of each task its rebuilds say that they had."""
    wanted: dict[str, int] = {}
    for one in all_rebuilds(world):
        if one.is_of_acr and one.runs:
            wanted[one.task_id] = wanted.get(one.task_id, 0) + one.runs
    return wanted


def all_rebuilds(world: Waving) -> list[Rebuild]:
    """Return every rebuild of tasks, those in the archive as well."""
    tasks = (f"{one.registry}~{one.name}".lower() for one in world.application_runs.application_tasks)
    archived = (stored.record for task in tasks for stored in world.rebuilds.archived(task))
    return list({one.id: one for one in (*archived, *world.rebuilt())}.values())


def waves(world: Waving) -> list[Wave]:
    """Return every wave, in the order of decisions."""
    found = (one.record for one in world.waves.every(BASE))
    return sorted(found, key=lambda wave: (wave.number, wave.id))


def ends(world: Waving) -> list[tuple[int, WaveState, str]]:
    """Return where every wave has come to, and why."""
    return [(one.number, one.state, one.reason.value) for one in waves(world)]


def rebuilds_of(world: Waving, task: str) -> list[Rebuild]:
    """Return the rebuilds of a task, in the order of decisions and attempts."""
    found = (one for one in all_rebuilds(world) if one.task == task)
    return sorted(found, key=lambda one: (one.decision, one.attempt))


def says(telling: Telling, word: Word, by: str = "ada", number: int = 2) -> Wave | Declined:
    """Let a person say something of a wave, twice, as who gets no answer does; return what is answered then."""
    world = telling.world
    assert isinstance(world, Waving)
    answers: list[Wave | Declined] = []
    said = Said(by, f"{by} looked at it", world.clock())

    def say() -> None:
        answers.append(world.rolling.speaker(world.activity).say(world.wave(number).id, word, said))

    telling.do(say)
    telling.do(say)
    return answers[-1]


def others_were_built_on(world: Waving, digest: Digest) -> bool:
    """Whether nobody but the canary was built on a digest."""
    return any(world.runs_of(name, digest) for name in ALL[1:])
