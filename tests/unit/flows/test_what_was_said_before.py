"""What people said, what stood there and what failed meet what comes later: nothing comes back that was over."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.importing import Unsettled
from shared.domain.promotion.rebuilds import Dependency
from shared.domain.promotion.said import Said, Why
from shared.domain.references import Digest
from shared.errors import Unavailable
from tests.doubles.gates import GATE_FILES
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.storage import InMemoryObservations
from tests.doubles.world import BASE_SERVER, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World, application_task

pytestmark = pytest.mark.unit

FOUR = digest_of("four")
NOTHING_WATCHED = b"images: []\n"


@pytest.fixture
def world() -> World:
    """Everything in memory; the tag has come to bear ONE."""
    world = World()
    moves(world, ONE)
    return world


def moves(world: World, digest: Digest) -> None:
    """Let the tag move, and an hour pass."""
    world.push(digest)
    world.check()
    rests(world)


def rests(world: World) -> None:
    """Let what is under way end, and an hour pass."""
    world.settle()
    world.pass_time(timedelta(hours=1))


def said(world: World) -> Said:
    """Somebody says something."""
    return Said("ada", "it is bad", world.clock())


def borne(world: World) -> Digest | None:
    """What the base registry's tag points at."""
    return world.base.tags.get((TARGET, TAG))


def lists(world: World, text: bytes) -> None:
    """Put another watch list in force."""
    world.configuration.text = text
    world.start()


def another_gate_rejects(world: World, digest: Digest) -> None:
    """The entry names another gate, and what comes next does not pass it."""
    world.configuration.gates["stricter"] = GATE_FILES
    lists(world, WATCH_LIST.replace(b"gate: node", b"gate: stricter"))
    world.staging_runs.end(digest, RunStatus.FAILED, log=TEST_FAILED_LOG)
    moves(world, digest)


def test_a_rollback_that_was_over_does_not_come_back_with_another_gate(world: World) -> None:
    moves(world, TWO)
    world.actor.roll_back(world.target().id, None, said(world))
    rests(world)
    moves(world, THREE)
    another_gate_rejects(world, FOUR)
    assert (borne(world), world.target().why) == (THREE, Why.NEWEST)


def test_what_was_adopted_does_not_come_back_with_another_gate() -> None:
    world = World()
    world.base.push(TARGET, TAG, ONE)
    moves(world, FOUR)
    moves(world, TWO)
    another_gate_rejects(world, THREE)
    assert borne(world) == TWO


def test_blocking_what_was_rolled_back_to_does_not_bring_back_what_was_rolled_back_from(world: World) -> None:
    moves(world, TWO)
    moves(world, THREE)
    world.actor.roll_back(world.target().id, None, said(world))
    rests(world)
    world.ruler.block(TWO, said(world))
    rests(world)
    assert borne(world) == ONE
    world.ruler.block(ONE, said(world))
    rests(world)
    assert (world.target().wanted, world.target().why) == ("", Why.WITHDRAWN)
    world.check()
    rests(world)
    assert borne(world) == ONE
    moves(world, FOUR)
    assert (borne(world), world.target().why) == (FOUR, Why.NEWEST)


def test_what_was_rolled_back_from_comes_back_when_a_person_names_it(world: World) -> None:
    moves(world, TWO)
    world.actor.roll_back(world.target().id, None, said(world))
    rests(world)
    world.ruler.block(ONE, said(world))
    rests(world)
    assert world.target().why is Why.WITHDRAWN
    world.actor.roll_back(world.target().id, TWO, said(world))
    rests(world)
    assert (borne(world), world.target().wanted) == (TWO, TWO)


def test_what_was_rolled_back_from_is_in_favour_again_once_a_newer_digest_passed(world: World) -> None:
    moves(world, TWO)
    world.actor.roll_back(world.target().id, None, said(world))
    rests(world)
    moves(world, THREE)
    world.ruler.block(THREE, said(world))
    world.ruler.block(ONE, said(world))
    rests(world)
    assert borne(world) == TWO


