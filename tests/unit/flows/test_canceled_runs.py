"""A run is asked to end when no tag wants its candidate any more; it decides nothing, and nobody waits for it."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from shared.domain.events.messages import CheckRepositories
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Said
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import NotPermitted, Paced, RateLimited, Refused, TidegateError, Unavailable
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

OTHER = WATCH_LIST.replace(b"[22-alpine]", b'[22-alpine, "22"]')


def seen(world: World, digest: str, tag: str = TAG) -> None:
    """Let a tag move and be looked at; nothing that follows from it happens yet."""
    world.push(digest, tag)
    world.check()
    for delivery in world.outbox.deliver():
        if delivery.asks_for(CheckRepositories):
            world.work(delivery)
        else:
            world.outbox.put_back(delivery)


def being_tested(watch_list: bytes = WATCH_LIST, *, tells_ids: bool = True) -> World:
    """Return a world whose second digest is being tested, in a run that takes long."""
    world = World(watch_list)
    world.push(ONE)
    world.check()
    world.settle()
    world.staging_runs.tells_ids = tells_ids
    world.staging_runs.looks = 100
    seen(world, TWO)
    world.until(TWO, Status.VALIDATING)
    return world


def finish(world: World) -> None:
    """Let everything come to its end, with sweeps."""
    world.staging_runs.looks = 1
    for _ in range(3):
        world.settle()
        world.pass_time(timedelta(minutes=6))
        with contextlib.suppress(Died):
            world.sweep()
    world.settle()


def reasons(world: World, digest: str) -> list[Reason]:
    return [change.reason for change in world.candidate(digest).history]


def test_the_run_of_a_candidate_that_was_superseded_is_asked_to_end_once() -> None:
    world = being_tested()
    run_id = world.candidate(TWO).live_run
    seen(world, THREE)
    assert world.status(TWO) is Status.CANCELLING
    finish(world)
    assert (world.staging_runs.canceled, world.staging_runs.asked["cancel"]) == ([run_id], 1)
    record = world.candidate(TWO)
    assert (record.status, record.unwanted, record.live_run) == (Status.SUPERSEDED, None, "")
    assert reasons(world, TWO)[-2:] == [Reason.RUN_UNWANTED, Reason.NEWER_DIGEST]
    assert record.last.detail == f"run {run_id} was asked to end"
    assert world.base.tags[TARGET, TAG] == THREE


def test_a_canceled_run_is_no_verdict_for_whoever_looked_at_it_meanwhile() -> None:
    world = being_tested()
    read = world.candidates.get(world.candidate(TWO).id)
    assert read is not None
    seen(world, THREE)
    finish(world)
    ended = world.candidate(TWO)
    world.validator.validate(read)
    assert world.candidate(TWO) == ended
    assert Reason.GATE_UNDECIDED not in reasons(world, TWO)


def test_a_digest_that_a_tag_returns_to_after_its_run_was_canceled_is_tested_anew() -> None:
    world = being_tested()
    seen(world, THREE)
    finish(world)
    seen(world, TWO)
    finish(world)
    assert world.staging_runs.started[TWO] == 2
    assert (world.status(TWO), world.candidate(TWO).runs, world.candidate(TWO).failures) == (Status.PROMOTED, 1, 0)
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_tag_that_returns_while_the_run_is_about_to_end_gets_its_digest_in_the_end() -> None:
    world = being_tested()
    seen(world, THREE)
    seen(world, TWO)
    assert world.status(TWO) is Status.CANCELLING
    for _ in range(4):
        finish(world)
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_run_is_left_alone_while_another_tag_wants_its_candidate() -> None:
    world = being_tested(OTHER)
    seen(world, TWO, "22")
    seen(world, THREE)
    finish(world)
    assert world.staging_runs.canceled == []
    assert world.base.tags[TARGET, "22"] == TWO


def test_the_run_of_a_candidate_that_left_the_list_is_asked_to_end() -> None:
    world = being_tested()
    world.detector.let_go(world.target())
    assert world.status(TWO) is Status.VALIDATING, "a tag that is still listed wants it"
    world.configuration.text = WATCH_LIST.replace(b"[22-alpine]", b"[20-alpine]")
    for _ in range(3):
        world.look_at_base()
        world.settle()
        world.pass_time(timedelta(minutes=10))
    finish(world)
    assert len(world.staging_runs.canceled) == 1
    assert (world.status(TWO), world.candidate(TWO).last.reason) == (Status.SUPERSEDED, Reason.LEFT_THE_LIST)
    assert "has left the watch list; run" in world.candidate(TWO).last.detail


def test_the_run_of_a_digest_that_is_blocked_is_asked_to_end_and_nobody_tests_it_again() -> None:
    world = being_tested()
    world.ruler.block(TWO, Said("ann", "it leaks", world.clock()))
    for _ in range(3):
        finish(world)
        world.check()
    assert len(world.staging_runs.canceled) == 1
    assert (world.status(TWO), world.candidate(TWO).last.reason) == (Status.SUPERSEDED, Reason.OVERRULED)
    assert world.candidate(TWO).last.detail.startswith(f"{TWO} is blocked; run")
    assert (world.staging_runs.started[TWO], world.base.tags[TARGET, TAG]) == (1, ONE)


def test_a_digest_that_is_released_after_its_run_was_canceled_is_tested_anew() -> None:
    world = being_tested()
    world.ruler.block(TWO, Said("ann", "it leaks", world.clock()))
    for _ in range(4):
        finish(world)
    world.ruler.release(TWO, Said("ann", "it does not", world.clock()))
    finish(world)
    assert (world.staging_runs.started[TWO], world.status(TWO)) == (2, Status.PROMOTED)
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_death_while_a_digest_is_blocked_leaves_its_run_to_the_sweep() -> None:
    def block(world: World) -> None:
        with contextlib.suppress(Died):
            world.ruler.block(TWO, Said("ann", "it leaks", world.clock()))

    world, moments = being_tested(), list[str]()
    world.hook = moments.append
    block(world)
    for number, moment in enumerate(moments):
        world, left = being_tested(), [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise Died

        world.hook = die
        block(world)
        world.hook = None
        world.start()
        if world.rulings.every():
            world.sweep()
            finish(world)
            assert len(world.staging_runs.canceled) == 1, f"moment {number}: {moment}"
            assert world.status(TWO) is Status.SUPERSEDED, f"moment {number}: {moment}"


def test_a_run_that_has_ended_already_is_no_trouble() -> None:
    world = being_tested()
    seen(world, THREE)
    world.staging_runs.finish()
    finish(world)
    assert (world.staging_runs.canceled, world.status(TWO)) == ([], Status.SUPERSEDED)
    assert world.candidate(TWO).failures == 0


def test_a_candidate_that_has_no_run_ends_at_once() -> None:
    world = World()
    seen(world, ONE)
    world.until(ONE, Status.IMPORTING)
    seen(world, TWO)
    assert world.status(ONE) is Status.SUPERSEDED
    finish(world)
    assert world.staging_runs.asked["cancel"] == 0


def test_a_run_whose_id_nobody_wrote_down_is_found_by_its_name_once_it_must_have_been_asked_for() -> None:
    def die(moment: str) -> None:
        if moment == "staging_runs.after:start_gate":
            world.hook = None
            raise Died

    world = World()
    world.staging_runs.looks = 100
    world.hook = die
    seen(world, ONE)
    world.until(ONE, Status.VALIDATING)
    assert world.candidate(ONE).live_run == ""
    lease = world.candidate(ONE).look_at
    seen(world, TWO)
    assert (world.status(ONE), world.candidate(ONE).look_at) == (Status.CANCELLING, lease)
    finish(world)
    assert (len(world.staging_runs.canceled), world.status(ONE)) == (1, Status.SUPERSEDED)


def test_a_candidate_whose_run_was_never_asked_for_ends_without_one() -> None:
    def die(moment: str) -> None:
        if moment == "staging_runs.before:start_gate":
            world.hook = None
            raise Died

    world = World()
    world.hook = die
    seen(world, ONE)
    world.until(ONE, Status.VALIDATING)
    seen(world, TWO)
    finish(world)
    assert (world.staging_runs.asked["cancel"], world.status(ONE)) == (0, Status.SUPERSEDED)
    assert world.candidate(ONE).last.detail == "none of its runs is known to be under way"


@pytest.mark.parametrize("error", [Paced("not yet", retry_after=7), RateLimited("429"), Unavailable("503")])
def test_what_does_not_answer_is_asked_again(error: TidegateError) -> None:
    world = being_tested()
    world.staging_runs.fail("cancel", *[error] * 3)
    seen(world, THREE)
    finish(world)
    assert (len(world.staging_runs.canceled), world.status(TWO)) == (1, Status.SUPERSEDED)
    assert (Reason.TROUBLE in reasons(world, TWO)) == isinstance(error, Unavailable)


def test_waiting_for_a_turn_writes_nothing() -> None:
    at_once, waited = being_tested(), being_tested()
    writes, usual = list[str](), list[str]()
    at_once.hook, waited.hook = usual.append, writes.append
    waited.staging_runs.fail("cancel", *[Paced("not yet", retry_after=7)] * 20)
    for world in (at_once, waited):
        seen(world, THREE)
        finish(world)
    assert writes.count("candidates.before:replace") == usual.count("candidates.before:replace")


@pytest.mark.parametrize("error", [Refused("no"), NotPermitted("the role lacks it"), Unavailable("503")])
def test_a_run_that_cannot_be_ended_ends_by_itself_and_its_candidate_has_ended(error: TidegateError) -> None:
    world = being_tested()
    world.staging_runs.fail("cancel", *[error] * 20)
    seen(world, THREE)
    for _ in range(60):
        finish(world)
    record = world.candidate(TWO)
    assert (record.status, world.staging_runs.canceled) == (Status.SUPERSEDED, [])
    assert str(error) in record.last.detail
    assert world.base.tags[TARGET, TAG] == THREE


def moments() -> list[str]:
    """Return every moment at which the process may die from the check that finds a newer digest on."""
    world, found = being_tested(), list[str]()
    world.hook = found.append
    seen(world, THREE)
    finish(world)
    return found


@pytest.mark.parametrize("tells_ids", [True, False])
def test_a_death_at_any_moment_leaves_no_run_that_nobody_wants(tells_ids: bool) -> None:
    for number, moment in enumerate(moments()):
        world, left = being_tested(tells_ids=tells_ids), [number]

        def die(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise Died

        world.hook = die
        for _ in range(2):
            try:
                seen(world, THREE)
            except Died:
                world.start()
        finish(world)
        assert left[0] < 0, f"moment {number}: {moment} never came"
        assert world.status(TWO) is Status.SUPERSEDED, f"moment {number}: {moment}"
        assert len(world.staging_runs.canceled) == 1, f"moment {number}: {moment}"
        assert world.base.tags[TARGET, TAG] == THREE, f"moment {number}: {moment}"
        assert world.staging_runs.started[THREE] == 1, f"moment {number}: {moment}"


def test_what_is_about_to_be_canceled_holds_no_place_for_a_run() -> None:
    world = being_tested()
    world.most_gates = 1
    world.start()
    world.staging_runs.fail("cancel", *[Unavailable("503")] * 8)
    seen(world, THREE)
    world.staging_runs.looks = 1
    world.until(THREE, Status.PROMOTED)
    assert world.status(TWO) is Status.CANCELLING


def test_a_run_of_an_image_that_fails_meanwhile_rejects_nothing() -> None:
    world = being_tested()
    seen(world, THREE)
    world.staging_runs.end(digest_of("four"), RunStatus.FAILED)
    finish(world)
    assert world.candidate(TWO).passed_at is None
    assert world.hub.digest(NODE, TAG) == THREE
