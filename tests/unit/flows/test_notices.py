"""Who is told of what, in how many messages, and when."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from shared.admitting import Admitting
from shared.bootstrap import Parts
from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.notices.delivery import State
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.said import Said
from shared.domain.references import Tag
from shared.domain.watching.troubles import Kind as TroubleKind
from shared.errors import MalformedInput
from tests.doubles.app import InMemoryFiles
from tests.doubles.kept_scans import InMemoryExceptionFiles
from tests.doubles.world import BASE_SERVER, NODE, ONE, THREE, TWO, WATCH_LIST, World
from tests.unit.flows.told_people import (
    CHAT,
    DAY,
    HOUR,
    MAIL,
    QUARTER,
    arrives,
    got,
    kinds,
    notice,
    numbers,
    over,
    settle,
    states,
    tell,
    trouble,
    watched,
)

pytestmark = pytest.mark.unit

ROUTES = b"""
routes:
  - to: chat
    kinds: [trouble]
    when: window 30m
  - to: mail
    kinds: [promoted, approval-decided]
    when: now
"""
TWO_TAGS = WATCH_LIST.replace(b"[22-alpine]", b"[22-alpine, '22']")
OWNED = (
    WATCH_LIST.replace(b"    gate: node", b"    gate: node\n    owner: team-a")
    + b"""
  - name: other
    source: docker.io/library/other
    tags: ["1"]
    target: base/other
    owner: team-b
