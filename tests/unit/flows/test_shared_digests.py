"""Tags that share a digest share its import, its gate and its verdict, whenever each of them comes to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.events.messages import CheckRepositories
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Place
from shared.domain.promotion.concluding import conclusion_for
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Tag
from shared.errors import NotFound, OperationFailed, RateLimited, Refused, ServiceError, Unavailable
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import ONE, TARGET, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

SIX = [Tag(text) for text in ("22", "22-alpine", "22.1", "22.1.0", "lts", "latest")]
SEVENTH = Tag("current")
MINUTE = timedelta(minutes=1)


def made(*extra: str) -> World:
    """A world that watches seven tags, and what other entries are named."""
    tags = ", ".join(f'"{tag}"' for tag in (*SIX, SEVENTH))
    first = f"- {{name: node, source: node, tags: [{tags}], target: {TARGET}, gate: node}}"
    return World("\n".join(["images:", first, *extra]).encode())


@pytest.fixture
def world() -> World:
    """A world that watches seven tags of one repository."""
    return made()


def push(world: World, digest: str, tags: list[Tag]) -> None:
    """Let tags move at once, and have them looked at."""
    for tag in tags:
        world.push(digest, tag)
    world.check()
    for delivery in world.outbox.deliver():
        if delivery.asks_for(CheckRepositories):
            world.work(delivery)
        else:
            world.outbox.put_back(delivery)


def until(world: World, reached: Callable[[], bool]) -> None:
    """Deliver messages until something is so."""
    for _ in range(200):
        if reached():
            return
        due = world.outbox.next_due()
        assert due is not None, "it never came to that"
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    raise AssertionError("it never came to that")


def quiet(world: World, days: int = 0) -> None:
    """Let time pass, with sweeps."""
    for pause in [2 * MINUTE] * 10 + [timedelta(hours=2)] * (12 * days):
        world.settle()
        world.pass_time(pause)
        world.sweep()
    world.settle()


def base(world: World) -> dict[str, str]:
    """What the tags of the base registry point at."""
    return {tag: digest for (repository, tag), digest in world.base.tags.items() if repository == TARGET}


def staged(world: World, digest: str) -> int:
    """How many imports of a digest the staging registry was asked for."""
    return sum(count for (_, _, known), count in world.staging.imports.items() if known == digest)


def promoted(world: World, digest: str) -> int:
    """How many imports of a digest the base registry was asked for."""
    return sum(count for (_, _, known), count in world.base.imports.items() if known == digest)


def test_six_tags_that_share_a_digest_are_two_imports_one_gate_run_and_six_promotions(world: World) -> None:
    push(world, ONE, SIX)
    world.settle()
    assert (staged(world, ONE), world.staging_runs.started[ONE], promoted(world, ONE)) == (1, 1, 6)
    assert world.base.asked["start_import"] == 1
    assert base(world) == dict.fromkeys(SIX, ONE)
    assert [stored.record.targets for stored in world.candidates.current()] == [
        tuple(Place(TARGET, tag) for tag in SIX)
    ]
    assert world.status(ONE) is Status.PROMOTED


def test_the_candidate_ends_only_when_the_last_of_its_targets_has_decided(world: World) -> None:
    push(world, ONE, SIX)
    world.base.fail("digest", Unavailable("503"))
    until(world, lambda: len(base(world)) == 5)
    assert world.status(ONE) is Status.PROMOTING
    world.settle()
    assert world.status(ONE) is Status.PROMOTED


@pytest.mark.parametrize("known", [True, False], ids=["before it began", "in between"])
def test_tags_that_share_an_import_are_asked_for_again_where_it_failed(world: World, known: bool) -> None:
    push(world, ONE, SIX)
    world.base.fail("start_import", RateLimited("429") if known else Unavailable("the answer was lost"))
    quiet(world)
    assert base(world) == dict.fromkeys(SIX, ONE)
    assert world.status(ONE) is Status.PROMOTED
    assert not any(one.record.importing for one in world.targets.due(world.clock() + timedelta(days=9)))


def test_a_tag_that_is_refused_keeps_none_of_the_others_it_shares_an_import_with(world: World) -> None:
    push(world, ONE, SIX)
    world.base.fail("start_import", *[Refused("the tag is locked")] * 2)
    quiet(world)
    assert len(base(world)) == 5
    assert world.base.asked["start_import"] == 1 + 6


def is_(status: Status) -> Callable[[World], bool]:
    """Whether the candidate has come to a status."""
    return lambda world: world.status_or_none(ONE) is status


STAGES = [Status.DETECTED, Status.IMPORTING, Status.VALIDATING, Status.PROMOTING, Status.PROMOTED]


@pytest.mark.parametrize("status", STAGES, ids=lambda status: status.value)
def test_a_seventh_tag_that_comes_to_the_digest_at_any_stage_costs_no_second_import_and_no_second_test(
    world: World, status: Status
) -> None:
    world.staging.looks = world.staging_runs.looks = world.base.looks = 4
    push(world, ONE, SIX)
    until(world, lambda: world.status(ONE) is status)
    before = world.clock()
    push(world, ONE, [SEVENTH])
    world.settle()
    assert base(world) == dict.fromkeys([*SIX, SEVENTH], ONE)
    assert (staged(world, ONE), world.staging_runs.started[ONE]) == (1, 1)
    assert world.status(ONE) is Status.PROMOTED
    assert Place(TARGET, SEVENTH) in world.candidate(ONE).targets
    assert world.clock() - before < 3 * MINUTE, "and nobody waits for a sweep"


def test_a_seventh_tag_that_comes_to_a_staged_digest_costs_no_second_import(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.TIMEOUT)
    push(world, ONE, SIX)
    until(world, lambda: world.status(ONE) is Status.STAGED)
    push(world, ONE, [SEVENTH])
    world.settle()
    assert base(world) == dict.fromkeys([*SIX, SEVENTH], ONE)
    assert staged(world, ONE) == 1


def test_a_seventh_tag_that_comes_to_a_rejected_digest_waits_for_nothing(world: World) -> None:
    world.staging_runs.end(ONE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    push(world, ONE, SIX)
    world.settle()
    push(world, ONE, [SEVENTH])
    quiet(world, days=2)
    assert (world.status(ONE), world.staging_runs.started[ONE], base(world)) == (Status.REJECTED, 1, {})
    for tag in (*SIX, SEVENTH):
        assert (world.target(tag).awaited, world.target(tag).look_at) == (None, None)


def test_a_seventh_tag_that_comes_to_a_failed_digest_has_it_tried_again_at_once_for_all(world: World) -> None:
    world.staging.fail("start_import", Refused("the registry is locked"))
    push(world, ONE, SIX)
    world.settle()
    assert world.status(ONE) is Status.FAILED
    push(world, ONE, [SEVENTH])
    world.settle()
    assert base(world) == dict.fromkeys([*SIX, SEVENTH], ONE)


def test_a_seventh_tag_that_comes_to_a_superseded_digest_has_it_tested_after_all(world: World) -> None:
    push(world, ONE, SIX)
    push(world, TWO, SIX)
    assert world.status(ONE) is Status.SUPERSEDED
    push(world, ONE, [SEVENTH])
    world.settle()
    assert base(world) == {**dict.fromkeys(SIX, TWO), SEVENTH: ONE}


def test_a_digest_is_superseded_only_when_the_last_of_its_tags_moves_on(world: World) -> None:
    push(world, ONE, SIX)
    push(world, TWO, SIX[:5])
    assert world.status(ONE) is Status.DETECTED
    push(world, TWO, SIX[5:])
    assert world.status(ONE) is Status.SUPERSEDED
    world.settle()
    assert base(world) == dict.fromkeys(SIX, TWO)
    assert staged(world, ONE) == 0


def test_a_tag_that_moved_on_is_left_where_it_is_when_its_former_digest_passes_for_another(world: World) -> None:
    push(world, ONE, SIX)
    push(world, TWO, SIX[:1])
    world.settle()
    assert base(world) == {SIX[0]: TWO, **dict.fromkeys(SIX[1:], ONE)}
    assert world.status(ONE) is Status.PROMOTED


def test_an_upstream_tag_that_moves_while_another_joins_its_digest_does_not_end_it(world: World) -> None:
    """The seventh tag joins between the look at who wants the digest and the write that would supersede it."""

    def join(moment: str) -> None:
        if moment == "candidates.before:replace":
            world.hook = None
            push(world, ONE, [SEVENTH])

    push(world, ONE, SIX[:1])
    world.push(TWO, SIX[0])
    world.check()
    world.hook = join
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.hook is None, "the seventh tag was to join meanwhile"
    world.settle()
    assert base(world) == {SIX[0]: TWO, SEVENTH: ONE}


OTHER = "- {name: other, source: node, tags: [current], target: other/node, gate: node}"
UNGATED = "- {name: ungated, source: node, tags: [current], target: other/node, gate: none}"


def two_repositories(other: str) -> World:
    """A world in which one digest is wanted in two repositories of the base registry."""
    first = f'- {{name: node, source: node, tags: ["22"], target: {TARGET}, gate: node}}'
    world = World("\n".join(["images:", first, other]).encode())
    world.push(ONE, Tag("22"))
    world.push(ONE, SEVENTH)
    return world


def test_two_repositories_that_want_a_digest_under_one_gate_have_one_copy_in_staging() -> None:
    world = two_repositories(OTHER)
    world.check()
    world.settle()
    assert (staged(world, ONE), world.staging_runs.started[ONE]) == (1, 1)
    assert world.base.tags == {(TARGET, "22"): ONE, ("other/node", SEVENTH): ONE}
    homes = {target: target.staging_repository(ONE) for target in (world.book.of("other/node", SEVENTH),) if target}
    assert set(homes.values()) == {world.candidate(ONE).home.repository}


def test_two_repositories_that_want_a_digest_under_two_gates_have_two_verdicts() -> None:
    world = two_repositories(UNGATED)
    world.staging_runs.end(ONE, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.check()
    world.settle()
    assert world.base.tags == {("other/node", SEVENTH): ONE}
    assert (world.status(ONE, "node"), world.status(ONE, None)) == (Status.REJECTED, Status.PROMOTED)


def test_a_digest_that_staging_lost_is_fetched_and_tested_once_for_all_that_come_back_to_it(world: World) -> None:
    push(world, ONE, SIX)
    world.settle()
    push(world, TWO, SIX)
    world.settle()
    push(world, THREE, [SEVENTH])
    world.settle()
    for _ in range(2):
        world.base.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))
    push(world, ONE, SIX[:2])
    quiet(world)
    assert {tag: base(world)[tag] for tag in SIX[:2]} == dict.fromkeys(SIX[:2], ONE)
    assert (staged(world, ONE), world.staging_runs.started[ONE]) == (2, 2)


def test_a_candidate_fails_only_if_none_of_its_targets_came_to_bear_it(world: World) -> None:
    push(world, ONE, SIX[:2])
    world.base.fail("start_import", *[Refused("the tag is locked")] * 2)
    quiet(world)
    assert len(base(world)) == 1
    assert world.status(ONE) is Status.PROMOTED
    quiet(world, days=2)
    assert base(world) == dict.fromkeys(SIX[:2], ONE)


def test_a_target_whose_record_cannot_be_read_keeps_no_other_target_from_being_promoted_to(world: World) -> None:
    unreadable = ServiceError("row '22.1' cannot be read", code="UnreadableRow")
    push(world, ONE, SIX)
    get = world.targets.get

    def spoiled(target_id: str) -> object:
        if target_id.endswith("~22.1"):
            raise unreadable
        return get(target_id)

    world.targets.get = spoiled  # type: ignore[method-assign, assignment]
    for _ in range(60):
        due = world.outbox.next_due()
        if due is None:
            break
        world.clock.now = max(world.clock.now, due)
        for delivery in world.outbox.deliver():
            try:
                world.work(delivery)
            except ServiceError as error:
                assert error is unreadable
                if delivery.attempt >= 2:
                    world.outbox.waiting = [item for item in world.outbox.waiting if item[2].text != delivery.text]
    quiet_tags = set(base(world))
    assert quiet_tags == set(SIX) - {Tag("22.1")}
    assert world.status(ONE) is Status.PROMOTED
    assert f"{TARGET}:22.1 cannot be read" in world.candidate(ONE).last.detail.replace("the records of ", "")
    world.targets.get = get  # type: ignore[method-assign]
    quiet(world)
    assert base(world) == dict.fromkeys(SIX, ONE)


def moments_of_proposing() -> list[str]:
    """The moments before and after every write from the gate's end to the last promotion of three tags."""
    world, moments = proposing(), list[str]()
    world.hook = moments.append
    world.settle()
    return moments


