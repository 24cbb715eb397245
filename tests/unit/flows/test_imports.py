"""An import is looked at with patience: registries lag behind themselves, roles spread, and some imports never end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.events.messages import BaseMoved
from shared.domain.promotion.statuses import Reason, Status
from shared.errors import NotFound, NotPermitted, OperationFailed, RateLimited, ServiceError, Unexplained
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, World

pytestmark = pytest.mark.unit


@pytest.fixture
def world() -> World:
    made = World()
    made.push(ONE)
    made.check()
    made.settle()
    return made


def update(world: World) -> None:
    world.push(TWO)
    world.check()
    world.settle(most=5000)


def step(world: World) -> None:
    """Deliver what is due next."""
    due = world.outbox.next_due()
    assert due is not None
    world.clock.now = max(world.clock.now, due)
    for delivery in world.outbox.deliver():
        world.work(delivery)


def registry_of(world: World, name: str) -> InMemoryRegistry:
    """Return the staging or the base registry."""
    registry: InMemoryRegistry = getattr(world, name)
    return registry


def imported(world: World, name: str) -> int:
    """How often the update was imported into a registry."""
    return sum(n for (_, _, digest), n in registry_of(world, name).imports.items() if digest == TWO)


def reasons(world: World) -> list[Reason]:
    """Why the update's record changed, in order."""
    return [change.reason for change in world.candidate(TWO).history for _ in range(change.times)]


@pytest.mark.parametrize("name", ["staging", "base"])
@pytest.mark.parametrize(("older", "told"), [([None], 0), ([ONE, None, ONE], 0), ([ONE] * 14, 1)])
def test_a_replica_that_lags_is_read_again_and_told_where_it_lasts_and_nothing_is_imported_twice(
    world: World, name: str, older: list[None], told: int
) -> None:
    before = [ONE] if name == "base" else []  # it is read before anything is imported into it
    registry_of(world, name).lag(*before, *older)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert imported(world, name) == 1
    assert reasons(world).count(Reason.REPLICA_LAGS) == told


@pytest.mark.parametrize("name", ["staging", "base"])
def test_what_still_differs_after_five_minutes_is_imported_again(world: World, name: str) -> None:
    registry_of(world, name).land_instead(THREE)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert imported(world, name) == 2
    lags = [change.at for change in world.candidate(TWO).history if change.reason is Reason.REPLICA_LAGS]
    again = {Reason.IMPORT_LOST, Reason.TROUBLE}
    given_up = next(change for change in world.candidate(TWO).history if change.reason in again)
    assert timedelta(minutes=5) <= given_up.at - lags[0] <= timedelta(minutes=6)
    assert f"{name} registry holds {THREE}" in given_up.detail


@pytest.mark.parametrize("name", ["staging", "base"])
def test_an_import_that_may_not_be_looked_at_is_known_by_the_digest_that_arrives(world: World, name: str) -> None:
    registry = registry_of(world, name)
    registry.looks, asked = 10**6, registry.asked["digest"]
    registry.fail("look_at_import", NotPermitted("operationResults/read is in no role"))
    world.push(TWO)
    world.check()
    while registry.asked["digest"] < asked + 6:
        step(world)
    registry.finish()
    registry.looks = 1
    world.settle()
    assert world.status(TWO) is Status.PROMOTED
    assert imported(world, name) == 1


@pytest.mark.parametrize("name", ["staging", "base"])
def test_an_import_that_never_ends_is_given_up_after_a_day_and_begun_anew(world: World, name: str) -> None:
    registry = registry_of(world, name)
    registry.looks = 10**6
    world.push(TWO)
    world.check()
    began = world.clock.now
    while not imported(world, name) > 1:
        step(world)
    assert timedelta(days=1) <= world.clock.now - began <= timedelta(days=1, minutes=5)
    assert any("has not ended in a day" in change.detail for change in world.candidate(TWO).history)
    registry.looks = 1
    registry.finish()
    world.settle(most=5000)
    assert world.status(TWO) is Status.PROMOTED


@pytest.mark.parametrize(
    "error", [NotFound("StatusCode: 404"), OperationFailed(NotFound("MANIFEST_UNKNOWN: manifest unknown"))]
)
def test_what_staging_denies_having_after_it_was_read_back_there_is_asked_for_again(
    world: World, error: ServiceError
) -> None:
    method = "look_at_import" if isinstance(error, OperationFailed) else "start_import"
    world.base.fail(method, error, error)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert reasons(world).count(Reason.STAGING_LAGS) == 2


