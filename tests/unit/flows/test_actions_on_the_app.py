"""What people do, over the whole app in memory: it is decided, brought about, rebuilt, and holds against what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.rulings import Kind
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.errors import Conflict, MalformedRequest, ServiceError, Unavailable
from shared.target_ports import StoredTarget
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World, application_task

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
TWO_TAGS = b"""
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine, 22]
    target: base/node
"""


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted twice, and whose application is built on the second digest."""
    made = World()
    promoted(made, ONE, TWO)
    built(made, TWO)
    return made


def promoted(world: World, *digests: Digest) -> None:
    """Let the tag move and be checked, until all is quiet."""
    for digest in digests:
        world.push(digest)
        world.check()
        world.settle()


def built(world: World, digest: Digest) -> None:
    """Let the task say what it was built on."""
    world.application_runs.application_tasks = (application_task(digest),)


def said(world: World, by: str = "ada") -> Said:
    """Say something now."""
    world.pass_time(timedelta(seconds=1))
    return Said(by, "it broke the shop", world.clock())


def done(outcome: Target | Declined) -> Target:
    """Return what an action led to; it must not be refused."""
    assert isinstance(outcome, Target), outcome
    return outcome


def refused(outcome: Target | Declined) -> Refusal:
    """Return why an action is refused."""
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def borne(world: World, tag: Tag = TAG) -> Digest:
    """Return what the tag bears in the base registry."""
    return world.base.tags[TARGET, tag]


def lines(world: World, subject: str) -> list[str]:
    """Return the names of the lines of the activity log about something, oldest first."""
    return [event.name for event in world.activity.events if event.subject == subject]


def sweeps(world: World) -> None:
    """Let time pass, with sweeps."""
    for _ in range(3):
        world.settle()
        world.pass_time(timedelta(minutes=4))
        world.sweep()
    world.settle()


# Rolling back.


def test_a_rollback_rebuilds_the_application_and_holds_against_the_next_check_but_not_a_newer_digest(
    world: World,
) -> None:
    runs = world.application_runs.started.total()
    done(world.actor.roll_back(ID, None, said(world)))
    world.settle()
    assert borne(world) == ONE
    assert world.application_runs.started.total() == runs + 1
    assert max(one.decision for one in world.rebuilt()) == world.target().number == 3
    built(world, ONE)
    world.check()
    sweeps(world)
    assert borne(world) == ONE
    promoted(world, THREE)
    assert (borne(world), world.target().why) == (THREE, Why.NEWEST)


def test_rolling_back_twice_is_rolling_back_once(world: World) -> None:
    first = done(world.actor.roll_back(ID, None, said(world)))
    assert world.actor.roll_back(ID, None, said(world, "bob")) == first
    world.settle()
    there = world.target()
    assert world.actor.roll_back(ID, None, said(world, "bob")) == there
    assert lines(world, f"target:{ID}") == ["rolled-back"]
    assert world.outbox.next_due() is None


@pytest.mark.parametrize("moment", ["activity.after:append", "targets.after:replace", "outbox.before:send"])
def test_whoever_dies_within_a_rollback_leaves_it_undone_or_to_the_sweep(world: World, moment: str) -> None:
    deaths = iter([moment])

    def die(now: str) -> None:
        if now == moment and next(deaths, None):
            raise Died

    world.hook = die
    with pytest.raises(Died):
        world.actor.roll_back(ID, None, said(world))
    world.start()
    sweeps(world)
    assert borne(world) == (TWO if moment.startswith("activity") else ONE)
    done(world.actor.roll_back(ID, None, said(world)))
    sweeps(world)
    assert (borne(world), world.target().number) == (ONE, 3)