def test_a_digest_that_is_blocked_while_its_entry_is_held_is_not_imported_any_more(world: World) -> None:
    world.base.fail("start_import", *[Unavailable("503")] * 3)
    world.push(TWO)
    world.check()
    while world.target().failures == 0:
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.ruler.hold("node", said(world), listed=True)
    world.ruler.block(TWO, said(world))
    rests(world)
    assert borne(world) == ONE


def test_what_somebody_went_back_from_stays_away_when_observations_are_lost(world: World) -> None:
    moves(world, TWO)
    world.actor.roll_back(world.target().id, None, said(world))
    rests(world)
    world.observations = InMemoryObservations()
    world.start()
    world.check()
    rests(world)
    assert (borne(world), world.target().why) == (ONE, Why.ROLLED_BACK)


def test_a_task_whose_base_has_no_tag_keeps_no_other_from_being_compared(world: World) -> None:
    task = world.application_runs.application_tasks[0]
    by_digest = msgspec.structs.replace(
        task, name="pinned", dependencies=(Dependency(BASE_SERVER, TARGET, "", ONE),), resource_id="/tasks/pinned"
    )
    world.application_runs.application_tasks = (task, by_digest)
    for _ in range(3):
        world.pass_time(timedelta(hours=1))
        world.sweep()
    assert world.target().wanted == ONE


def test_pushes_of_others_rebuild_what_is_built_on_a_tag_that_was_let_go_before_it_got_its_digest(world: World) -> None:
    world.base.fail("start_import", *[Unavailable("503")] * 100)
    world.push(TWO)
    world.check()
    world.settle()
    lists(world, NOTHING_WATCHED)
    world.look_at_base()
    rests(world)
    world.base.push(TARGET, TAG, THREE)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=THREE))
    before = world.application_runs.started.total()
    rests(world)
    assert world.application_runs.started.total() == before + 1


def test_a_target_that_was_let_go_refuses_to_be_acted_on(world: World) -> None:
    moves(world, TWO)
    lists(world, NOTHING_WATCHED)
    world.look_at_base()
    rests(world)
    declined = world.actor.roll_back(world.target().id, None, said(world))
    assert isinstance(declined, Declined)
    assert (declined.reason, world.target().chosen) == (Refusal.LET_GO, None)


def test_a_withdrawn_tag_takes_no_decision_because_of_an_import_without_a_known_end(world: World) -> None:
    moves(world, TWO)
    world.ruler.block(ONE, said(world))
    world.ruler.block(TWO, said(world))
    late = (Unsettled(TWO, world.clock(), world.clock()),)
    world.book.change(
        world.target().id,
        lambda known: known and msgspec.structs.replace(known, unsettled=late, look_at=world.clock()),
    )
    number = world.target().number
    for _ in range(60):
        world.pass_time(timedelta(minutes=30))
        world.sweep()
        world.settle()
    assert (world.target().number, world.target().why) == (number, Why.WITHDRAWN)


def leaves(world: World) -> None:
    """The entry leaves the list; meanwhile its source moves, and others put another digest into the base registry."""
    lists(world, NOTHING_WATCHED)
    world.look_at_base()
    rests(world)
    world.base.push(TARGET, TAG, FOUR)
    world.push(TWO)
    world.pass_time(timedelta(hours=1))


def looks(world: World, *, check_first: bool) -> None:
    """The entry returns, and both timers come: the check of its source, and the look at the base registry."""
    lists(world, WATCH_LIST)
    steps = [world.check, world.look_at_base]
    for step in steps if check_first else reversed(steps):
        step()
        rests(world)


@pytest.mark.parametrize("check_first", [True, False])
def test_what_stands_there_when_an_entry_returns_stays_whichever_timer_comes_first(
    world: World, *, check_first: bool
) -> None:
    leaves(world)
    looks(world, check_first=check_first)
    assert (borne(world), world.target().why, world.target().awaited) == (FOUR, Why.ADOPTED, None)
    moves(world, THREE)
    assert (borne(world), world.target().why) == (THREE, Why.NEWEST)


@pytest.mark.parametrize("check_first", [True, False])
def test_what_a_source_that_stood_still_moves_to_after_its_entry_returned_is_promoted(
    world: World, *, check_first: bool
) -> None:
    leaves(world)
    world.push(ONE)
    looks(world, check_first=check_first)
    assert borne(world) == FOUR
    moves(world, THREE)
    assert (borne(world), world.target().why) == (THREE, Why.NEWEST)