"""
)


def said(world: World, why: str = "we know") -> Said:
    """Ada says something now."""
    return Said("ada", why, world.clock())


def survey(world: World) -> None:
    """Let a quarter of an hour pass, and what is wrong be found and told."""
    world.run_for(QUARTER)
    settle(world)


def test_a_promotion_is_told_once_a_day_and_names_tag_and_digests() -> None:
    world = watched()
    arrives(world, ONE)
    assert got(world) == []
    world.run_for(DAY)
    (message,) = got(world)
    assert (message.kind, message.title) == ("promoted", "Promoted: base/node:22-alpine")
    assert ONE in message.lines[0].text
    assert message.link == f"https://tidegate.example.net/api/pages/targets/{world.target().id}"
    assert message.installation == "test"


def test_what_was_told_is_taken_out_of_the_target() -> None:
    world = watched()
    arrives(world, ONE)
    assert world.target().notices == ()
    assert states(world) == {State.PENDING: 1}


def test_two_promotions_of_a_day_are_one_message() -> None:
    world = watched()
    arrives(world, ONE)
    arrives(world, TWO)
    world.run_for(DAY)
    (message,) = got(world)
    assert message.title == "2 x promoted"
    assert len(message.items) == 2


def test_what_a_person_does_is_told_at_once() -> None:
    world = watched()
    arrives(world, ONE)
    world.actor.pin(world.target().id, None, None, said(world, "not before monday"))
    settle(world)
    (message,) = got(world)
    assert message.kind == "pinned"
    assert "ada: not before monday" in message.lines[0].text


def test_going_back_and_blocking_are_told_and_each_block_once_however_many_tags_know_the_digest() -> None:
    world = watched(watch_list=TWO_TAGS)
    for tag in ("22-alpine", "22"):
        world.hub.push(NODE, Tag(tag), ONE)
    world.check()
    settle(world)
    world.ruler.block(ONE, said(world, "backdoor"))
    settle(world)
    assert kinds(world) == ["blocked"]
    assert numbers(got(world)) == [f"{ONE} is refused, says ada: backdoor"]


def test_an_override_is_told_when_it_is_asked_and_when_it_is_granted() -> None:
    world = watched()
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    for who in ("bob", "ada"):
        caller = Caller(Kind.PERSON, f"{who}@tenant", who, frozenset({Role.APPROVER}), world.clock())
        world.actor.promote(world.target().id, TWO, caller, "we need it", world.clock())
        settle(world)
    assert kinds(world)[-2:] == ["override-asked", "override"]


def test_hold_and_resume_are_part_of_the_days_message() -> None:
    world = watched()
    arrives(world, ONE)
    world.ruler.hold("node", said(world), listed=True)
    world.ruler.resume("node", said(world))
    world.run_for(DAY)
    (message,) = got(world)
    assert message.kind == "digest"
    assert {item.kind for item in message.items} == {"promoted", "held", "resumed"}


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over_to_who_was_told() -> None:
    world = watched()
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    survey(world)
    assert kinds(world) == ["candidate-rejected"]
    arrives(world, THREE)
    survey(world)
    assert kinds(world) == ["candidate-rejected", "solved"]
    assert got(world)[1].title == "Solved: Candidate rejected: node"


def test_a_trouble_that_lasts_is_told_again_after_an_hour_a_day_and_a_week_and_weekly_then() -> None:
    world = watched(CHAT)
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    begun = world.clock.now
    world.run_for(30 * DAY, sweeps=HOUR)
    told = [one.at - begun for one in got(world) if "rejected" in one.kind]
    days = [one / DAY for one in told]
    assert [round(one) for one in days[:4]] == [0, 0, 1, 7]
    assert 1 / 24 <= days[1] - days[0] < 0.1
    assert [one.title for one in got(world)][1] == "Candidate rejected (still): node"
    later = [item for one in got(world) for item in one.items if item.kind == "candidate-rejected"]
    assert 1 <= len(later) + len(days) - 4 <= 4


def test_what_is_over_before_it_was_told_is_not_told_at_all() -> None:
    world = watched(CHAT)
    begun = trouble(1)
    world.notifying.book.tell([begun])
    world.notifying.book.tell([over(begun)])
    settle(world)
    assert got(world) == []
    assert states(world) == {State.OVER: 2}


def test_who_was_not_told_of_a_trouble_is_not_told_that_it_is_over() -> None:
    world = watched(CHAT)
    tell(world, [over(trouble(1))])
    assert got(world) == []
    assert world.deliveries.records == ()


def test_who_was_told_of_a_trouble_is_told_that_it_is_over_whatever_routes_say_by_then() -> None:
    world = watched(CHAT)
    begun = trouble(1)
    tell(world, [begun])
    world.notify_files.files["notify.yaml"] = b"routes: [{to: chat, kinds: [promoted]}]\n"
    world.pass_time(HOUR)
    tell(world, [over(begun)])
    assert kinds(world) == ["candidate-rejected", "solved"]


def test_the_same_notice_is_told_once_however_often_it_is_put_down() -> None:
    world = watched()
    for _ in range(5):
        tell(world, [notice(1)])
        world.pass_time(HOUR)
    assert [len(got(world, name)) for name in (CHAT, MAIL)] == [1, 1]


def test_later_notices_of_a_cause_wait_and_are_one_message() -> None:
    world = watched(CHAT)
    for number in range(1, 11):
        tell(world, [trouble(number)])
        world.pass_time(timedelta(seconds=20))
    world.run_for(HOUR)
    assert len(got(world)) == 2
    assert sorted(numbers(got(world))) == sorted(f"number {number}" for number in range(1, 11))


def test_five_thousand_troubles_at_once_are_a_handful_of_messages_and_all_are_told() -> None:
    world = watched(CHAT)
    tell(world, [trouble(number) for number in range(5000)])
    world.run_for(4 * HOUR)
    assert len(got(world)) <= 4
    assert sum(max(len(one.items), 1) + one.more for one in got(world)) == 5000
    assert states(world) == {State.SENT: 5000}
    assert all(len(one.items) <= 50 for one in got(world))


def test_a_flood_of_single_messages_becomes_one_message_of_all() -> None:
    world = watched(CHAT)
    for number in range(60):
        tell(world, [notice(number)])
    world.run_for(HOUR)
    assert len(got(world)) < 40
    assert sorted(numbers(got(world))) == sorted(f"number {number}" for number in range(60))


def test_an_outage_of_an_upstream_is_one_message_for_all_its_repositories() -> None:
    world = watched(CHAT)
    fails = TroubleKind.REPOSITORY_FAILS.value
    abouts = [f"repository:docker.io/library/{number}" for number in range(50)]
    tell(world, [notice(1, fails, about=about, mark="x", cause="docker.io") for about in abouts])
    (message,) = got(world)
    assert message.title == f"50 x {fails}"


def test_notices_arrive_in_the_order_in_which_they_happened() -> None:
    world = watched(CHAT)
    world.notifying.book.tell([notice(number) for number in (5, 3, 9, 1)])
    settle(world)
    assert numbers(got(world)) == ["number 1", "number 3", "number 5", "number 9"]


def test_routes_say_who_is_told_of_what_and_when() -> None:
    world = watched()
    world.notify_files.files["notify.yaml"] = ROUTES
    arrives(world, ONE)
    assert kinds(world, MAIL) == ["promoted"]
    tell(world, [trouble(1)])
    tell(world, [trouble(2, cause="another")])
    assert got(world) == []
    world.run_for(HOUR)
    (message,) = got(world)
    assert len(message.items) == 2
    assert len(got(world, MAIL)) == 1


def test_owners_are_told_of_their_own_images_and_of_what_concerns_everybody() -> None:
    world = watched(watch_list=OWNED)
    world.notify_files.files["notify.yaml"] = b"routes: [{to: chat, owners: team-a}, {to: mail, owners: team-b}]\n"
    tell(world, [notice(1, images=("node",)), notice(2, images=("other",)), notice(3)])
    assert numbers(got(world)) == ["number 1", "number 3"]
    assert numbers(got(world, MAIL)) == ["number 2", "number 3"]


def test_a_file_of_routes_that_cannot_be_used_leaves_the_last_good_one_in_force_and_is_a_trouble() -> None:
    world = watched()
    world.notify_files.files["notify.yaml"] = b"routes: [{to: mail}]\n"
    tell(world, [notice(1)])
    world.notify_files.files["notify.yaml"] = b"routes:\n  - to: nobody\n"
    world.pass_time(HOUR)
    tell(world, [notice(2)])
    assert (len(got(world)), numbers(got(world, MAIL))) == (0, ["number 1", "number 2"])
    world.run_for(QUARTER)
    (one,) = (one for one in world.lasting if one.trouble.kind is TroubleKind.NOTIFY_INVALID)
    assert "line 2: routes[0].to: there is no destination" in one.trouble.detail
    assert "chat, mail" in one.trouble.detail


def test_an_owner_that_no_entry_has_is_a_trouble_though_the_file_is_in_force() -> None:
    world = watched()
    world.notify_files.files["notify.yaml"] = b"routes:\n  - {to: mail}\n  - to: chat\n    owners: [nobody]\n"
    world.run_for(QUARTER)
    (one,) = (one for one in world.lasting if one.trouble.kind is TroubleKind.NOTIFY_INVALID)
    assert "line 4: routes[1].owners[0]: there is no owner called 'nobody'" in one.trouble.detail


def test_where_nobody_is_to_be_told_nothing_is_read_or_written_for_it() -> None:
    world = World()
    for double in (world.deliveries, world.destinations, world.notify_files):
        for method in ("insert_all", "pending", "begun", "since", "every", "get", "put", "stored", "put_away"):
            if hasattr(double, method):
                double.fail(method, *[AssertionError(f"{double} was asked for {method}")] * 99)  # type: ignore[list-item]
    world.targets.fail("untold", *[AssertionError("targets were asked")] * 99)  # type: ignore[list-item]
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    world.run_for(DAY)
    assert world.target().notices == ()
    assert isinstance(world.notify_files, InMemoryExceptionFiles)


def test_an_approval_that_is_needed_is_told_and_so_is_its_answer_to_who_was_told() -> None:
    world = approving()
    (message,) = [one for one in got(world) if one.kind == "approval-needed"]
    assert ONE in message.lines[0].text
    agree(world)
    settle(world)
    assert got(world)[-1].title == "Solved: Approval needed: base/node:22-alpine"
    assert "ada" in got(world)[-1].lines[0].text


@pytest.mark.parametrize("days", [31, 100])
def test_who_was_told_that_an_approval_is_needed_is_told_of_its_answer_however_late_it_comes(days: int) -> None:
    world = approving()
    world.run_for(DAY * days, sweeps=DAY)
    before = len(got(world))
    agree(world)
    settle(world)
    assert "Solved: Approval needed: base/node:22-alpine" in [one.title for one in got(world)[before:]]
    world.run_for(DAY * 32, sweeps=DAY)
    assert not [one for one in world.deliveries.records if one.notice.kind == "approval-needed"]


def test_a_newer_digest_closes_the_request_and_says_so() -> None:
    world = approving()
    arrives(world, TWO)
    titles = [one.title for one in got(world)]
    assert "Solved: Approval needed: base/node:22-alpine" in titles
    closed = next(one for one in got(world) if one.kind == "solved")
    assert f"a newer digest was seen, {TWO}" in closed.lines[0].text


def approving() -> World:
    """A world in which a digest waits for people."""
    world = watched(CHAT)
    world.says(Policy("standard", approval=ApprovalCheck(required=1)))
    arrives(world, ONE)
    return world


def agree(world: World) -> None:
    """Ada agrees."""
    caller = Caller(Kind.PERSON, "ada@tenant", "ada", frozenset({Role.APPROVER}), world.clock())
    world.approver.approve(world.target().id, ONE, caller, "looks good", world.clock())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"routes: [{to: nobody}]", "there is no destination"),
        (b"routes: [{to: chat, owners: team-c}]", "there is no owner called 'team-c'; there are: team-a, team-b"),
        (b"routes: [{to: chat, images: ruby}]", "there is no entry of the watch list called 'ruby'"),
        (b"routes: [{to: chat, kinds: nonsense}]", "there is no kind of notice"),
    ],
)
def test_a_file_that_is_to_be_written_names_nobody_who_is_not_there(text: bytes, told: str) -> None:
    world = watched(watch_list=OWNED)
    with pytest.raises(MalformedInput) as raised:
        world.notifying.routes.check(text)
    assert told in str(raised.value)
    world.notifying.routes.check(b"routes: [{to: [chat, mail], owners: team-a, images: node, kinds: trouble}]")


def test_a_file_that_nobody_could_be_told_by_is_not_valid_before_it_is_written_either() -> None:
    world = watched(watch_list=OWNED)
    parts = SimpleNamespace(
        settings=SimpleNamespace(base_server=BASE_SERVER, list_removal_percent="20"),
        configuration_files=InMemoryFiles({}),
        configuration=world.configuration,
        notifying=world.notifying,
        watch_lists=world.watch_lists,
    )
    comparer = Admitting(cast(Parts, parts), world.scan_book).comparer
    for text in (b"routes: [{to: nobody}]", b"\x00", b"nonsense"):
        assert not comparer.check("notify.yaml", text).valid
        assert not comparer.compare("notify.yaml", text).valid
    assert comparer.check("notify.yaml", b"routes: [{to: chat}]").valid