def test_what_nobody_has_any_more_is_refused_beforehand(world: World) -> None:
    before = world.target()
    world.base.purge(TARGET, ONE)
    world.staging.purge(TARGET, ONE)
    world.hub.purge(NODE, ONE)
    assert refused(world.actor.roll_back(ID, None, said(world))) is Refusal.NOWHERE
    assert refused(world.actor.pin(ID, ONE, None, said(world))) is Refusal.NOWHERE
    assert world.target() == before
    assert lines(world, f"target:{ID}") == []


def test_where_nobody_can_say_whether_it_can_be_had_nothing_is_done(world: World) -> None:
    world.base.purge(TARGET, ONE)
    world.staging.purge(TARGET, ONE)
    world.hub.trouble(NODE, Unavailable("503"))
    with pytest.raises(Unavailable):
        world.actor.roll_back(ID, None, said(world))
    assert world.target().number == 2


def test_what_only_its_upstream_has_is_fetched_from_there(world: World) -> None:
    world.base.purge(TARGET, ONE)
    world.staging.purge(TARGET, ONE)
    done(world.actor.roll_back(ID, None, said(world)))
    world.settle()
    assert borne(world) == ONE


@pytest.mark.parametrize("target", [f"{BASE}~base~python~3", "otherbase~base~node~22-alpine"])
def test_a_target_that_is_not_there_or_of_an_earlier_base_registry_is_not_found(world: World, target: str) -> None:
    world.targets.insert(msgspec.structs.replace(world.target(), registry="otherbase"))
    with pytest.raises(MalformedRequest, match="there is no target") as error:
        world.actor.roll_back(target, None, said(world))
    assert error.value.status == 404


# Pinning.


def test_a_pin_holds_until_its_date_and_then_the_newest_is_promoted_without_anybody_asking(world: World) -> None:
    until = world.clock() + timedelta(hours=2)
    done(world.actor.pin(ID, ONE, until, said(world)))
    promoted(world, THREE)
    sweeps(world)
    assert borne(world) == ONE
    world.pass_time(timedelta(hours=2))
    sweeps(world)
    assert borne(world) == THREE


def test_after_unpinning_what_came_meanwhile_is_promoted(world: World) -> None:
    done(world.actor.pin(ID, None, None, said(world)))
    promoted(world, THREE)
    assert borne(world) == TWO
    done(world.actor.unpin(ID, said(world)))
    done(world.actor.unpin(ID, said(world)))
    world.settle()
    assert borne(world) == THREE
    assert lines(world, f"target:{ID}") == ["pinned", "unpinned"]


# Promoting against the gate.


