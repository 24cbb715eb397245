"""The base registry is compared with what is wanted: deleted tags come back, overwritten ones are told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import BaseMoved, LookAtBase
from shared.domain.events.registry_event import Deletion, Push
from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Blocked, Held, Said, Why
from shared.domain.promotion.schedule import LAG_PATIENCE, PATIENT_ATTEMPTS
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.errors import RateLimited, ServiceError, Unavailable
from shared.ports import Event
from shared.rules.moving_in import MOST_AT_ONCE
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.world import (
    BASE,
    BASE_SERVER,
    NODE,
    ONE,
    TAG,
    TARGET,
    THREE,
    TWO,
    WATCH_LIST,
    Died,
    World,
    application_task,
)

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
OTHER = Tag("22-slim")
SAID = Said("ada", "it broke the shop", World().clock())
HELD = Held(SAID.by, SAID.why, SAID.at, "node")
ID = f"{BASE}~base~node~{TAG}"


def made(watch_list: bytes = WATCH_LIST) -> World:
    """Return a world whose tag was promoted an hour ago."""
    world = World(watch_list)
    world.push(ONE)
    world.push(ONE, OTHER)
    world.check()
    world.settle()
    world.pass_time(HOUR)
    # The repository holds another image that nobody here cares for.
    world.base.push(TARGET, Tag("private"), THREE)
    return world


def listed(setting: bytes) -> bytes:
    """Return the watch list with one more line for its entry."""
    return WATCH_LIST.rstrip() + b"\n    " + setting + b"\n"


@pytest.fixture
def world() -> World:
    """A world whose tag was promoted an hour ago."""
    return made()


def looked(world: World) -> None:
    """Let the timer ask for a look, and everything that follows from it happen."""
    world.look_at_base()
    world.settle()


def told(world: World) -> list[str]:
    """Return the names of what was told of the tag, in order."""
    return [event.name for event in world.activity.events if event.subject == f"target:{ID}"]


def line(world: World) -> Event:
    """Return the last line about the tag."""
    return [event for event in world.activity.events if event.subject == f"target:{ID}"][-1]


def change(world: World, by: Callable[[Target], Target]) -> None:
    """Change the tag's record, as an action does."""
    assert world.book.change(world.target().id, lambda known: by(known) if known else None)


def test_a_look_at_a_repository_in_order_is_one_request_one_query_and_no_write(world: World) -> None:
    seen: list[str] = []
    world.hook = seen.append
    asked = world.base.asked.copy()
    looked(world)
    assert world.base.asked - asked == {"list_tags": 1}
    assert [moment for moment in seen if not moment.startswith("outbox.")] == []
    assert told(world) == []


def test_all_tags_of_a_repository_are_compared_by_one_listing() -> None:
    tags = b", ".join(b"t%d" % number for number in range(40))
    world = World(WATCH_LIST.replace(b"22-alpine", tags))
    for number in range(40):
        world.push(ONE, Tag(f"t{number}"))
    world.check()
    world.settle(most=2000)
    world.pass_time(HOUR)
    asked = world.base.asked.copy()
    looked(world)
    assert world.base.asked - asked == {"list_tags": 1}


def test_repositories_share_messages() -> None:
    entries = b"".join(
        b"  - {name: n%d, source: docker.io/library/node, tags: [22-alpine], target: base/n%d}\n" % (number, number)
        for number in range(45)
    )
    world = World(b"images:\n" + entries, new_tags=45)
    world.push(ONE)
    world.check()
    world.settle(most=4000)
    before = len(world.outbox.sent)
    assert world.comparer.plan("") == 45
    assert len(world.outbox.sent) - before == 3


def test_a_deleted_base_tag_comes_back_within_minutes_of_the_look_that_missed_it(world: World) -> None:
    world.base.untag(TARGET, TAG)
    before = world.clock()
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.clock() - before < timedelta(minutes=15)
    assert world.target().number == 1


def test_a_deleted_base_tag_that_comes_back_rebuilds_nothing(world: World) -> None:
    runs = world.application_runs.started.copy()
    world.base.untag(TARGET, TAG)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.application_runs.started == runs


