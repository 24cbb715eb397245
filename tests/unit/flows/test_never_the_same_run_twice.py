"""No application task is run twice on the same bases, whatever is lost, late or done by two workers at once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, Rebuild, RebuildStatus
from shared.domain.promotion.target import Origin, Target
from shared.domain.references import Digest, Tag
from shared.errors import Unavailable
from shared.run_ports import Run
from tests.doubles.registries import InMemoryRegistry, InMemoryRuns, digest_of
from tests.doubles.world import BASE, BASE_SERVER, NODE, ONE, TAG, TARGET, TWO, Died, World, application_task

pytestmark = pytest.mark.unit

OTHER = Tag("20-alpine")
SEEDS = range(8)


class BuildingRuns(InMemoryRuns):
    """Runs that build: what a task is built on is what the base registry holds when its run begins, some looks later.

    Attributes:
        waits: how many looks find a run still in the queue.
        useless: how many runs built a task on what it had been built on, though no base moved back after they were
            asked for.
    """

    def __init__(self, base: InMemoryRegistry, *, waits: int = 1) -> None:
        super().__init__(looks=3)
        self.base = base
        self.waits = waits
        self.useless = 0
        self._asked: dict[str, tuple[Dependency, ...]] = {}
        self._bases: dict[str, tuple[Dependency, ...]] = {}

    def start_task(self, name: str, task_id: str) -> Run:
        """See the port."""
        run = super().start_task(name, task_id)
        self._asked.setdefault(run.run_id, self._read(task_id))
        return run

    def _look(self, run_id: str) -> Run:
        run = self._runs[run_id]
        if run.looks_left <= self.looks - self.waits and run_id not in self._bases:
            self._bases[run_id] = self._read(run.key)
        seen = super()._look(run_id)
        if seen.status is RunStatus.SUCCEEDED:
            self._built(run.key, self._bases[run_id], self._asked[run_id])
            self._bases[run_id] = ()
        return seen

    def _read(self, key: str) -> tuple[Dependency, ...]:
        task = next(task for task in self.application_tasks if task.resource_id == key)
        return tuple(
            msgspec.structs.replace(one, digest=self.base.tags[one.repository, Tag(one.tag)])
            for one in task.dependencies
        )

    def _built(self, key: str, bases: tuple[Dependency, ...], asked: tuple[Dependency, ...]) -> None:
        if bases:
            task = next(task for task in self.application_tasks if task.resource_id == key)
            self.useless += bases == asked == task.dependencies
            new = msgspec.structs.replace(task, dependencies=bases)
            self.application_tasks = tuple(new if one is task else one for one in self.application_tasks)


def on_two_bases(*names: str) -> tuple[ApplicationTask, ...]:
    """Return tasks that are built on two tags, and were last built on ``ONE`` of each."""
    bases = tuple(Dependency(BASE_SERVER, TARGET, tag, ONE) for tag in (TAG, OTHER))
    made = application_task(ONE)
    return tuple(
        msgspec.structs.replace(made, name=name, resource_id=f"/tasks/{name}", dependencies=bases) for name in names
    )


def two_tags() -> World:
    """A world in which two tags were promoted, and a task is built on both."""
    world = World(
        b"images: [{name: node, source: docker.io/library/node, tags: [22-alpine, 20-alpine], target: base/node}]"
    )
    world.application_runs.application_tasks = on_two_bases("shop")
    for tag in (TAG, OTHER):
        world.hub.push(NODE, tag, ONE)
    world.check()
    world.settle()
    return world


def reached(world: World, tag: Tag, digest: Digest, number: int) -> None:
    """Let a tag of the base registry be brought to a digest by a decision, and ask for the rebuilds."""
    world.base.push(TARGET, tag, digest)
    origin = Origin("node", NODE, tag)
    now = world.clock()

    def write(known: Target | None) -> Target:
        target = known or Target(registry=BASE, repository=TARGET, tag=tag, origin=origin)
        return msgspec.structs.replace(
            target, wanted=digest, seen=digest, seen_at=now, number=number, reached=number, decided_at=now
        )

    world.book.change(f"{BASE}~{TARGET.replace('/', '~')}~{tag}", write)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=tag, digest=digest))


def rebuilds_on(world: World, digest: Digest) -> list[Rebuild]:
    """Return the rebuilds for a digest."""
    return [one for one in world.rebuilt() if one.base_digest == digest]


def promote(world: World) -> None:
    """Bring ``TWO`` into the base registry."""
    world.push(TWO)
    world.check()
    world.settle()


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted, and whose application is built on it."""
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    return made


@pytest.mark.parametrize("silent", [1, 3, 20])
def test_a_start_that_was_carried_out_and_never_answered_is_one_run_however_long_arm_is_silent(
    world: World, silent: int
) -> None:
    def lose(moment: str) -> None:
        if moment == "application_runs.after:start_task":
            world.application_runs.fail("find", *[Unavailable("nothing came back")] * silent)
            raise Unavailable("nothing came back")

    world.hook = lose
    promote(world)
    (rebuild,) = rebuilds_on(world, TWO)
    assert (rebuild.status, rebuild.runs) == (RebuildStatus.SUCCEEDED, 1)
    assert world.application_runs.started.total() == 1


@pytest.mark.parametrize(("tells_ids", "by_name"), [(True, 0), (False, 1)])
def test_a_run_is_looked_for_by_its_name_only_until_its_id_is_known(
    world: World, *, tells_ids: bool, by_name: int
) -> None:
    runs = world.application_runs
    runs.looks, runs.tells_ids = 3, tells_ids
    runs.asked.clear()
    promote(world)
    (rebuild,) = rebuilds_on(world, TWO)
    assert (rebuild.status, rebuild.live_run) == (RebuildStatus.SUCCEEDED, rebuild.run_id)
    assert (runs.asked["find"], runs.asked["look"]) == (by_name, 4 - by_name)


