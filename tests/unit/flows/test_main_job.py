"""One upstream change travels to a rebuilt application image, over doubles of everything outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.events.messages import BaseMoved, CheckRepositories, LookAtDue, decode
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import run_words
from shared.domain.promotion.due import Due
from shared.domain.promotion.rebuilds import Rebuild, RebuildStatus
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import NotFound, NotPermitted, OperationFailed, RateLimited, Refused, Unavailable
from tests.doubles.registries import BUILD_FAILED_LOG, TEST_FAILED_LOG
from tests.doubles.storage import InMemoryRecords
from tests.doubles.world import NODE, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World, application_task

pytestmark = pytest.mark.unit


@pytest.fixture
def world() -> World:
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    return made


def update(world: World, digest: str = TWO) -> None:
    world.push(digest)
    world.check()
    world.settle()


def test_the_first_look_at_a_tag_brings_it_into_the_base_registry(world: World) -> None:
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.candidate(ONE).history[0].reason is Reason.FIRST_IMPORT


def test_a_tag_that_moved_is_tested_promoted_and_rebuilt_upon(world: World) -> None:
    update(world)
    assert world.base.tags[TARGET, TAG] == TWO
    assert [gate.digest for _, gate in world.staging_runs.gates] == [ONE, TWO]
    assert {(r.base_digest, r.status) for r in world.rebuilt()} >= {(TWO, RebuildStatus.SUCCEEDED)}


def test_a_task_already_built_on_the_promoted_digest_is_not_run(world: World) -> None:
    world.application_runs.application_tasks = (application_task(TWO),)
    update(world)
    assert [r.status for r in world.rebuilt()] == [RebuildStatus.UP_TO_DATE]
    assert world.application_runs.started.total() == 0


def test_an_unchanged_tag_makes_nothing_happen(world: World) -> None:
    before = len(world.outbox.sent)
    world.check()
    world.settle()
    assert len(world.outbox.sent) == before + 1  # the check itself


def test_a_failing_test_rejects_the_digest_and_keeps_its_log(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    update(world)
    assert world.status(TWO) is Status.REJECTED
    assert world.base.tags[TARGET, TAG] == ONE
    kept = world.evidence.kept[world.candidate(TWO).id, "gate-1-1.log"].decode()
    assert kept == TEST_FAILED_LOG.format(words=run_words(world.candidate(TWO)))


def test_a_rejected_digest_stays_rejected_when_the_tag_comes_back_to_it(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    update(world, TWO)
    update(world, THREE)
    update(world, TWO)
    assert world.status(TWO) is Status.REJECTED
    assert world.staging_runs.started[TWO] == 1
    assert world.base.tags[TARGET, TAG] == THREE


def test_a_tag_that_returns_to_an_earlier_digest_is_promoted_and_rebuilt_upon_again_without_another_test(
    world: World,
) -> None:
    update(world, TWO)
    world.application_runs.application_tasks = (application_task(TWO),)
    update(world, ONE)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.staging_runs.started[ONE] == 1
    assert world.candidate(ONE).last.reason is Reason.IN_FORCE_AGAIN
    assert world.application_runs.started.total() == 2


@pytest.mark.parametrize("end", [RunStatus.TIMEOUT, RunStatus.CANCELED, RunStatus.ERROR])
def test_a_run_that_decided_nothing_is_repeated(world: World, end: RunStatus) -> None:
    world.staging_runs.end(TWO, end)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert world.staging_runs.started[TWO] == 2


def test_after_three_runs_that_decided_nothing_the_candidate_fails_with_the_reason(world: World) -> None:
    ends = [RunStatus.TIMEOUT, RunStatus.CANCELED, RunStatus.TIMEOUT]
    world.staging_runs.end(TWO, *ends, log="Executing step ID: {words.build_step}\n")
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "Timeout" in world.candidate(TWO).last.detail
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_test_image_that_cannot_be_built_rejects_nothing(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=BUILD_FAILED_LOG)
    update(world)
    assert world.status(TWO) is Status.PROMOTED


def test_a_failed_candidate_is_tried_again_when_somebody_asks_for_its_image(world: World) -> None:
    world.staging_runs.end(TWO, *[RunStatus.CANCELED] * 3)
    update(world)
    world.check(image="node")
    world.settle()
    assert world.status(TWO) is Status.PROMOTED
    assert world.candidate(TWO).generation == 2


def test_a_rejected_candidate_is_tested_again_when_somebody_who_mended_its_gate_asks_for_its_image(
    world: World,
) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    update(world)
    world.check(image="node")
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


@pytest.mark.parametrize("log", [TEST_FAILED_LOG, ""], ids=["rejected", "undecided"])
def test_a_check_by_hand_that_is_delivered_twice_tests_once_more_once(world: World, log: str) -> None:
    status = RunStatus.FAILED if log else RunStatus.CANCELED
    world.staging_runs.end(TWO, *[status] * 9, log=log)
    update(world)
    world.pass_time(timedelta(minutes=1))
    world.check(image="node")
    (delivery,) = world.outbox.deliver()
    for _ in range(3):
        world.work(delivery)
        world.settle()
    assert world.candidate(TWO).generation == 2
    world.pass_time(timedelta(minutes=1))
    world.check(image="node")
    world.settle()
    assert world.candidate(TWO).generation == 3, "whoever asks once more is obeyed"


def test_a_missing_gate_fails_the_candidate_and_says_what_to_do(world: World) -> None:
    world.configuration.gates.clear()
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "gates/node/Dockerfile" in world.candidate(TWO).last.detail


def test_an_entry_without_a_gate_is_promoted_untested() -> None:
    world = World(WATCH_LIST.replace(b"    gate: node\n", b"    gate: none\n"))
    world.push(ONE)
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.staging_runs.started.total() == 0


def test_a_newer_digest_supersedes_one_that_has_not_begun_promoting(world: World) -> None:
    world.staging_runs.looks = 5
    world.push(TWO)
    world.check()
    while world.staging_runs.started[TWO] == 0:
        step(world)
    world.push(THREE)
    world.check()
    world.settle()
    assert world.status(TWO) is Status.SUPERSEDED
    assert world.base.tags[TARGET, TAG] == THREE


def test_a_newer_digest_waits_for_an_earlier_one_that_is_being_promoted(world: World) -> None:
    world.base.looks = 40
    world.push(TWO)
    world.check()
    while world.status_or_none(TWO) is not Status.PROMOTING:
        step(world)
    world.push(THREE)
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == THREE
    assert world.status(TWO) is Status.PROMOTED
    assert [one.digest for one in world.target().former] == [TWO, ONE]


def test_what_the_registry_holds_after_an_import_is_read_back_and_a_wrong_digest_is_imported_again(
    world: World,
) -> None:
    world.staging.land_instead(THREE)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert world.staging.imports[TARGET, world.candidate(TWO).staging_tag, TWO] == 2


def test_nothing_is_promoted_that_the_base_registry_does_not_show(world: World) -> None:
    world.base.land_instead(*[THREE] * 20)
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "base registry holds" in world.candidate(TWO).last.detail


@pytest.mark.parametrize("method", ["start_import", "look_at_import", "digest"])
@pytest.mark.parametrize("registry", ["staging", "base"])
def test_a_registry_that_is_away_for_a_while_delays_an_update_and_loses_nothing(
    world: World, registry: str, method: str
) -> None:
    getattr(world, registry).fail(method, Unavailable("503"), RateLimited("429", retry_after=90))
    update(world)
    assert world.base.tags[TARGET, TAG] == TWO


@pytest.mark.parametrize("method", ["find", "look", "start_gate", "log"])
def test_tasks_that_are_away_for_a_while_delay_an_update_and_lose_nothing(world: World, method: str) -> None:
    world.staging_runs.tells_ids = method != "find"
    world.staging_runs.fail(method, Unavailable("503"), Unavailable("503"))
    update(world)
    assert world.base.tags[TARGET, TAG] == TWO
    assert world.staging_runs.started[TWO] == 1


def test_a_step_that_never_succeeds_ends_as_failed_with_its_last_error(world: World) -> None:
    world.staging.fail("start_import", *[Unavailable("the registry does not answer")] * 100)
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "the registry does not answer" in world.candidate(TWO).last.detail


def test_an_import_that_is_refused_fails_at_once(world: World) -> None:
    world.staging.fail("start_import", Refused("the app's identity may not import"))
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert world.candidate(TWO).last.reason is Reason.REFUSED


def test_an_upstream_that_is_away_leaves_what_is_known_and_the_next_check_finds_the_update(world: World) -> None:
    world.hub.fail("digest", RateLimited("429"))
    world.push(TWO)
    world.check()
    world.settle()
    assert world.observations.of(NODE).state.trouble == "429"
    world.pass_time(timedelta(minutes=2))
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_tag_that_vanishes_upstream_is_kept_told_once_and_forgiven(world: World) -> None:
    world.hub.delete(NODE, TAG)
    for _ in range(3):
        world.check()
        world.settle()
    assert [event.name for event in world.activity.events] == ["tags-vanished"]
    assert world.base.tags[TARGET, TAG] == ONE
    world.push(ONE)
    world.check()
    world.settle()
    assert world.base.imports.total() == 1


def test_an_entry_that_gets_a_second_target_brings_the_known_digest_there_too(world: World) -> None:
    world.configuration.text = WATCH_LIST + WATCH_LIST.replace(b"images:\n", b"").replace(
        b"name: node", b"name: again"
    ).replace(b"base/node", b"golden/node")
    world.check()
    world.settle()
    assert world.base.tags["golden/node", TAG] == ONE


# Never lose, never double.


def step(world: World) -> None:
    """Deliver what is due next."""
    due = world.outbox.next_due()
    assert due is not None
    world.clock.now = max(world.clock.now, due)
    for delivery in world.outbox.deliver():
        world.work(delivery)


def test_every_message_delivered_twice_does_everything_once(world: World) -> None:
    world.push(TWO)
    world.check()
    while world.outbox.next_due() is not None:
        due = world.outbox.next_due()
        assert due is not None
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
            world.work(delivery)
    assert_happened_once(world)


def test_all_messages_of_the_past_delivered_again_do_nothing(world: World) -> None:
    update(world)
    world.outbox.repeat()
    world.settle()
    assert_happened_once(world)


def test_a_webhook_about_what_was_promoted_makes_no_second_rebuild(world: World) -> None:
    update(world)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=TWO))
    world.settle()
    assert_happened_once(world)


def test_a_signal_about_a_digest_the_base_tag_has_left_makes_no_rebuild(world: World) -> None:
    world.rebuilds = InMemoryRecords(Rebuild)
    world.start()
    world.push(TWO)
    world.check()
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=THREE))
    world.settle()
    assert [rebuild.base_digest for rebuild in world.rebuilt()] == [TWO]


def assert_happened_once(world: World, *, imports: int = 1) -> None:
    """Imports may be begun more than once where something was in the way: each copies the same digest."""
    assert world.base.tags[TARGET, TAG] == TWO
    assert 1 <= world.staging.imports[TARGET, world.candidate(TWO).staging_tag, TWO] <= imports
    assert 1 <= world.base.imports[TARGET, TAG, TWO] <= imports
    assert world.staging_runs.started[TWO] == 1
    assert world.application_runs.started.total() == 1


def smooth(_: World) -> None:
    """Nothing is in the way of the update."""


def lagging(world: World) -> None:
    """Replicas lag behind, and staging denies once what it holds."""
    world.staging.lag(None)
    world.base.fail("start_import", NotFound("manifest unknown"))
    world.base.lag(ONE, ONE, ONE)


def roles_spread(world: World) -> None:
    """The app's roles have just been given."""
    for registry in (world.staging, world.base):
        registry.fail("start_import", NotPermitted("no role"))
        registry.fail("digest", NotPermitted("no role"))