def test_a_rejected_digest_is_promoted_against_its_gate_rebuilds_and_says_so_for_ever(world: World) -> None:
    world.staging_runs.end(THREE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    promoted(world, THREE)
    assert borne(world) == TWO
    done(world.take_against_gate(THREE))
    world.settle()
    assert (borne(world), world.target().why) == (THREE, Why.AGAINST_GATE)
    assert world.status(THREE) is Status.REJECTED
    assert max(one.decision for one in world.rebuilt()) == world.target().number
    done(world.actor.roll_back(ID, None, said(world)))
    world.settle()
    assert borne(world) == TWO
    assert [one.digest for one in world.target().forced] == [THREE]
    assert lines(world, f"target:{ID}") == [
        "override-asked",
        "promoted-against-its-gate",
        "rolled-back",
    ]


def test_an_untested_digest_is_promoted_from_its_upstream_while_its_gate_still_runs(world: World) -> None:
    world.staging_runs.looks = 1000
    world.push(THREE)
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    done(world.take_against_gate(THREE))
    for _ in range(20):
        due = world.outbox.next_due()
        assert due is not None
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    assert borne(world) == THREE
    world.staging_runs.finish()
    world.settle()
    assert (world.target().wanted, world.target().why, world.target().number) == (THREE, Why.AGAINST_GATE, 3)


# Blocking.


def test_blocking_what_is_in_force_brings_back_the_digest_before_and_rebuilds(world: World) -> None:
    ruled = world.ruler.block(TWO, said(world))
    assert [one.id for one in ruled.targets] == [ID]
    world.settle()
    assert borne(world) == ONE
    assert max(one.decision for one in world.rebuilt()) == 3
    world.check(image="node")
    sweeps(world)
    assert borne(world) == ONE
    world.ruler.release(TWO, said(world))
    world.settle()
    assert borne(world) == TWO
    assert lines(world, f"digest:{TWO}") == ["blocked", "released"]


def test_blocking_the_only_digest_withdraws_it_and_leaves_the_tag_and_tells() -> None:
    world = World()
    promoted(world, ONE)
    world.ruler.block(ONE, said(world))
    sweeps(world)
    assert (world.target().wanted, world.target().why) == ("", Why.WITHDRAWN)
    assert borne(world) == ONE
    assert lines(world, f"target:{ID}") == ["withdrawn"]
    promoted(world, TWO)
    assert borne(world) == TWO


def test_a_digest_that_was_blocked_before_anybody_saw_it_is_never_promoted_by_any_tag() -> None:
    world = World(TWO_TAGS)
    assert world.ruler.block(TWO, said(world)).targets == ()
    for digest in (ONE, TWO):
        for tag in (TAG, Tag("22")):
            world.push(digest, tag)
        world.check()
        world.settle()
    assert [borne(world, tag) for tag in (TAG, Tag("22"))] == [ONE, ONE]
    assert all(world.target(tag).blocked for tag in (TAG, Tag("22")))
    assert world.base.imports[TARGET, TAG, TWO] == 0
    assert {one.id for one in world.ruler.release(TWO, said(world)).targets} == {ID, f"{BASE}~base~node~22"}
    world.settle()
    assert [borne(world, tag) for tag in (TAG, Tag("22"))] == [TWO, TWO]


def test_a_block_holds_against_an_import_that_has_begun(world: World) -> None:
    world.push(THREE)
    world.check()
    while world.target().importing is None:
        due = world.outbox.next_due()
        assert due is not None
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.ruler.block(THREE, said(world))
    assert world.target().importing is not None
    world.settle()
    assert borne(world) == TWO
    assert world.target().seen == TWO
    assert THREE not in {one.base_digest for one in world.rebuilt()}


def test_what_is_blocked_can_be_had_by_no_action_also_where_its_target_was_not_told(world: World) -> None:
    world.ruler.block(THREE, said(world))
    world.hub.push(NODE, Tag("other"), THREE)
    assert refused(world.take_against_gate(THREE)) is Refusal.BLOCKED


def test_blocking_twice_is_blocking_once(world: World) -> None:
    first = world.ruler.block(TWO, said(world))
    world.settle()
    again = world.ruler.block(TWO, said(world, "bob"))
    assert again.ruling == first.ruling
    assert world.target().number == 3
    assert lines(world, f"digest:{TWO}") == ["blocked"]


@pytest.mark.parametrize(
    "moment", ["activity.after:append", "rulings.after:put", "targets.after:replace", "outbox.before:send"]
)
def test_whoever_dies_within_a_block_leaves_it_undone_or_to_the_sweep(world: World, moment: str) -> None:
    deaths = iter([moment])

    def die(now: str) -> None:
        if now == moment and next(deaths, None):
            raise Died

    world.hook = die
    with pytest.raises(Died):
        world.ruler.block(TWO, said(world))
    world.start()
    sweeps(world)
    assert borne(world) == (TWO if moment.startswith("activity") else ONE)
    world.ruler.block(TWO, said(world))
    sweeps(world)
    assert (borne(world), world.target().number) == (ONE, 3)
    assert not any(one.open for one in world.rulings.every())


def test_a_target_that_cannot_be_read_keeps_no_other_one_from_being_told_and_is_told_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.targets.every

    def spoiled(registry: str, after: str = "") -> Iterator[StoredTarget]:
        yield from real(registry, after)
        raise ServiceError("1 rows cannot be read", code="UnreadableRow")

    with monkeypatch.context() as patch:
        patch.setattr(world.targets, "every", spoiled)
        with pytest.raises(ServiceError, match="cannot be read"):
            world.ruler.block(TWO, said(world))
        with pytest.raises(ServiceError, match="cannot be read"):
            world.ruler.hold("node", said(world), listed=True)
        world.settle()
        assert borne(world) == ONE
        assert world.target().hold is not None
        assert [one.open for one in world.rulings.every()] == [True, True]
        with pytest.raises(ServiceError, match="cannot be read"):
            world.ruler.finish()
    sweeps(world)
    assert not any(one.open for one in world.rulings.every())


def test_whoever_dies_within_one_ruling_has_it_told_although_another_meets_a_row_that_cannot_be_read(
    world: World,
) -> None:
    with suppress(Unavailable):
        world.targets.fail("every", Unavailable("503"))
        world.ruler.block(THREE, said(world))
    with suppress(Unavailable):
        world.targets.fail("every", Unavailable("503"))
        world.ruler.block(TWO, said(world))
    world.targets.fail("every", ServiceError("1 rows cannot be read", code="UnreadableRow"))
    with pytest.raises(ServiceError, match="cannot be read"):
        world.ruler.finish()
    assert [one.open for one in world.rulings.every()].count(True) == 1


def test_whoever_releases_while_another_one_blocks_has_the_last_word(world: World) -> None:
    taken_back = iter([True])

    def release(moment: str) -> None:
        if moment == "targets.before:replace" and next(taken_back, False):
            world.hook = None
            world.ruler.release(TWO, said(world, "bob"))

    world.hook = release
    ruled = world.ruler.block(TWO, said(world))
    assert not ruled.ruling.in_force
    sweeps(world)
    assert (borne(world), world.target().blocked) == (TWO, ())


def test_a_digest_that_was_never_blocked_cannot_be_released(world: World) -> None:
    with pytest.raises(MalformedRequest, match="nobody ever said anything") as error:
        world.ruler.release(TWO, said(world))
    assert error.value.status == 404


def test_nothing_is_decided_while_nobody_can_tell_what_is_blocked(world: World) -> None:
    world.rulings.fail("every", Unavailable("503"))
    world.push(THREE)
    world.check()
    world.settle()
    assert world.target().wanted == TWO
    sweeps(world)
    assert borne(world) == THREE


# Holding.


def test_while_an_entry_is_held_nothing_is_decided_for_its_targets_nor_for_those_it_gets_later() -> None:
    world = World(TWO_TAGS)
    promoted(world, ONE)
    held = world.ruler.hold("node", said(world), listed=True)
    assert [one.id for one in held.targets] == [ID]
    world.push(TWO, Tag("22"))
    promoted(world, TWO)
    sweeps(world)
    assert borne(world) == ONE
    assert (TARGET, Tag("22")) not in world.base.tags
    resumed = world.ruler.resume("node", said(world))
    assert len(resumed.targets) == 2
    world.settle()
    assert [borne(world, tag) for tag in (TAG, Tag("22"))] == [TWO, TWO]
    assert lines(world, "image:node") == ["held", "resumed"]


def hold(world: World) -> None:
    """Hold the entry."""
    world.ruler.hold("node", said(world), listed=True)


def pin(world: World) -> None:
    """Pin what is in force."""
    done(world.actor.pin(ID, None, None, said(world)))


def back(world: World) -> None:
    """Go back, to what the next digest does not come after."""
    noticed(world, THREE)
    done(world.actor.roll_back(ID, None, said(world)))


def block(world: World) -> None:
    """Block the next digest."""
    world.ruler.block(THREE, said(world))


def noticed(world: World, digest: Digest) -> None:
    """Let a digest be seen, and its gate not end."""
    world.push(digest)
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)