def proposing() -> World:
    """A world whose gate has just ended, with the message that looks at it waiting."""
    world = made()
    world.staging.looks = world.base.looks = 0
    push(world, ONE, SIX[:3])
    until(world, lambda: world.status(ONE) is Status.VALIDATING)
    world.staging_runs.finish()
    return world


@pytest.mark.parametrize("moment", range(len(moments_of_proposing())))
def test_a_death_between_any_two_writes_of_proposing_leaves_no_target_out(moment: int) -> None:
    world, left = proposing(), moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    world.settle()
    world.hook = None
    assert left < 0, "the process was to die, and did not"
    quiet(world)
    assert base(world) == dict.fromkeys(SIX[:3], ONE)
    assert world.status(ONE) is Status.PROMOTED
    assert (staged(world, ONE), world.staging_runs.started[ONE]) == (1, 1)


def moments_of_joining(status: Status) -> list[str]:
    """The moments before and after every write of the check by which another tag comes to a digest."""
    world, moments = joining(status), list[str]()
    world.hook = moments.append
    for delivery in world.outbox.deliver():
        if delivery.asks_for(CheckRepositories):
            world.work(delivery)
    return moments


def joining(status: Status) -> World:
    """A world in which a seventh tag is about to be seen to bear a digest that has come to a status."""
    world = made()
    world.staging.looks = world.staging_runs.looks = world.base.looks = 2
    push(world, ONE, SIX[:2])
    until(world, lambda: world.status(ONE) is status)
    world.push(ONE, SEVENTH)
    world.check()
    return world