def moments(prepare: Callable[[World], None]) -> list[tuple[Callable[[World], None], int]]:
    """Return the moments before and after every write of one update."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    seen: list[str] = []
    world.hook = seen.append
    prepare(world)
    update(world)
    return [(prepare, moment) for moment in range(len(seen))]


@pytest.mark.parametrize(
    ("prepare", "moment"),
    [*moments(smooth), *moments(lagging), *moments(roles_spread)],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_a_process_that_dies_between_any_two_writes_loses_nothing_and_doubles_nothing(
    world: World, prepare: Callable[[World], None], moment: int
) -> None:
    left = moment
    prepare(world)

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    world.push(TWO)
    try:
        world.check()
    except Died:
        world.start()
        world.check()
    for _ in range(12):
        world.settle()
        world.pass_time(timedelta(minutes=2))
        world.sweep()
    assert left < 0, "the process was to die, and did not"
    assert_happened_once(world, imports=2 if prepare is not smooth else 1)
    assert [r.status for r in world.rebuilt() if r.base_digest == TWO] == [RebuildStatus.SUCCEEDED]


@pytest.mark.parametrize("state", [Status.DETECTED, Status.IMPORTING, Status.VALIDATING, Status.PROMOTING])
def test_a_message_that_is_lost_is_made_good_by_the_sweep(world: World, state: Status) -> None:
    world.push(TWO)
    world.check()
    while world.status_or_none(TWO) is not state:
        step(world)
    world.outbox.waiting.clear()
    world.pass_time(timedelta(minutes=4))
    world.start()
    world.sweep()
    world.settle()
    assert_happened_once(world)


def test_the_sweep_leaves_alone_what_is_on_its_way(world: World) -> None:
    world.staging_runs.looks = 8
    before = len(world.outbox.sent)
    world.push(TWO)
    world.check()
    while world.outbox.next_due() is not None:
        step(world)
        world.sweep()
    assert_happened_once(world)
    ours = [s for s in world.outbox.sent[before:] if isinstance(s.message, LookAtDue) and s.message.due is Due.GATES]
    looks = [s.delay for s in ours if s.delay]
    assert len(looks) == 1 + 8, "one after the start, and one for each look that found it running, and no other"


def test_what_ended_long_ago_is_put_away_with_the_names_of_its_runs(world: World) -> None:
    update(world)
    assert world.staging_runs.names
    world.pass_time(timedelta(days=2))
    world.sweep()
    assert not list(world.candidates.current())
    assert not world.staging_runs.names
    assert world.status(TWO) is Status.PROMOTED


def test_a_check_that_died_and_comes_again_after_the_promotion_does_nothing_twice(world: World) -> None:
    left = [1]

    def die(moment: str) -> None:
        if moment == "observations.before:save" and left:
            left.pop()
            raise Died

    world.push(TWO)
    world.check()
    held = world.outbox.deliver()
    world.hook = die
    for delivery in held:
        with contextlib.suppress(Died):
            world.checker.check(decode(delivery.text, CheckRepositories))
    world.settle()
    for delivery in held:
        world.work(delivery)
    world.settle()
    assert_happened_once(world)


def test_a_message_that_dies_in_a_poison_queue_is_kept_and_its_candidate_goes_on_later(world: World) -> None:
    world.push(TWO)
    world.check()
    step(world)
    for delivery in world.outbox.deliver():
        world.poison(delivery)
    assert any(name[0] == "poison-imports" for name in world.evidence.kept)
    assert world.outbox.next_due() is None
    world.pass_time(timedelta(minutes=4))
    world.sweep()
    world.settle()
    assert_happened_once(world)


def test_a_step_that_breaks_off_for_ever_ends_its_candidate_instead_of_looping(world: World) -> None:
    def fail(moment: str) -> None:
        if moment == "staging.before:start_import":
            raise KeyError("a defect")

    world.hook = fail
    world.push(TWO)
    world.check()
    world.settle()
    assert world.status(TWO) is Status.FAILED
    assert world.candidate(TWO).last.reason is Reason.GAVE_UP
    assert any("broke off" in line.detail for line in world.candidate(TWO).history)


def test_an_application_registry_that_is_away_for_an_hour_loses_no_rebuild(world: World) -> None:
    world.pass_time(timedelta(minutes=2))
    world.application_runs.fail("tasks", *[Unavailable("503")] * 8)
    update(world)
    assert_happened_once(world)


def test_a_task_with_a_trigger_of_its_own_is_left_to_acr_and_run_only_if_acr_did_not(world: World) -> None:
    world.application_runs.application_tasks = (application_task(ONE, own_trigger=True),)
    update(world)
    assert world.application_runs.started.total() == 1
    world.application_runs.application_tasks = (application_task(THREE, own_trigger=True),)
    update(world, THREE)
    assert world.application_runs.started.total() == 1


def test_a_rebuild_whose_run_fails_ends_as_failed_with_its_log(world: World) -> None:
    world.application_runs.end("/tasks/shop", RunStatus.FAILED, log="npm ci: exit status 1")
    update(world)
    rebuild = next(r for r in world.rebuilt() if r.base_digest == TWO)
    assert rebuild.status is RebuildStatus.FAILED
    assert world.evidence.kept[rebuild.id, "rebuild-1.log"] == b"npm ci: exit status 1"


def test_a_rebuild_whose_run_was_canceled_is_run_again(world: World) -> None:
    world.application_runs.end("/tasks/shop", RunStatus.CANCELED)
    update(world)
    assert world.application_runs.started.total() == 2
    assert [r.status for r in world.rebuilt() if r.base_digest == TWO] == [RebuildStatus.SUCCEEDED]


def test_an_application_registry_that_is_away_delays_the_rebuild(world: World) -> None:
    world.application_runs.fail("start_task", Unavailable("503"))
    world.application_runs.fail("find", Unavailable("503"))
    world.application_runs.fail("look", Unavailable("503"))
    update(world)
    assert_happened_once(world)


def test_an_upstream_digest_that_cannot_be_had_any_more_fails_the_import_with_the_reason(world: World) -> None:
    world.staging.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))
    update(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.status(TWO) is Status.FAILED
    assert world.candidate(TWO).last.detail == "manifest unknown"