@pytest.mark.parametrize("say", [hold, pin, back, block])
def test_what_passes_and_is_not_taken_for_what_people_said_waits_for_nothing_and_is_promoted_when_they_take_it_back(
    world: World, say: Callable[[World], None]
) -> None:
    say(world)
    promoted(world, THREE)
    assert (world.status(THREE), world.candidate(THREE).last.reason) == (Status.SUPERSEDED, Reason.OVERRULED)
    sweeps(world)
    assert borne(world) != THREE
    assert world.candidate(THREE).last.reason is Reason.OVERRULED
    if say is back:
        return
    for take_back in (
        lambda: world.ruler.resume("node", said(world)),
        lambda: world.actor.unpin(ID, said(world)),
        lambda: world.ruler.release(THREE, said(world)),
    ):
        with suppress(MalformedRequest):
            take_back()
    sweeps(world)
    assert (borne(world), world.status(THREE)) == (THREE, Status.PROMOTED)


def renamed_while_held() -> World:
    """Return a world whose entry was held, then got another name; a newer digest has passed since."""
    world = World()
    promoted(world, ONE)
    world.ruler.hold("node", said(world), listed=True)
    world.configuration.text = WATCH_LIST.replace(b"name: node", b"name: nodejs")
    world.start()
    promoted(world, TWO)
    assert (world.target().origin.image, borne(world)) == ("nodejs", ONE)
    return world