def test_a_deleted_base_tag_is_told_when_it_is_believed_and_when_it_is_over(world: World) -> None:
    world.base.untag(TARGET, TAG)
    looked(world)
    assert told(world) == ["tag-missing", "tag-in-order"]
    assert world.target().astray is None
    looked(world)
    assert told(world) == ["tag-missing", "tag-in-order"]


def test_a_deleted_base_tag_whose_digest_is_blocked_does_not_come_back_and_is_told(world: World) -> None:
    change(world, lambda known: msgspec.structs.replace(known, blocked=(Blocked(ONE, SAID),)))
    world.base.untag(TARGET, TAG)
    for _ in range(4):
        looked(world)
        world.pass_time(HOUR)
    assert (TARGET, TAG) not in world.base.tags
    assert told(world) == ["tag-missing"]
    assert "blocked" in line(world).detail


def test_a_deleted_base_tag_that_is_held_does_not_come_back_before_it_is_resumed(world: World) -> None:
    change(world, lambda known: msgspec.structs.replace(known, hold=SAID))
    world.base.untag(TARGET, TAG)
    looked(world)
    assert (TARGET, TAG) not in world.base.tags
    change(world, lambda known: msgspec.structs.replace(known, hold=None))
    world.pass_time(HOUR)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_deleted_base_tag_is_left_where_the_list_says_to_tell_it() -> None:
    world = made(listed(b"missing: tell"))
    world.base.untag(TARGET, TAG)
    for _ in range(3):
        looked(world)
        world.pass_time(HOUR)
    assert (TARGET, TAG) not in world.base.tags
    assert told(world) == ["tag-missing"]
    assert world.target().astray is not None


def test_what_one_listing_misses_and_the_next_shows_was_never_missing(world: World) -> None:
    world.base.list_instead({Tag("private"): THREE})
    imports = world.base.imports.copy()
    looked(world)
    assert world.base.imports == imports
    assert (told(world), world.target().astray) == ([], None)


def test_a_registry_that_lists_nothing_twice_is_not_believed(world: World) -> None:
    world.base.list_instead({}, {})
    imports = world.base.imports.copy()
    looked(world)
    assert world.base.imports == imports
    assert told(world) == []


def test_a_whole_repository_that_was_deleted_comes_back_after_the_third_listing(world: World) -> None:
    world.base.tags.clear()
    asked = world.base.asked["list_tags"]
    looked(world)
    assert world.base.tags == {(TARGET, TAG): ONE}
    assert world.base.asked["list_tags"] - asked == 4  # three that miss it, and the one that shows its end


@pytest.mark.parametrize("error", [Unavailable("503"), RateLimited("429"), Unavailable("it was cut off")])
def test_a_listing_that_failed_says_nothing(world: World, error: ServiceError) -> None:
    world.base.untag(TARGET, TAG)
    world.base.fail("list_tags", error)
    world.comparer.look(LookAtBase(v=1, repositories=(TARGET,)))
    assert (told(world), world.target().astray) == ([], None)


def three() -> World:
    """Return a world with a tag in each of three repositories, all of which were deleted."""
    entry = "  - {{name: n{0}, source: docker.io/library/node, tags: [22-slim], target: base/n{0}}}\n"
    world = made(("images:\n" + "".join(entry.format(number) for number in range(3))).encode())
    for number in range(3):
        world.base.untag(f"base/n{number}", OTHER)
        world.base.push(f"base/n{number}", Tag("private"), THREE)
    return world


def test_a_registry_that_has_had_enough_of_listings_is_asked_for_the_rest_when_it_says() -> None:
    world = three()
    world.base.fail("list_tags", RateLimited("429", retry_after=90), RateLimited("429", retry_after=120))
    began = world.clock()
    world.look_at_base()
    for seconds in (90, 210):
        for delivery in world.outbox.deliver():
            world.work(delivery)
        assert world.outbox.next_due() == began + timedelta(seconds=seconds)
        world.clock.now = began + timedelta(seconds=seconds)
    world.settle()
    assert [world.base.tags[f"base/n{number}", OTHER] for number in range(3)] == [ONE] * 3


