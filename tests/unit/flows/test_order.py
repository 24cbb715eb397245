"""The base registry ends on what the upstream tag bore last, whatever ends when, and whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.events.messages import CheckRepositories
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Why
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import NotFound, OperationFailed, Refused, Unavailable
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted."""
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    return made


def step(world: World) -> None:
    """Deliver what is due next."""
    due = world.outbox.next_due()
    assert due is not None
    world.clock.now = max(world.clock.now, due)
    for delivery in world.outbox.deliver():
        world.work(delivery)


def until(world: World, reached: Callable[[], bool]) -> None:
    """Deliver messages until something is so."""
    for _ in range(200):
        if reached():
            return
        step(world)
    raise AssertionError("it never came to that")


def seen(world: World, digest: str) -> None:
    """Let the tag move and be looked at; nothing that follows from it happens yet."""
    world.push(digest)
    world.check()
    for delivery in world.outbox.deliver():
        if delivery.asks_for(CheckRepositories):
            world.work(delivery)
        else:
            world.outbox.put_back(delivery)


def quiet(world: World, days: int = 0) -> None:
    """Let time pass, with a sweep every two minutes for twenty minutes, then hours apart."""
    pauses = [2 * MINUTE] * 10 + [timedelta(hours=2)] * (12 * days)
    for pause in pauses:
        world.settle()
        world.pass_time(pause)
        world.sweep()
    world.settle()


def base(world: World) -> str:
    """What the base registry's tag points at."""
    return world.base.tags[TARGET, TAG]


def importing(world: World, digest: str) -> Callable[[], bool]:
    """Whether the base registry was asked to copy a digest and has not done so yet."""

    def asked() -> bool:
        under_way = world.target().importing
        return under_way is not None and under_way.digest == digest

    return asked


def passed(world: World, digest: str) -> Callable[[], bool]:
    """Whether a digest has passed its gate."""
    return lambda: digest in world.target().passed


def test_a_tag_that_moves_back_while_its_digest_waits_and_meets_trouble_waits_for_nobody(world: World) -> None:
    world.base.looks = 40
    seen(world, TWO)
    until(world, importing(world, TWO))
    seen(world, THREE)
    until(world, passed(world, THREE))
    world.base.fail("start_import", Unavailable("503"))
    until(world, lambda: base(world) == TWO)
    seen(world, TWO)
    quiet(world)
    assert base(world) == TWO
    assert world.target().importing is None
    seen(world, digest_of("four"))
    quiet(world)
    assert base(world) == digest_of("four"), "and nobody behind them waits either"


def test_a_tag_that_returns_to_what_is_still_being_promoted_ends_there(world: World) -> None:
    world.base.looks = 40
    seen(world, TWO)
    until(world, importing(world, TWO))
    seen(world, THREE)
    seen(world, TWO)
    quiet(world)
    assert base(world) == TWO
    assert world.status(THREE) is Status.SUPERSEDED


def test_of_three_digests_that_passed_at_once_the_last_seen_arrives_last(world: World) -> None:
    for rest in ("a", "b", "c", "d", "e"):
        first, second, third = (digest_of(f"{number}{rest}") for number in range(3))
        world.base.looks = 20
        seen(world, first)
        until(world, importing(world, first))
        seen(world, second)
        until(world, passed(world, second))
        seen(world, third)
        until(world, passed(world, third))
        quiet(world)
        assert base(world) == third
        assert world.base.imports[TARGET, TAG, second] == 0, "what nobody wants any more is not imported"
        assert world.status(second) is Status.SUPERSEDED


def test_gates_that_end_in_another_order_than_they_began_do_not_change_which_digest_wins(world: World) -> None:
    world.staging_runs.looks = 1
    seen(world, TWO)
    until(world, passed(world, TWO))
    seen(world, THREE)
    until(world, passed(world, THREE))
    quiet(world)
    seen(world, TWO)
    quiet(world)
    assert base(world) == TWO
    assert world.staging_runs.started[TWO] == 1, "what passed once is not tested again"


def moments_of_a_check() -> int:
    """Count the moments before and after every write of a check that finds a tag moved."""
    world, seen_moments = World(), list[str]()
    world.push(ONE)
    world.check()
    world.settle()
    world.push(TWO)
    world.check()
    world.hook = seen_moments.append
    for delivery in world.outbox.deliver():
        world.work(delivery)
    return len(seen_moments)


@pytest.mark.parametrize("moment", range(moments_of_a_check()))
def test_a_check_that_dies_anywhere_and_a_tag_that_moves_back_leave_the_right_digest(world: World, moment: int) -> None:
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.push(TWO)
    world.check()
    world.hook = die
    for delivery in world.outbox.deliver():
        world.work(delivery)
    world.hook = None
    assert left < 0, "the process was to die, and did not"
    world.outbox.waiting = [item for item in world.outbox.waiting if not item[2].asks_for(CheckRepositories)]
    seen(world, ONE)
    quiet(world)
    assert base(world) == ONE
    seen(world, TWO)
    quiet(world)
    assert base(world) == TWO


def test_a_slow_check_does_not_write_its_older_look_over_a_newer_one(world: World) -> None:
    def overtake(moment: str) -> None:
        if moment == "observations.before:save":
            world.hook = None
            seen(world, THREE)

    world.push(TWO)
    world.check()
    world.hook = overtake
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.observations.of(NODE).tags[TAG].digest == THREE
    quiet(world)
    assert base(world) == THREE


