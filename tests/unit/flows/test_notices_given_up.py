"""What a destination does not take for a week is given up, told to the others once, and deleted in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest

from shared.domain.notices.delivery import State
from shared.domain.notices.outgoing import Outgoing
from shared.domain.promotion.said import Said
from shared.errors import NotTaken, RateLimited, Refused, ServiceError, TidegateError
from shared.flows.list_notices import Forgone
from tests.doubles.mortal import Mortal
from tests.doubles.notices import InMemorySenders
from tests.doubles.world import World
from tests.unit.flows import told_people
from tests.unit.flows.told_people import (
    CHAT,
    DAY,
    HOUR,
    MAIL,
    QUARTER,
    MortalAt,
    chat,
    got,
    kinds,
    notice,
    numbers,
    over,
    settle,
    tell,
    trouble,
)

pytestmark = pytest.mark.unit

OURS = ("deliveries.", "destinations.", "senders.")
GONE = Refused("410: gone", code="410")


def watched(*destinations: str) -> World:
    """A world of which nothing is told but what the test tells."""
    return told_people.watched(*destinations, watch_list=b"images: []\n")


def refuses(world: World, error: TidegateError = GONE, many: int = 3) -> None:
    """Let a destination take nothing of what it is told from now on."""
    chat(world).always = error
    tell(world, [notice(number) for number in range(many)])


def week(world: World) -> None:
    """Let more than a week pass, in which nobody looks but at its end."""
    world.pass_time(timedelta(days=7, hours=1))
    world.run_for(2 * HOUR)


def put_away(world: World) -> None:
    """Give up what waits in vain, and have that told."""
    world.notifying.gives_up.put_away()
    world.run_for(timedelta(minutes=2))


def states(world: World, name: str = CHAT) -> Counter[State]:
    """What became of what the test had told to a destination."""
    ours = ("blocked", "candidate-rejected", "solved")
    records = (one for one in world.deliveries.records if one.destination == name)
    return Counter(one.state for one in records if one.notice.kind in ours)


def fares(world: World) -> object:
    """How the destination fares."""
    return next(one for one in world.notifying.lister.destinations() if one.name == CHAT)


def test_what_is_not_taken_for_a_week_is_given_up_by_the_sweep_and_shown_with_its_number() -> None:
    world = watched()
    refuses(world)
    world.run_for(timedelta(days=6), sweeps=12 * HOUR)
    assert states(world) == {State.PENDING: 3}
    assert fares(world).given_up == Forgone()  # type: ignore[attr-defined]
    world.run_for(timedelta(days=2), sweeps=12 * HOUR)
    assert states(world) == {State.GIVEN_UP: 3}
    whys = {one.why for one in world.deliveries.records if one.destination == CHAT}
    assert whys == {"it was not taken for 7 days: 410: gone"}
    shown = fares(world)
    assert shown.given_up.count == 3  # type: ignore[attr-defined]
    assert shown.given_up.since is not None  # type: ignore[attr-defined]
    assert shown.pending == 0  # type: ignore[attr-defined]


def test_the_other_destinations_are_told_once_however_long_it_lasts() -> None:
    world = watched()
    refuses(world)
    for number in range(3, 20):
        world.run_for(DAY, sweeps=6 * HOUR)
        tell(world, [notice(number)])
    assert kinds(world, MAIL).count("given-up") == 1
    message = next(one for one in got(world, MAIL) if one.kind == "given-up")
    assert "3 notices to chat are given up (3 blocked): it was not taken for 7 days: 410: gone" in message.lines[0].text
    assert message.link.endswith("/api/pages/system")
    assert "given-up" not in kinds(world)


def test_rows_of_what_was_given_up_are_deleted_when_those_of_what_was_sent_are() -> None:
    world = watched(CHAT)
    refuses(world)
    week(world)
    put_away(world)
    world.pass_time(timedelta(days=29))
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 3}
    world.pass_time(timedelta(days=2))
    put_away(world)
    assert states(world) == {}
    assert fares(world).given_up == Forgone()  # type: ignore[attr-defined]


def test_a_destination_that_works_again_gets_one_digest_of_what_it_missed() -> None:
    world = watched()
    refuses(world, many=4)
    week(world)
    put_away(world)
    world.notifying.book.tell([notice(number) for number in range(1000, 1500)])
    chat(world).always = None
    world.run_for(2 * DAY)
    tried, digest = got(world)
    assert [line.text for line in tried.lines if line.label == "Given up"] == [
        "4 notices that waited too long were given up (4 blocked): GET /api/notices lists them "
        "(destination=chat, state=given-up)"
    ]
    assert len(digest.items) + digest.more == 500
    assert digest.lines[0].label == "Missed"
    assert "4 notices that waited too long were given up" in digest.lines[0].text
    assert states(world) == {State.GIVEN_UP: 4, State.SENT: 500}


def test_what_comes_after_the_digest_is_told_as_ever_and_speaks_of_nothing_missed() -> None:
    world = watched()
    refuses(world)
    chat(world).always = None
    world.run_for(2 * DAY)
    before = len(got(world))
    tell(world, [notice(77), notice(78)])
    assert numbers(got(world)[before:]) == ["number 77", "number 78"]
    assert {line.label for one in got(world)[before:] for line in one.lines} == {"What", "At"}


def test_what_is_given_up_a_second_time_is_told_anew() -> None:
    world = watched()
    for first in (0, 100):
        chat(world).always = GONE
        tell(world, [notice(first)])
        week(world)
        put_away(world)
        chat(world).always = None
        tell(world, [notice(first + 1)])
        world.run_for(2 * DAY)
    assert kinds(world, MAIL).count("given-up") == 2


def test_a_destination_that_only_says_come_later_for_a_week_is_broken_and_its_notices_are_given_up() -> None:
    world = watched()
    refuses(world, RateLimited("429: slower", code="429", retry_after=3600))
    week(world)
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 3}
    world.run_for(HOUR)
    assert {"destination-broken", "given-up"} <= set(kinds(world, MAIL))
    chat(world).always = None
    world.run_for(2 * DAY)
    assert kinds(world) == ["tried-again"]


def test_a_destination_that_takes_trials_alone_has_its_notices_given_up_all_the_same() -> None:
    world = watched()
    sender = chat(world)
    real = sender.send

    def send(message: object) -> object:
        if getattr(message, "kind", "") != "tried-again":
            raise NotTaken("503: too busy for that", code="503")
        return real(message)  # type: ignore[arg-type]

    sender.send = send  # type: ignore[method-assign, assignment]
    tell(world, [notice(1), notice(2)])
    world.run_for(timedelta(days=8), sweeps=2 * HOUR)
    assert states(world) == {State.GIVEN_UP: 2}
    assert kinds(world, MAIL).count("given-up") == 1


def test_one_message_that_is_always_refused_is_given_up_and_keeps_no_other_waiting() -> None:
    world = watched()
    sender = chat(world)
    real = sender.send

    def send(message: object) -> object:
        if "digest:1" in getattr(message, "title", ""):
            raise Refused("400: we know that word", code="400")
        return real(message)  # type: ignore[arg-type]

    sender.send = send  # type: ignore[method-assign, assignment]
    tell(world, [notice(1), notice(2)])
    world.run_for(DAY)
    assert states(world) == {State.GIVEN_UP: 1, State.SENT: 1}
    why = next(one.why for one in world.deliveries.records if one.state is State.GIVEN_UP)
    assert why == "it is refused, though others are taken: 400: we know that word"
    assert fares(world).given_up.count == 1  # type: ignore[attr-defined]
    assert fares(world).broken is None  # type: ignore[attr-defined]
    assert kinds(world, MAIL).count("given-up") == 1


def test_what_waits_for_a_muted_destination_is_kept_and_tried_for_a_week_from_the_end_on() -> None:
    world = watched(CHAT)
    chat(world).always = GONE
    mute(world, 20)
    tell(world, [notice(1)])
    world.pass_time(timedelta(days=21))
    put_away(world)
    assert states(world) == {State.PENDING: 1}
    chat(world).always = None
    world.run_for(DAY)
    assert numbers(got(world)) == ["number 1"]


def test_a_mute_that_somebody_ends_keeps_what_waited_for_a_week_from_then_on() -> None:
    world = watched(CHAT)
    refuses(world, many=1)
    mute(world, 20)
    world.pass_time(timedelta(days=12))
    mute(world, 0)
    world.run_for(2 * HOUR)
    put_away(world)
    assert states(world) == {State.PENDING: 1}
    week(world)
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 1}


def test_who_is_muted_again_and_again_waits_for_no_more_than_thirty_seven_days() -> None:
    world = watched()
    mute(world, 30)
    tell(world, [notice(1)])
    world.pass_time(timedelta(days=29))
    mute(world, 30)
    put_away(world)
    assert states(world) == {State.PENDING: 1}
    world.pass_time(timedelta(days=9))
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 1}
    assert fares(world).broken is None  # type: ignore[attr-defined]
    (row,) = [one for one in world.deliveries.records if one.destination == CHAT]
    assert row.why == "it was muted for 37 days, at last by ada: planned work"


def mute(world: World, days: int) -> None:
    """Mute the destination; for no days: end that."""
    said = Said("ada", "planned work", world.clock())
    world.notifying.acts(world.activity).mute(CHAT, world.clock() + timedelta(days=days), said)


def test_an_app_that_stood_still_for_weeks_gives_nothing_up_before_it_was_tried() -> None:
    world = watched(CHAT)
    world.notifying.book.tell([notice(1)])
    world.pass_time(timedelta(days=20))
    world.start()
    world.run_for(QUARTER)
    assert numbers(got(world)) == ["number 1"]
    assert states(world) == {State.SENT: 1}


def test_what_waits_for_a_destination_that_no_setting_names_any_more_ends_and_is_deleted() -> None:
    world = watched()
    refuses(world)
    mail = world.senders.of(MAIL)
    world.senders = InMemorySenders([MAIL])
    world.senders._senders[MAIL] = mail
    world.start()
    week(world)
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 3}
    assert kinds(world, MAIL).count("given-up") == 1
    world.pass_time(timedelta(days=31))
    put_away(world)
    assert states(world) == {}


def test_the_end_of_a_trouble_whose_beginning_was_given_up_is_not_told() -> None:
    world = watched(CHAT)
    chat(world).always = GONE
    tell(world, [trouble(1)])
    week(world)
    put_away(world)
    tell(world, [over(trouble(1))])
    chat(world).always = None
    world.run_for(2 * DAY)
    assert kinds(world) == ["tried-again"]
    assert states(world) == {State.GIVEN_UP: 1, State.OVER: 1}


def test_what_was_given_up_is_sent_when_somebody_asks_for_it() -> None:
    world = watched(CHAT)
    refuses(world, many=1)
    week(world)
    put_away(world)
    chat(world).always = None
    world.run_for(2 * DAY)
    world.notifying.acts(world.activity).resend(notice(0).key, CHAT, Said("ada", "after all", world.clock()))
    settle(world)
    assert numbers(got(world)[1:]) == ["number 0"]
    assert states(world) == {State.SENT: 1}


def test_one_destination_whose_rows_cannot_be_read_keeps_no_other_from_its_end() -> None:
    world = watched(MAIL, CHAT)
    chat(world).always = chat(world, MAIL).always = GONE
    tell(world, [notice(1)])
    world.pass_time(timedelta(days=7, hours=1))
    for name in (CHAT, MAIL):
        world.notifying.courier.look(world.destinations.get(name))
    world.deliveries.fail("pending", ServiceError("a row cannot be read"))
    with pytest.raises(ServiceError):
        put_away(world)
    assert (states(world), states(world, MAIL)) == ({State.PENDING: 1}, {State.GIVEN_UP: 1})
    put_away(world)
    assert states(world) == {State.GIVEN_UP: 1}


def test_where_nothing_fails_nothing_is_read_of_what_waits() -> None:
    world = watched()
    tell(world, [notice(1)])
    read: list[str] = []
    world.hook = read.append
    world.notifying.gives_up.put_away()
    assert [name for name in read if name.startswith("deliveries.") and "put_away" not in name] == []


def story(mortal: Mortal) -> None:
    """Notices are given up, more are put down, the destination works again, and gets them."""
    world = mortal.world
    refuses(world)
    week(world)
    mortal.begin()
    mortal.do(world.notifying.gives_up.put_away)
    mortal.do(lambda: world.notifying.book.tell([notice(7), notice(8)]))
    world.run_for(HOUR)
    chat(world).always = None
    world.run_for(26 * HOUR, sweeps=HOUR)
    world.hook = None
    settle(world)


def once(dies_at: int) -> MortalAt:
    """Live through the story."""
    mortal = MortalAt(dies_at, watched(), OURS)
    story(mortal)
    return mortal


ALL = once(0)


def test_the_story_has_what_dies_in_it() -> None:
    assert kinds(ALL.world) == ["tried-again", "blocked"]
    assert states(ALL.world) == {State.GIVEN_UP: 3, State.SENT: 2}
    assert ALL.moments > 30


@pytest.mark.parametrize("moment", range(1, ALL.moments + 1))
def test_whoever_dies_at_any_moment_gives_up_the_same_and_tells_it_once(moment: int) -> None:
    mortal = once(moment)
    world = mortal.world
    assert states(world) == {State.GIVEN_UP: 3, State.SENT: 2}, mortal.names[moment - 1]
    assert fares(world).given_up.count == 3  # type: ignore[attr-defined]
    told = [one for one in got(world, MAIL) if one.kind == "given-up"]
    assert [one.again for one in told] in ([False], [False, True]), mortal.names[moment - 1]
    firsts = Counter(_told(one for one in got(world) if not one.again))
    assert set(_told(got(world))) == {"number 7", "number 8"}, mortal.names[moment - 1]
    assert all(count == 1 for count in firsts.values()), mortal.names[moment - 1]


def _told(messages: Iterable[Outgoing]) -> list[str]:
    return [text for text in numbers(messages) if text.startswith("number")]