def test_a_registry_that_has_had_enough_for_long_is_left_alone_until_the_next_schedule() -> None:
    world = three()
    world.base.fail("list_tags", *[RateLimited("429")] * 100)
    before = world.base.asked["list_tags"]
    looked(world)
    assert world.base.asked["list_tags"] - before == PATIENT_ATTEMPTS
    world.base.mend()
    looked(world)
    assert [world.base.tags[f"base/n{number}", OTHER] for number in range(3)] == [ONE] * 3


def test_a_repository_that_cannot_be_listed_keeps_no_other_from_being_compared() -> None:
    world = made(
        WATCH_LIST + b"  - {name: other, source: docker.io/library/node, tags: [22-slim], target: base/other}\n"
    )
    world.base.untag("base/other", OTHER)
    world.base.fail("list_tags", Unavailable("503"))
    looked(world)
    assert world.base.tags["base/other", OTHER] == ONE


def test_an_overwritten_tag_is_told_once_and_shown_while_it_lasts(world: World) -> None:
    world.base.push(TARGET, TAG, THREE)
    for _ in range(3):
        looked(world)
        world.pass_time(HOUR)
        astray = world.target().astray
        assert astray is not None
        assert (astray.digest, astray.told) == (THREE, True)
    assert told(world) == ["tag-overwritten"]
    assert THREE in line(world).detail
    assert world.base.tags[TARGET, TAG] == THREE
    world.base.push(TARGET, TAG, ONE)
    looked(world)
    assert told(world) == ["tag-overwritten", "tag-in-order"]
    assert world.target().astray is None


def test_an_overwritten_tag_is_put_right_and_rebuilt_upon_where_the_list_says_so() -> None:
    world = made(listed(b"drift: repair"))
    world.base.push(TARGET, TAG, THREE)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.target().number == 2
    assert told(world) == ["tag-overwritten", "tag-in-order"]


@pytest.mark.parametrize("mend", [lambda base: base.push(TARGET, TAG, ONE), lambda base: base.untag(TARGET, TAG)])
def test_an_overwritten_tag_that_others_mend_or_delete_is_rebuilt_upon(
    world: World, mend: Callable[[InMemoryRegistry], None]
) -> None:
    world.base.push(TARGET, TAG, TWO)
    looked(world)
    world.application_runs.application_tasks = (application_task(TWO),)
    world.pass_time(HOUR)
    mend(world.base)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert [(one.base_digest, one.decision) for one in world.rebuilt()] == [(ONE, 2)]
    looked(world)
    assert world.application_runs.started.total() == 1


def test_an_overwritten_tag_takes_the_next_digest_that_passes(world: World) -> None:
    world.base.push(TARGET, TAG, THREE)
    looked(world)
    world.push(TWO)
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO
    world.pass_time(HOUR)
    looked(world)
    assert told(world) == ["tag-overwritten", "tag-in-order"]


def test_a_listing_that_began_before_an_import_landed_does_not_take_it_for_drift(world: World) -> None:
    before = {TAG: ONE, Tag("private"): THREE}
    world.push(TWO)
    world.check()
    world.settle()
    world.base.list_instead(before, {Tag("private"): THREE})
    looked(world)
    looked(world)
    assert (told(world), world.target().astray) == ([], None)


def test_a_tag_that_is_being_promoted_is_not_judged(world: World) -> None:
    world.push(TWO)
    world.check()
    while world.target().importing is None:
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.base.untag(TARGET, TAG)
    world.comparer.look(LookAtBase(v=1, repositories=(TARGET,)))
    assert world.target().astray is None


def test_what_leaves_the_list_is_let_go_told_once_and_neither_judged_nor_put_back(world: World) -> None:
    world.configuration.text = b"images: []\n"
    world.base.untag(TARGET, TAG)
    asked = world.base.asked["list_tags"]
    for _ in range(3):
        looked(world)
        world.pass_time(HOUR)
    assert (TARGET, TAG) not in world.base.tags
    assert (told(world), world.base.asked["list_tags"]) == (["tag-let-go"], asked)
    assert world.target().let_go is not None