def test_the_id_of_a_run_that_was_canceled_is_not_taken_for_that_of_the_next(world: World) -> None:
    world.application_runs.end("/tasks/shop", RunStatus.CANCELED)
    world.application_runs.tells_ids = False
    promote(world)
    (rebuild,) = rebuilds_on(world, TWO)
    assert (rebuild.status, rebuild.runs) == (RebuildStatus.SUCCEEDED, 2)


def test_a_run_that_is_not_heard_of_for_a_day_is_given_up(world: World) -> None:
    world.application_runs.fail("look", *[Unavailable("nothing came back")] * 100)
    promote(world)
    (rebuild,) = rebuilds_on(world, TWO)
    assert rebuild.status is RebuildStatus.FAILED
    assert timedelta(days=1) <= rebuild.look_at - rebuild.since < timedelta(days=1, hours=2)


def test_a_run_that_failed_is_not_scheduled_once_more_under_its_name_by_a_worker_that_looked_before(
    world: World,
) -> None:
    """ARM starts another run when a name is put again after its run failed."""
    world.application_runs.end("/tasks/shop", RunStatus.FAILED)

    def die(moment: str) -> None:
        if moment == "application_runs.before:start_task":
            world.hook = None
            raise Died

    world.hook = die
    promote(world)
    (rebuild,) = rebuilds_on(world, TWO)
    assert (rebuild.status, world.application_runs.started.total()) == (RebuildStatus.RUNNING, 0)
    read = world.rebuilds.get(rebuild.id)
    assert read is not None

    def overtake(moment: str) -> None:
        if moment == "application_runs.before:start_task":
            world.hook = None
            world.rebuilder.look(read)

    world.hook = overtake
    world.rebuilder.look(read)
    world.settle()
    (rebuild,) = rebuilds_on(world, TWO)
    assert (rebuild.status, world.application_runs.started.total()) == (RebuildStatus.FAILED, 1)


def test_two_rebuilds_of_one_task_that_are_begun_at_the_same_moment_are_one_run() -> None:
    world = two_tags()
    world.application_runs = BuildingRuns(world.base)
    world.application_runs.application_tasks = on_two_bases("shop")
    world.start()
    world.list_tasks()
    reached(world, TAG, TWO, 2)
    reached(world, OTHER, TWO, 2)
    for delivery in world.outbox.deliver():
        world.work(delivery)
    one, other = world.outbox.deliver()

    def meanwhile(moment: str) -> None:
        if moment == "rebuilds.before:replace":
            world.hook = None
            world.work(other)

    world.hook = meanwhile
    world.work(one)
    world.settle()
    assert world.application_runs.started.total() == 1
    statuses = {one.status for one in rebuilds_on(world, TWO)}
    assert statuses == {RebuildStatus.SUCCEEDED, RebuildStatus.UP_TO_DATE}


def test_a_run_that_failed_on_two_bases_that_moved_is_not_made_again_for_the_second() -> None:
    world = two_tags()
    world.application_runs.end("/tasks/shop", RunStatus.FAILED, RunStatus.FAILED)
    reached(world, TAG, TWO, 2)
    reached(world, OTHER, TWO, 2)
    world.settle()
    first, second = sorted(rebuilds_on(world, TWO), key=lambda one: one.runs, reverse=True)
    assert world.application_runs.started.total() == 1
    assert (first.status, second.status) == (RebuildStatus.FAILED, RebuildStatus.FAILED)
    assert first.run_id in second.detail


def test_a_task_that_was_built_by_somebody_else_meanwhile_is_not_run(world: World) -> None:
    def build(moment: str) -> None:
        if moment == "rebuilds.after:insert":
            world.application_runs.application_tasks = (application_task(TWO),)

    world.hook = build
    promote(world)
    assert [one.status for one in rebuilds_on(world, TWO)] == [RebuildStatus.UP_TO_DATE]
    assert world.application_runs.started.total() == 0


def test_a_task_that_is_gone_before_its_run_is_told_as_gone(world: World) -> None:
    def remove(moment: str) -> None:
        if moment == "rebuilds.after:insert":
            world.application_runs.application_tasks = ()

    world.hook = remove
    promote(world)
    assert [(one.status, one.detail) for one in rebuilds_on(world, TWO)] == [(RebuildStatus.FAILED, "the task is gone")]


@pytest.mark.parametrize("seed", SEEDS)
def test_bases_that_move_at_random_make_no_run_that_builds_nothing_new_and_every_task_ends_on_the_last(
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311  not for secrets
    world = two_tags()
    runs = BuildingRuns(world.base, waits=chance.choice([0, 1, 2]))
    runs.application_tasks = on_two_bases("shop", "cart", "till")
    world.application_runs = runs
    world.start()
    numbers = Counter({TAG: 1, OTHER: 1})
    for _ in range(40):
        tag = chance.choice([TAG, OTHER])
        numbers[tag] += 1
        reached(world, tag, digest_of(str(chance.randrange(4))), numbers[tag])
        for _ in range(chance.randrange(12)):
            due = world.outbox.next_due()
            world.clock.now = max(world.clock.now, due or world.clock.now)
            for delivery in world.outbox.deliver():
                world.work(delivery)
                if chance.random() < 0.3:
                    world.work(delivery)
    world.settle(most=4000)
    assert runs.useless == 0
    assert runs.started.total() > len(runs.application_tasks)
    for task in runs.application_tasks:
        assert [one.digest for one in task.dependencies] == [world.base.tags[TARGET, tag] for tag in (TAG, OTHER)]