def test_an_import_whose_answer_was_lost_and_which_ends_late_is_noticed_and_put_right(world: World) -> None:
    def lose(moment: str) -> None:
        if moment == "base.after:start_import":
            world.hook = None
            raise Unavailable("the answer was lost")

    world.base.looks = 1000
    world.hook = lose
    seen(world, TWO)
    until(world, lambda: world.target().failures == 1)
    seen(world, THREE)
    world.base.looks = 1
    until(world, lambda: base(world) == THREE)
    world.base.push(TARGET, TAG, TWO)
    quiet(world, days=1)
    assert base(world) == THREE
    assert world.target().unsettled == (), "by then it is too old to come back"


def test_what_others_push_over_a_promoted_digest_is_not_fought(world: World) -> None:
    seen(world, TWO)
    quiet(world)
    world.base.push(TARGET, TAG, THREE)
    quiet(world, days=1)
    assert base(world) == THREE


def test_a_digest_that_was_deleted_upstream_while_it_was_imported_arrives_once_it_is_restored(world: World) -> None:
    world.staging.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))
    seen(world, TWO)
    world.settle()
    assert world.status(TWO) is Status.FAILED
    world.hub.delete(NODE, TAG)
    for _ in range(3):
        world.check()
        world.settle()
    seen(world, TWO)
    quiet(world)
    assert base(world) == TWO


def test_what_failed_is_tried_again_a_day_later_while_its_tag_still_wants_it(world: World) -> None:
    world.staging.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))
    seen(world, TWO)
    quiet(world)
    assert world.status(TWO) is Status.FAILED
    quiet(world, days=2)
    assert base(world) == TWO


def test_a_digest_that_is_gone_upstream_is_told_once_and_its_history_does_not_grow(world: World) -> None:
    seen(world, TWO)
    world.hub.purge(NODE, TWO)
    quiet(world)
    reasons = [change.reason for change in world.candidate(TWO).history]
    assert reasons[-1] is Reason.REFUSED
    for _ in range(8):
        quiet(world, days=1)
    history = world.candidate(TWO).history
    retried = [Reason.SEEN_AGAIN, Reason.IMPORT_STARTED, Reason.STILL_FAILING]
    assert [change.reason for change in history] == reasons + retried
    assert history[-1].times == world.candidate(TWO).generation - 1 > 3
    assert world.target().awaited is not None


def test_a_digest_that_is_gone_upstream_is_waited_for_by_nobody_once_its_source_bears_another(world: World) -> None:
    seen(world, TWO)
    world.hub.purge(NODE, TWO)
    quiet(world, days=2)
    tried = world.staging.imports.copy()
    seen(world, THREE)
    quiet(world, days=1)
    assert (base(world), world.target().awaited) == (THREE, None)
    before = world.candidate(TWO)
    quiet(world, days=3)
    assert world.candidate(TWO) == before
    assert sum(number for (_, _, digest), number in (world.staging.imports - tried).items() if digest == TWO) == 0


def test_a_base_registry_that_refuses_is_asked_again_a_day_later_and_the_candidate_says_how_it_went(
    world: World,
) -> None:
    world.base.fail("start_import", Refused("the registry is locked"))
    seen(world, TWO)
    quiet(world)
    assert (world.status(TWO), world.candidate(TWO).last.detail) == (Status.FAILED, "the registry is locked")
    quiet(world, days=2)
    assert base(world) == TWO
    assert world.status(TWO) is Status.PROMOTED


def test_a_digest_that_passed_long_ago_and_is_not_in_staging_any_more_is_fetched_and_tested_again(
    world: World,
) -> None:
    seen(world, TWO)
    quiet(world)
    world.base.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))
    seen(world, ONE)
    quiet(world)
    assert base(world) == ONE
    assert world.staging_runs.started[ONE] == 2


def test_a_digest_that_passed_another_gate_than_its_entry_names_now_is_tested_again_when_its_tag_returns(
    world: World,
) -> None:
    seen(world, TWO)
    quiet(world)
    world.configuration.gates["stricter"] = world.configuration.gates["node"]
    world.configuration.text = WATCH_LIST.replace(b"gate: node", b"gate: stricter")
    seen(world, ONE)
    quiet(world)
    assert base(world) == ONE
    assert world.staging_runs.started[ONE] == 2


def test_a_rejected_digest_leaves_what_is_in_force_and_nothing_waits_for_it(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    seen(world, TWO)
    quiet(world)
    target = world.target()
    assert (target.wanted, target.why, target.number) == (ONE, Why.NEWEST, 1)
    assert (target.awaited, target.look_at) == (None, None)


def test_an_entry_that_changes_its_source_follows_the_new_one(world: World) -> None:
    other = NODE.__class__("docker.io", "library/other")
    world.pass_time(MINUTE)
    world.configuration.text = WATCH_LIST.replace(b"library/node", b"library/other")
    world.hub.push(other, TAG, TWO)
    world.check()
    quiet(world)
    assert base(world) == TWO


def test_two_checks_that_save_side_by_side_ask_the_upstream_once_each_and_neither_breaks_off(world: World) -> None:
    def overtake(moment: str) -> None:
        if moment == "observations.before:save":
            world.hook = saved
            world.check()
            for delivery in world.outbox.deliver():
                world.work(delivery)

    def saved(moment: str) -> None:
        if moment == "observations.after:save":
            world.hook = None

    world.pass_time(timedelta(hours=1))
    asked = world.hub.asked.total()
    world.check()
    world.hook = overtake
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.hub.asked.total() - asked == 2
    assert world.observations.of(NODE).state.checked_at == world.clock()