def test_what_is_let_go_costs_nothing_but_a_query(world: World) -> None:
    world.configuration.text = b"images: []\n"
    looked(world)
    seen: list[str] = []
    world.hook = seen.append
    looked(world)
    assert [moment for moment in seen if not moment.startswith("outbox.")] == []


def test_whoever_dies_while_a_tag_is_let_go_tells_it_once() -> None:
    for moment in range(12):
        world = made()
        world.configuration.text = b"images: []\n"
        _die_at(world, moment)
        for _ in range(3):
            with contextlib.suppress(Died):
                looked(world)
        assert told(world) == ["tag-let-go"]
        assert world.target().let_go is not None


def test_a_tag_that_returns_to_the_list_is_taken_as_it_stands(world: World) -> None:
    world.configuration.text = b"images: []\n"
    looked(world)
    world.base.push(TARGET, TAG, THREE)
    world.pass_time(HOUR)
    world.configuration.text = WATCH_LIST
    runs = world.application_runs.started.copy()
    looked(world)
    assert world.base.tags[TARGET, TAG] == THREE
    assert (world.target().let_go, world.target().wanted, world.target().why) == (None, THREE, Why.ADOPTED)
    assert told(world) == ["tag-let-go", "tag-taken-back"]
    assert world.application_runs.started == runs
    world.check()
    world.settle()
    world.push(TWO)
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_candidate_whose_tag_was_let_go_while_it_was_tested_is_superseded(world: World) -> None:
    world.push(TWO)
    world.check()
    while world.status_or_none(TWO) is not Status.VALIDATING:
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.configuration.text = b"images: []\n"
    world.look_at_base()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.status(TWO) is Status.CANCELLING
    world.settle()
    assert world.status(TWO) is Status.SUPERSEDED
    assert world.candidate(TWO).last.reason is Reason.LEFT_THE_LIST
    assert "left the watch list" in world.candidate(TWO).last.detail
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    world.configuration.text = WATCH_LIST
    world.pass_time(HOUR)
    looked(world)
    world.pass_time(timedelta(minutes=2))
    world.sweep()
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_candidate_that_failed_before_its_tag_was_let_go_is_tried_again_when_the_tag_returns(world: World) -> None:
    world.staging_runs.end(TWO, *[RunStatus.ERROR] * 3)
    world.push(TWO)
    world.check()
    world.settle()
    assert world.status(TWO) is Status.FAILED
    world.configuration.text = b"images: []\n"
    world.start()
    looked(world)
    world.pass_time(HOUR)
    world.configuration.text = WATCH_LIST
    world.start()
    looked(world)
    for _ in range(2):
        world.pass_time(timedelta(days=1))
        world.sweep()
        world.settle()
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_candidate_that_another_tag_wants_goes_on_when_one_of_its_tags_is_let_go() -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b"[22-alpine, 22-slim]"))
    for tag in (TAG, OTHER):
        world.push(ONE, tag)
    world.check()
    while world.status_or_none(ONE) is not Status.VALIDATING:
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    world.configuration.text = WATCH_LIST.replace(b"[22-alpine]", b"[22-slim]")
    looked(world)
    assert world.base.tags == {(TARGET, OTHER): ONE}
    assert world.status(ONE) is Status.PROMOTED


def test_whoever_dies_while_a_tag_is_let_go_ends_its_candidate_all_the_same() -> None:
    for moment in range(14):
        world = made()
        world.push(TWO)
        world.check()
        for delivery in world.outbox.deliver():
            world.work(delivery)
        assert world.status(TWO) is Status.DETECTED
        world.configuration.text = b"images: []\n"
        world.look_at_base()
        _die_at(world, moment)
        message = LookAtBase(v=1, repositories=(TARGET,))
        for _ in range(2):
            with contextlib.suppress(Died):
                world.comparer.look(message)
        world.hook = None
        assert world.candidate(TWO).last.reason is Reason.LEFT_THE_LIST, moment
        assert told(world) == ["tag-let-go"]