def test_what_was_deleted_from_staging_fails_after_a_quarter_of_an_hour_and_says_so(world: World) -> None:
    world.base.fail("start_import", *[NotFound("StatusCode: 404")] * 20)
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "look whether it was deleted there" in world.candidate(TWO).last.detail
    assert "tried 7 times" in world.candidate(TWO).last.detail


@pytest.mark.parametrize("name", ["staging", "base"])
@pytest.mark.parametrize("method", ["start_import", "digest"])
def test_a_role_that_was_given_just_now_is_waited_for(world: World, name: str, method: str) -> None:
    registry_of(world, name).fail(method, *[NotPermitted("no role")] * 5)
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert {Reason.ROLE_AWAITED, Reason.IMPORT_NOT_PERMITTED} & set(reasons(world))


def test_reading_back_that_is_not_permitted_yet_repeats_no_import_into_staging(world: World) -> None:
    world.staging.fail("digest", *[NotPermitted("no role")] * 3)
    update(world)
    assert reasons(world).count(Reason.ROLE_AWAITED) == 3
    assert imported(world, "staging") == 1


@pytest.mark.parametrize("name", ["staging", "base"])
def test_a_role_that_is_missing_for_good_ends_the_candidate_and_is_told(world: World, name: str) -> None:
    registry_of(world, name).fail("start_import", *[NotPermitted("give the role Importer")] * 20)
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "give the role Importer" in world.candidate(TWO).last.detail


@pytest.mark.parametrize("name", ["staging", "base"])
def test_an_import_that_failed_for_a_reason_nobody_knows_is_tried_a_few_times(world: World, name: str) -> None:
    registry_of(world, name).fail("look_at_import", *[OperationFailed(Unexplained("wedged"))] * 20)
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert imported(world, name) == 4
    assert world.candidate(TWO).last.detail == "wedged (tried 4 times)"


def test_a_signal_whose_digest_has_not_reached_every_replica_is_looked_at_again(world: World) -> None:
    world.base.push(TARGET, TAG, THREE)
    world.base.lag(ONE, ONE, ONE)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=THREE))
    world.settle()
    assert THREE in {rebuild.base_digest for rebuild in world.rebuilt()}


def test_a_signal_that_is_late_is_dropped_after_some_minutes(world: World) -> None:
    began = world.clock.now
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=THREE))
    world.settle()
    assert world.rebuilt() == []
    assert timedelta(minutes=3) <= world.clock.now - began <= timedelta(minutes=6)


def test_an_image_of_more_than_fifty_manifests_fails_before_its_import_and_says_why(world: World) -> None:
    world.hub.platforms[TWO] = 51
    update(world)
    assert world.status(TWO) is Status.FAILED
    assert "has 51 manifests, and Azure imports 50 at most" in world.candidate(TWO).last.detail
    assert imported(world, "staging") == 0


def test_an_image_of_fifty_manifests_is_imported(world: World) -> None:
    world.hub.platforms[TWO] = 50
    update(world)
    assert world.status(TWO) is Status.PROMOTED


def test_manifests_that_cannot_be_counted_hold_up_no_import(world: World) -> None:
    world.hub.fail("manifests", RateLimited("429"))
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert Reason.TROUBLE not in reasons(world)


def test_a_signal_of_a_digest_that_another_was_promoted_after_is_dropped_at_once(world: World) -> None:
    update(world)
    began, rebuilt = world.clock.now, len(world.rebuilt())
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=ONE))
    world.settle()
    assert (world.clock.now, len(world.rebuilt())) == (began, rebuilt)


def test_a_digest_that_came_back_may_still_lag_behind_the_one_in_between(world: World) -> None:
    update(world)
    world.pass_time(timedelta(hours=1))
    world.push(ONE)
    world.check()
    world.settle()
    assert world.status(ONE) is Status.PROMOTED
    began = world.clock.now
    world.base.lag(TWO)
    world.outbox.send(BaseMoved(v=1, repository=TARGET, tag=TAG, digest=ONE))
    world.settle()
    assert world.clock.now > began
    assert {rebuild.base_digest for rebuild in world.rebuilt()} == {ONE, TWO}


def test_a_limit_that_lasts_longer_than_failures_are_tried_is_waited_for(world: World) -> None:
    """Docker Hub's window is six hours; twelve failures in a row are four."""
    world.staging.fail("start_import", *[RateLimited("429")] * 6)
    world.staging.fail("look_at_import", *[OperationFailed(RateLimited("toomanyrequests", retry_after=3600))] * 6)
    world.base.fail("start_import", *[RateLimited("429")] * 16)
    began = world.clock()
    update(world)
    assert world.status(TWO) is Status.PROMOTED
    assert world.clock() - began > timedelta(hours=12)
    assert len(world.candidate(TWO).history) < 15
    assert Reason.GAVE_UP not in reasons(world)
