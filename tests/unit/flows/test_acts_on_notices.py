"""Trying a destination, muting it, having a notice sent once more, and seeing how all that stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.notices.delivery import State
from shared.domain.promotion.said import Said
from shared.errors import MalformedRequest, NotTaken, Refused
from shared.flows.act_on_notices import NoticeActs
from tests.doubles.world import World
from tests.unit.flows.told_people import (
    CHAT,
    HOUR,
    MAIL,
    chat,
    got,
    kinds,
    notice,
    numbers,
    settle,
    tell,
    trouble,
    watched,
)

pytestmark = pytest.mark.unit


def acts(world: World) -> NoticeActs:
    """What people may do."""
    return world.notifying.acts(world.activity)


def said(world: World) -> Said:
    """Ada says something now."""
    return Said("ada", "planned work", world.clock())


def test_a_test_arrives_and_says_who_sent_it() -> None:
    world = watched()
    tried = acts(world).test(CHAT, "ada", world.clock())
    assert (tried.sent, tried.status, tried.said) == (True, 200, "ok")
    (message,) = got(world)
    assert (message.kind, message.lines[-1].text) == ("test", "ada")


def test_a_test_that_is_refused_tells_status_and_words_and_is_the_last_error() -> None:
    world = watched()
    chat(world).always = Refused("404: no_service", code="404")
    tried = acts(world).test(CHAT, "ada", world.clock())
    assert (tried.sent, tried.status, tried.said) == (False, 404, "404: no_service")
    (fares, _) = world.notifying.lister.destinations()
    assert (fares.name, fares.last_error, fares.last_sent_at) == (CHAT, "404: no_service", None)


def test_a_test_that_arrives_shows_that_a_destination_works_and_what_waits_follows() -> None:
    world = watched(CHAT)
    chat(world).always = Refused("404: no_service", code="404")
    tell(world, [notice(1)])
    assert world.notifying.lister.destinations()[0].broken is not None
    chat(world).always = None
    acts(world).test(CHAT, "ada", world.clock())
    settle(world)
    assert kinds(world) == ["test", "blocked"]
    assert world.notifying.lister.destinations()[0].broken is None


def test_a_muted_destination_is_told_what_still_holds_once_that_ends() -> None:
    world = watched(CHAT)
    acts(world).mute(CHAT, world.clock() + 2 * HOUR, said(world))
    begun = trouble(1)
    tell(world, [begun, notice(2)])
    world.pass_time(HOUR)
    settle(world)
    assert got(world) == []
    (fares,) = world.notifying.lister.destinations()
    assert fares.pending == 2
    assert "muted until" in fares.suppressed[0].why
    assert "ada: planned work" in fares.suppressed[0].why
    world.run_for(2 * HOUR)
    assert sorted(numbers(got(world))) == ["number 1", "number 2"]


def test_a_destination_is_muted_no_more_when_somebody_says_so() -> None:
    world = watched(CHAT)
    acts(world).mute(CHAT, world.clock() + 2 * HOUR, said(world))
    tell(world, [notice(1)])
    acts(world).mute(CHAT, world.clock(), said(world))
    settle(world)
    assert numbers(got(world)) == ["number 1"]
    assert [event.name for event in world.activity.events if event.subject == "destination:chat"] == [
        "muted",
        "unmuted",
    ]


def test_nothing_is_muted_for_ever() -> None:
    world = watched(CHAT)
    with pytest.raises(MalformedRequest, match="30 days at most"):
        acts(world).mute(CHAT, world.clock() + timedelta(days=31), said(world))


def test_a_notice_is_sent_once_more_to_one_destination_and_says_so() -> None:
    world = watched()
    tell(world, [notice(1)])
    acts(world).resend(notice(1).key, CHAT, said(world))
    settle(world)
    world.run_for(HOUR)
    assert [one.again for one in got(world)] == [False, True]
    assert len({one.id for one in got(world)}) == 2
    assert len(got(world, MAIL)) == 1


@pytest.mark.parametrize("name", ["nobody", "CHAT"])
def test_what_there_is_not_is_told_with_what_there_is(name: str) -> None:
    world = watched()
    with pytest.raises(MalformedRequest, match="there are: chat, mail"):
        acts(world).test(name, "ada", world.clock())
    with pytest.raises(MalformedRequest, match="was never to be told"):
        acts(world).resend("0" * 32, CHAT, said(world))


def test_the_list_tells_what_became_of_each_notice_at_each_destination_the_newest_first() -> None:
    world = watched()
    chat(world).always = NotTaken("no connection")
    tell(world, [notice(1), notice(2)])
    listed = world.notifying.lister.notices(10)
    assert [one.detail for one in listed] == ["number 2", "number 1"]
    assert {one.destination: one.state for one in listed[0].deliveries} == {CHAT: State.PENDING, MAIL: State.SENT}
    pending = world.notifying.lister.notices(1, destination=CHAT, state=State.PENDING)
    assert [one.id for one in pending] == [notice(2).key]
    assert world.notifying.lister.notices(10, destination=MAIL, state=State.PENDING) == ()


def test_a_destination_tells_what_waits_for_its_time_of_day_and_when_each_kind_was_last_sent() -> None:
    world = watched(CHAT)
    tell(world, [notice(1), notice(2, "promoted")])
    (fares,) = world.notifying.lister.destinations()
    assert (fares.pending, fares.suppressed[0].why) == (1, "its route sends daily 08:00")
    assert set(fares.kinds) == {"blocked"}
    assert fares.next_at is not None


def test_what_was_done_with_long_ago_is_deleted_and_what_waits_is_kept() -> None:
    world = watched()
    chat(world).always = NotTaken("no connection")
    tell(world, [notice(1)])
    world.pass_time(timedelta(days=31))
    world.sweep()
    assert [one.destination for one in world.deliveries.records if one.notice.kind == "blocked"] == [CHAT]