def test_a_tag_that_is_no_longer_among_the_newest_that_a_rule_takes_is_let_go() -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b"[{glob: '*', newest: 1}]"))
    world.push(ONE, Tag("22.1"))
    world.check()
    world.settle()
    looked(world)
    assert world.target(Tag("22.1")).let_go is None
    world.push(TWO, Tag("22.2"))
    world.check()
    world.settle()
    looked(world)
    assert world.target(Tag("22.1")).let_go is not None
    assert world.target(Tag("22.2")).let_go is None


def test_a_tag_that_is_gone_upstream_stays_on_the_list() -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b"[{glob: '22*'}]"))
    for tag in ("22.1", "22.2"):
        world.push(ONE, Tag(tag))
    world.check()
    world.settle()
    world.hub.delete(NODE, Tag("22.1"))
    world.pass_time(timedelta(days=2))
    world.check()
    world.settle()
    world.base.untag(TARGET, Tag("22.1"))
    looked(world)
    assert world.base.tags[TARGET, Tag("22.1")] == ONE


def test_a_row_that_cannot_be_read_keeps_no_other_tag_from_being_compared(world: World) -> None:
    world.base.untag(TARGET, TAG)
    real = world.targets.of_repository

    def broken(registry: str, repository: str) -> object:
        yield from real(registry, repository)
        raise ServiceError("a row cannot be read")

    world.targets.of_repository = broken  # type: ignore[assignment, method-assign]
    for _ in range(2):
        with pytest.raises(ServiceError, match="cannot be read"):
            world.comparer.look(LookAtBase(v=1, repositories=(TARGET,)))
        world.pass_time(LAG_PATIENCE)
    assert told(world) == ["tag-missing"]


def test_whoever_dies_between_any_two_lines_has_the_tag_back_all_the_same_and_tells_it_once() -> None:
    reached: list[str] = []
    whole = made()
    whole.base.untag(TARGET, TAG)
    whole.hook = reached.append
    looked(whole)
    assert len(reached) > 10
    for moment in range(len(reached)):
        world = made()
        world.base.untag(TARGET, TAG)
        _die_at(world, moment)
        for _ in range(4):
            with contextlib.suppress(Died):
                looked(world)
            world.sweep()
            world.settle()
            world.pass_time(HOUR)
        assert world.base.tags[TARGET, TAG] == ONE, reached[moment]
        assert told(world) == ["tag-missing", "tag-in-order"], reached[moment]
        assert world.target().look_at is None
        assert world.target().number == 1


def test_looks_that_come_twice_change_nothing_more(world: World) -> None:
    world.base.untag(TARGET, TAG)
    for _ in range(2):
        world.look_at_base()
    for delivery in world.outbox.deliver():
        world.work(delivery)
        world.work(delivery)
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert told(world) == ["tag-missing", "tag-in-order"]
    assert world.base.imports[TARGET, TAG, ONE] == 2


# What the registry tells of itself.


def deletion(digest: Digest = ONE, by: str = "") -> Deletion:
    """Return what the registry tells of a deletion."""
    return Deletion(BASE_SERVER, TARGET, digest, by)


def test_a_deletion_that_the_registry_tells_of_is_looked_at_at_once_and_names_who_deleted(world: World) -> None:
    world.base.untag(TARGET, TAG)
    before = world.clock()
    assert world.told(deletion(by="ada@example.com")) == "a look asked for"
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.clock() - before < timedelta(minutes=15)
    missing = next(event for event in world.activity.events if event.name == "tag-missing")
    assert "deleted by ada@example.com" in missing.detail
    assert "block" in missing.detail


def test_the_deletion_of_a_repository_is_looked_at(world: World) -> None:
    world.base.tags.clear()
    world.told(deletion(Digest(""), "ada@example.com"))
    world.settle()
    assert world.base.tags == {(TARGET, TAG): ONE}


def test_the_deletion_of_what_nobody_wants_asks_for_nothing(world: World) -> None:
    before = len(world.outbox.sent)
    assert world.told(deletion(THREE)) == "nobody wants what was deleted"
    assert world.told(Deletion(BASE_SERVER, "base/other", ONE, "")) == "nobody wants what was deleted"
    assert len(world.outbox.sent) == before