def test_a_source_that_moves_between_the_first_check_of_a_returned_entry_and_the_look_at_base_has_moved(
    world: World,
) -> None:
    leaves(world)
    lists(world, WATCH_LIST)
    world.check()
    rests(world)
    moves(world, THREE)
    world.look_at_base()
    rests(world)
    assert (borne(world), world.target().why) == (THREE, Why.NEWEST)


def test_a_check_that_dies_once_it_has_seen_where_the_source_is_settles_the_return_all_the_same(world: World) -> None:
    leaves(world)
    lists(world, WATCH_LIST)
    world.look_at_base()
    rests(world)
    dies = iter([True])

    def die(moment: str) -> None:
        if moment == "targets.before:replace" and next(dies, False):
            raise Died

    world.hook = die
    world.check()
    rests(world)
    assert not next(dies, False), "the check was to die, and did not"
    assert (borne(world), world.target().why) == (FOUR, Why.ADOPTED)
    moves(world, THREE)
    assert borne(world) == THREE


def overwritten(world: World) -> Digest | None:
    """Let others overwrite the tag; return what it bears two hours later."""
    world.base.push(TARGET, TAG, FOUR)
    world.look_at_base()
    rests(world)
    world.look_at_base()
    rests(world)
    return borne(world)


def test_a_tag_that_others_overwrite_again_after_three_repairs_within_a_day_is_left_and_told() -> None:
    world = World(WATCH_LIST + b"    drift: repair\n")
    moves(world, ONE)
    assert [overwritten(world) for _ in range(4)] == [ONE, ONE, ONE, FOUR]
    assert world.target().number == 4
    assert "put back three times" in world.activity.events[-1].detail
    assert [one.detail.count("it is put back") for one in world.activity.events if one.name == "tag-overwritten"] == [
        1,
        1,
        1,
        0,
    ]
    world.pass_time(timedelta(days=2))
    world.look_at_base()
    rests(world)
    assert borne(world) == FOUR
    assert overwritten(world) == FOUR


@pytest.mark.parametrize("acts", [True, False], ids=["a person acts", "others mend it and a day is quiet"])
def test_a_tag_that_was_fought_over_is_put_back_again_once(*, acts: bool) -> None:
    world = World(WATCH_LIST + b"    drift: repair\n")
    moves(world, ONE)
    assert [overwritten(world) for _ in range(4)][-1] == FOUR
    if acts:
        world.ruler.hold("node", said(world), listed=True)
        world.ruler.resume("node", said(world))
    else:
        world.base.push(TARGET, TAG, ONE)
        world.look_at_base()
        rests(world)
        world.pass_time(timedelta(days=1))
    assert overwritten(world) == ONE


@pytest.mark.parametrize("built_on", [ONE, THREE], ids=["that very digest", "what the first filling spared"])
def test_a_first_filling_that_was_deleted_and_put_back_rebuilds_nothing(world: World, built_on: Digest) -> None:
    world.application_runs.application_tasks = (application_task(built_on),)
    deleted_and_put_back(world)
    assert (borne(world), world.target().number, world.rebuilt()) == (ONE, 1, [])


def test_what_was_adopted_on_a_return_and_is_deleted_and_put_back_rebuilds_nothing(world: World) -> None:
    leaves(world)
    looks(world, check_first=True)
    world.application_runs.application_tasks = (application_task(FOUR),)
    world.start()
    before = world.application_runs.started.total()
    deleted_and_put_back(world)
    assert (borne(world), world.target().why, world.application_runs.started.total()) == (FOUR, Why.ADOPTED, before)


def deleted_and_put_back(world: World) -> None:
    """Somebody deletes the tag; it is put back, the registry tells of that push, and the tasks are compared."""
    digest = world.target().wanted
    world.base.untag(TARGET, TAG)
    for _ in range(3):
        world.look_at_base()
        rests(world)
    assert borne(world) == digest
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=digest))
    rests(world)
    world.sweep()
    rests(world)