def test_an_entry_that_got_another_name_while_it_was_held_is_resumed_by_the_name_it_was_held_by() -> None:
    world = renamed_while_held()
    world.ruler.resume("node", said(world))
    world.settle()
    assert (world.target().hold, borne(world)) == (None, TWO)


def test_an_entry_that_is_held_by_its_new_name_too_is_resumed_by_that_one() -> None:
    world = renamed_while_held()
    world.ruler.hold("nodejs", said(world), listed=True)
    world.ruler.resume("node", said(world))
    world.settle()
    assert borne(world) == ONE
    world.ruler.resume("nodejs", said(world))
    world.settle()
    assert (world.target().hold, borne(world)) == (None, TWO)


def test_what_was_decided_before_it_was_held_is_finished_with_its_rebuilds(world: World) -> None:
    done(world.actor.roll_back(ID, None, said(world)))
    world.ruler.hold("node", said(world), listed=True)
    world.settle()
    assert borne(world) == ONE
    assert max(one.decision for one in world.rebuilt()) == 3


def test_what_is_blocked_while_it_is_held_is_withdrawn_when_it_is_resumed(world: World) -> None:
    world.ruler.hold("node", said(world), listed=True)
    world.ruler.block(TWO, said(world))
    sweeps(world)
    assert borne(world) == TWO
    world.ruler.resume("node", said(world))
    sweeps(world)
    assert borne(world) == ONE


def test_an_entry_that_left_the_list_can_be_held_while_it_has_targets_and_an_unknown_one_cannot(world: World) -> None:
    assert world.ruler.hold("node", said(world), listed=False).ruling.kind is Kind.HOLD
    hold: Callable[[], object] = lambda: world.ruler.hold("python", said(world), listed=False)  # noqa: E731
    with pytest.raises(MalformedRequest, match="neither the watch list nor any target"):
        hold()
    with pytest.raises(MalformedRequest, match="nobody ever said anything of image python"):
        world.ruler.resume("python", said(world))


def test_a_sweep_leaves_what_somebody_changes_all_the_while_to_the_next_one_and_tells_the_others(world: World) -> None:
    for digest in (TWO, THREE):
        with suppress(Unavailable):
            world.targets.fail("every", Unavailable("503"))
            world.ruler.block(digest, said(world))
    contested = next(iter(world.rulings.every()))
    for _ in range(3):
        world.rulings.fail("put", Conflict("somebody changed it meanwhile"))
    assert world.ruler.finish() == 2
    assert [one.subject for one in world.rulings.every() if one.open] == [contested.subject]
    sweeps(world)
    assert not any(one.open for one in world.rulings.every())