DEATHS = [
    pytest.param(status, moment, id=f"{status.value}-{moment}")
    for status in (Status.DETECTED, Status.VALIDATING, Status.PROMOTING, Status.PROMOTED)
    for moment in range(len(moments_of_joining(status)))
]


@pytest.mark.parametrize(("status", "moment"), DEATHS)
def test_a_death_while_another_tag_joins_leaves_it_with_what_it_wants(status: Status, moment: int) -> None:
    world, left = joining(status), moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
    for delivery in world.outbox.deliver():
        if delivery.asks_for(CheckRepositories):
            world.work(delivery)
        else:
            world.outbox.put_back(delivery)
    world.hook = None
    quiet(world)
    assert base(world) == dict.fromkeys([*SIX[:2], SEVENTH], ONE)
    assert (staged(world, ONE), world.staging_runs.started[ONE]) == (1, 1)


def test_what_passed_a_former_gate_is_not_taken_for_passed_by_a_tag_that_asks_for_another_now(world: World) -> None:
    push(world, ONE, SIX[:1])
    by_the_former_gate = replace(world.candidate(ONE), gate="former", passed_at=world.clock())
    assert world.proposer.propose(by_the_former_gate, Place(TARGET, SIX[0]), anew=True) is None
    assert (world.target(SIX[0]).passed, world.target(SIX[0]).awaited is None) == ((), False)
    assert conclusion_for(world.target(SIX[0]), by_the_former_gate) is Reason.NEWER_DIGEST