def test_a_push_of_another_digest_by_others_is_told_at_once(world: World) -> None:
    world.base.push(TARGET, TAG, THREE)
    world.told(Push(BASE_SERVER, TARGET, TAG, THREE))
    world.settle()
    assert told(world) == ["tag-overwritten"]


def test_a_push_by_others_soon_after_a_promotion_is_told_once_the_listing_can_be_no_older_than_it() -> None:
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    world.base.push(TARGET, TAG, THREE)
    world.told(Push(BASE_SERVER, TARGET, TAG, THREE))
    world.settle()
    assert told(world) == ["tag-overwritten"]


def test_what_we_push_ourselves_asks_for_no_look(world: World) -> None:
    asked = world.base.asked["list_tags"]
    world.told(Push(BASE_SERVER, TARGET, TAG, ONE))
    world.told(Push(BASE_SERVER, TARGET, Tag("private"), THREE))
    world.settle()
    assert world.base.asked["list_tags"] == asked


def test_a_tag_that_was_pushed_right_by_hand_is_told_to_be_in_order_at_once(world: World) -> None:
    world.base.push(TARGET, TAG, THREE)
    looked(world)
    world.pass_time(HOUR)
    world.base.push(TARGET, TAG, ONE)
    world.told(Push(BASE_SERVER, TARGET, TAG, ONE))
    world.settle()
    assert told(world) == ["tag-overwritten", "tag-in-order"]


def test_an_event_is_looked_at_although_the_storage_account_does_not_tell_whom_it_concerns(world: World) -> None:
    for method in ("get", "of_repository"):
        world.targets.fail(method, Unavailable("503"))
    assert world.told(deletion()) == "a look asked for"
    assert world.told(Push(BASE_SERVER, TARGET, TAG, ONE)) == "rebuilds asked for"
    assert [type(sent.message) for sent in world.outbox.sent[-3:]] == [LookAtBase, LookAtBase, BaseMoved]


# A new base registry.

NEW = "tidegatenew"


def moved(world: World, registry: str = NEW) -> None:
    """Start the app with another base registry, which is empty."""
    world.base_name = registry
    world.start()
    world.base.tags.clear()
    for digest in (ONE, TWO, THREE):
        world.base.purge(TARGET, digest)


def test_a_new_base_registry_is_filled_by_digest_from_staging_without_another_test_or_a_rebuild(world: World) -> None:
    tested, built = world.staging_runs.started.copy(), world.application_runs.started.copy()
    moved(world)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert (world.target().registry, world.target().number, world.target().why) == (NEW, 1, Why.NEWEST)
    assert world.staging_runs.started == tested
    assert world.application_runs.started == built


def test_a_decision_of_a_new_base_registry_is_rebuilt_upon_although_the_former_had_one_of_its_number(
    world: World,
) -> None:
    world.push(TWO)
    world.check()
    world.settle()
    world.actor.roll_back(world.target().id, None, SAID)
    world.settle()
    world.pass_time(HOUR)
    moved(world)
    looked(world)
    world.application_runs.application_tasks = (application_task(ONE),)
    world.actor.pin(world.target().id, TWO, None, SAID)
    world.settle()
    found = [(one.base_registry, one.decision) for one in world.rebuilt() if one.base_digest == TWO]
    assert sorted(found) == [(BASE, 2), (NEW, 2)]
    looked(world)
    assert len(world.rebuilt()) == 3


def test_a_new_base_registry_takes_what_staging_has_purged_from_its_source_without_another_test(world: World) -> None:
    tested = world.staging_runs.started.copy()
    world.staging.purge(TARGET, ONE)
    moved(world)
    looked(world)
    assert world.base.tags[TARGET, TAG] == ONE
    assert world.base.imports[TARGET, TAG, ONE] == 2
    assert world.staging_runs.started == tested


def test_what_nobody_has_any_more_is_the_trouble_of_a_new_base_registrys_tag_and_tried_daily(world: World) -> None:
    tested = world.staging_runs.started.copy()
    world.staging.purge(TARGET, ONE)
    world.hub.purge(NODE, ONE)
    moved(world)
    looked(world)
    assert (TARGET, TAG) not in world.base.tags
    target = world.target()
    assert (target.gave_up, bool(target.trouble)) == (True, True)
    assert target.retry_at is not None
    assert target.retry_at - world.clock() > timedelta(hours=23)
    assert world.staging_runs.started == tested
    world.push(ONE)
    world.pass_time(timedelta(days=1))
    world.sweep()
    world.settle()
    assert world.base.tags[TARGET, TAG] == ONE


def test_a_new_base_registry_goes_on_with_what_its_source_bears(world: World) -> None:
    moved(world)
    looked(world)
    world.push(TWO)
    world.check()
    world.settle()
    assert world.base.tags[TARGET, TAG] == TWO
    assert world.target().number == 2


def test_what_is_blocked_pinned_or_held_stays_so_in_a_new_base_registry(world: World) -> None:
    change(world, lambda known: msgspec.structs.replace(known, blocked=(Blocked(TWO, SAID),), hold=HELD))
    moved(world)
    looked(world)
    assert world.target().blocked == (Blocked(TWO, SAID),)
    assert world.target().hold == HELD


def test_a_digest_that_was_blocked_before_never_comes_into_a_new_base_registry_by_any_tag() -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b"[22-alpine, 22-slim]"))
    world.push(ONE)
    world.check()
    world.settle()
    world.ruler.block(TWO, SAID)
    world.push(TWO)
    world.check()
    world.settle()
    moved(world)
    looked(world)
    world.push(TWO, OTHER)
    world.check()
    world.settle()
    assert world.base.tags == {(TARGET, TAG): ONE}
    assert all(Blocked(TWO, SAID) in world.target(tag).blocked for tag in (TAG, OTHER))


def test_what_is_said_before_a_new_base_registry_was_looked_at_is_the_last_word_there(world: World) -> None:
    world.ruler.block(TWO, SAID)
    world.push(TWO)
    world.check()
    world.settle()
    moved(world)
    world.ruler.release(TWO, SAID)
    looked(world)
    assert world.base.tags[TARGET, TAG] == TWO
    assert world.target().blocked == ()


def test_what_is_blocked_before_a_new_base_registry_was_looked_at_is_not_put_there(world: World) -> None:
    moved(world)
    world.ruler.block(ONE, SAID)
    looked(world)
    assert world.base.tags == {}
    assert (world.target().wanted, world.target().blocked) == ("", (Blocked(ONE, SAID),))


def test_what_is_blocked_meanwhile_is_replaced_when_its_base_registry_is_in_force_once_more(world: World) -> None:
    world.push(TWO)
    world.check()
    world.settle()
    moved(world)
    looked(world)
    assert world.ruler.block(TWO, SAID).targets[0].registry == NEW
    world.settle()
    moved(world, BASE)
    world.base.push(TARGET, TAG, TWO)
    world.base.push(TARGET, OTHER, ONE)
    world.pass_time(HOUR)
    world.sweep()
    looked(world)
    assert (world.target().wanted, world.target().blocked) == (ONE, (Blocked(TWO, SAID),))
    assert world.base.tags[TARGET, TAG] == ONE


def test_what_stands_in_the_base_registry_of_a_held_entry_is_adopted_all_the_same() -> None:
    world = World()
    world.base.push(TARGET, TAG, THREE)
    world.ruler.hold("node", SAID, listed=True)
    world.push(ONE)
    world.check()
    world.settle()
    assert (world.target().wanted, world.target().why, world.target().hold) == (THREE, Why.ADOPTED, HELD)
    world.ruler.resume("node", SAID)
    world.settle()
    assert world.base.tags[TARGET, TAG] == THREE


def test_what_somebody_put_into_a_new_base_registry_is_adopted_and_what_the_former_knew_is_not(world: World) -> None:
    moved(world)
    world.base.push(TARGET, TAG, THREE)
    looked(world)
    assert world.base.tags[TARGET, TAG] == THREE
    assert world.target().why is Why.ADOPTED
    again = made()
    again.push(TWO)
    again.check()
    again.settle()
    moved(again)
    again.base.push(TARGET, TAG, ONE)
    looked(again)
    assert again.base.tags[TARGET, TAG] == TWO


def test_what_has_left_the_list_is_not_put_into_a_new_base_registry(world: World) -> None:
    world.configuration.text = b"images: []\n"
    moved(world)
    looked(world)
    assert (world.base.tags, world.book.of(TARGET, TAG)) == ({}, None)


@pytest.mark.parametrize("newest", [ONE, TWO], ids=["it stands there", "it was not tested to the end"])
def test_what_left_the_list_before_there_was_a_new_base_registry_is_put_there_when_it_returns(
    world: World, newest: Digest
) -> None:
    world.staging_runs.end(TWO, *[RunStatus.ERROR] * 3)
    world.push(newest)
    world.check()
    world.settle()
    world.configuration.text = b"images: []\n"
    world.start()
    looked(world)
    moved(world)
    looked(world)
    assert (TARGET, TAG) not in world.base.tags
    world.pass_time(timedelta(days=1))
    world.configuration.text = WATCH_LIST
    world.start()
    looked(world)
    assert world.base.tags[TARGET, TAG] == newest
    assert world.target().let_go is None


def test_a_large_repository_moves_in_by_and_by() -> None:
    tags = b", ".join(b"t%d" % number for number in range(45))
    world = World(WATCH_LIST.replace(b"22-alpine", tags), new_tags=45)
    for number in range(45):
        world.push(ONE, Tag(f"t{number}"))
    world.check()
    world.settle(most=2000)
    moved(world)
    world.look_at_base()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert len(list(world.targets.of_repository(NEW, TARGET))) == MOST_AT_ONCE
    world.settle(most=4000)
    assert len(world.base.tags) == 45


def test_whoever_dies_while_a_new_base_registry_is_filled_fills_it_all_the_same() -> None:
    reached: list[str] = []
    whole = made()
    moved(whole)
    whole.hook = reached.append
    looked(whole)
    for moment in range(len(reached)):
        world = made()
        moved(world)
        _die_at(world, moment)
        for _ in range(3):
            with contextlib.suppress(Died):
                looked(world)
            world.sweep()
            world.settle()
            world.pass_time(HOUR)
        assert world.base.tags == {(TARGET, TAG): ONE}, reached[moment]
        assert (world.target().number, world.target().look_at) == (1, None)


def test_the_sweep_leaves_what_a_former_base_registry_was_in_the_middle_of(world: World) -> None:
    world.push(TWO)
    world.check()
    while world.target().importing is None:
        world.clock.now = max(world.clock.now, world.outbox.next_due() or world.clock.now)
        for delivery in world.outbox.deliver():
            world.work(delivery)
    former = world.target().id
    moved(world)
    world.settle()
    world.pass_time(HOUR)
    world.sweep()
    world.settle()
    stored = world.targets.get(former)
    assert stored is not None
    assert stored.record.look_at is None
    looked(world)
    assert world.base.tags[TARGET, TAG] == TWO


def test_a_tag_that_was_sighted_before_the_registries_were_compared_learns_what_people_said(world: World) -> None:
    change(world, lambda known: msgspec.structs.replace(known, blocked=(Blocked(THREE, SAID),)))
    world.push(TWO)
    world.check()
    moved(world)
    world.settle()
    assert (world.target().wanted, world.target().blocked) == (TWO, ())
    looked(world)
    assert (world.target().wanted, world.target().blocked) == (TWO, (Blocked(THREE, SAID),))
    change(world, lambda known: msgspec.structs.replace(known, blocked=()))
    looked(world)
    assert world.target().blocked == ()


def test_a_base_registry_that_is_in_force_once_more_learns_what_its_source_bore_meanwhile(world: World) -> None:
    moved(world)
    looked(world)
    world.push(TWO)
    world.check()
    world.settle()
    moved(world, BASE)
    world.base.push(TARGET, TAG, ONE)
    world.pass_time(HOUR)
    looked(world)
    assert world.base.tags[TARGET, TAG] == TWO
    assert (world.target().registry, world.target().number) == (BASE, 2)


def _die_at(world: World, moment: int) -> None:
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    world.hook = die
