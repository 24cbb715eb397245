"""Whoever dies between any two writes, and however a destination fails: none is lost, and what comes twice says so."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.notices.delivery import State
from shared.domain.notices.destination import MOST_DEATHS
from shared.domain.promotion.said import Said
from shared.errors import Conflict, NotTaken, RateLimited, Refused, ServiceError, TidegateError, Unavailable
from tests.doubles.mortal import Mortal
from tests.doubles.notices import InMemorySender
from tests.doubles.world import ONE, THREE, TWO, Died, World
from tests.unit.flows.told_people import (
    CHAT,
    DAY,
    HOUR,
    MAIL,
    QUARTER,
    MortalAt,
    arrives,
    chat,
    got,
    kinds,
    notice,
    numbers,
    settle,
    states,
    tell,
    trouble,
    watched,
)

pytestmark = pytest.mark.unit

# Whoever dies elsewhere is another test's.
OURS = ("targets.", "deliveries.", "destinations.", "senders.", "outbox.", "troubles.")


def story(mortal: Mortal) -> None:
    """A promotion, a pin, a trouble and its end, the digest of the day: all of them told to two destinations."""
    world = mortal.world
    arrives(world, ONE)
    mortal.begin()
    said = Said("ada", "wait", world.clock())
    mortal.do(lambda: world.actor.pin(world.target().id, None, None, said))
    settle(world)
    world.run_for(QUARTER)
    mortal.do(lambda: world.actor.unpin(world.target().id, said))
    arrives_mortally(mortal, TWO)
    world.run_for(2 * QUARTER)
    arrives_mortally(mortal, THREE)
    world.run_for(DAY, sweeps=HOUR)


def arrives_mortally(mortal: Mortal, digest: object) -> None:
    """Let a digest appear, whoever dies."""
    world = mortal.world
    if digest == TWO:
        world.hook = None
        arrives(world, TWO, passes=False)
        mortal.begin()
        return
    world.push(digest)  # type: ignore[arg-type]
    mortal.do(world.check)
    settle(world)


def once(dies_at: int, tale: Callable[[Mortal], None] = story) -> MortalAt:
    """Live through a story."""
    mortal = MortalAt(dies_at, watched(), OURS)
    tale(mortal)
    return mortal


def told(world: World, name: str) -> Counter[str]:
    """What was told to a destination, by its text, without the times that differ from life to life."""
    return Counter(
        re.split(r", says| \(run |, \d+ (?:min|h|d)| after | \(since ", text)[0] for text in numbers(got(world, name))
    )


ALL = once(0)
TOLD = {name: set(told(ALL.world, name)) for name in (CHAT, MAIL)}


def test_the_story_tells_of_each_kind_at_least_once() -> None:
    assert {"pinned", "candidate-rejected", "solved", "digest"} <= set(kinds(ALL.world))
    assert all(count == 1 for count in told(ALL.world, CHAT).values())
    assert ALL.moments > 100


@pytest.mark.parametrize("moment", range(1, ALL.moments + 1))
def test_whoever_dies_at_any_moment_loses_nothing_and_what_comes_twice_says_so(moment: int) -> None:
    mortal = once(moment)
    world = mortal.world
    for name in (CHAT, MAIL):
        found = told(world, name)
        assert TOLD[name] <= set(found), mortal.names[moment - 1]
        firsts = told_by(world, name, again=False)
        assert all(count == 1 for count in firsts.values()), mortal.names[moment - 1]
        assert all(count <= 2 for count in found.values()), mortal.names[moment - 1]
        assert states(world, name)[State.PENDING] == 0
    assert sum(message.again for name in (CHAT, MAIL) for message in got(world, name)) <= 1
    assert world.target().notices == ()


def told_by(world: World, name: str, *, again: bool) -> Counter[str]:
    """What was told in messages that said that they may have arrived before, or not."""
    return Counter(numbers(one for one in got(world, name) if one.again is again))


@pytest.mark.parametrize("seed", range(60))
def test_whoever_dies_several_times_loses_nothing(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    world = watched(CHAT)
    world.hook = lambda name: dies(chance, name)
    for number in range(12):
        with_deaths(world, lambda number=number: world.notifying.book.tell([notice(number), trouble(100 + number)]))
        world.pass_time(timedelta(minutes=2))
        live(world)
    for _ in range(30):
        world.pass_time(QUARTER)
        with_deaths(world, world.sweep)
        live(world)
    wanted = {f"number {number}" for number in (*range(12), *range(100, 112))}
    assert set(numbers(got(world))) == wanted
    assert all(count == 1 for count in told_by(world, CHAT, again=False).values())
    assert states(world)[State.PENDING] == 0


def dies(chance: random.Random, name: str) -> None:
    """Die now and then."""
    if name.startswith(OURS) and chance.random() < 0.02:
        raise Died


def with_deaths(world: World, act: Callable[[], object]) -> None:
    """Do something until nobody dies of it."""
    while True:
        try:
            act()
        except Died:
            world.start()
        else:
            return


def live(world: World) -> None:
    """Deliver what is due; whoever dies is started again."""
    end = world.clock.now + timedelta(minutes=1)
    while (due := world.outbox.next_due()) is not None and due <= end:
        world.step()


@pytest.mark.parametrize("moment", range(1, 80))
def test_storage_that_gives_no_answer_at_any_moment_loses_nothing(moment: int) -> None:
    world, count = watched(CHAT), [0]

    def unanswered(name: str) -> None:
        if name.startswith(("deliveries.", "destinations.")):
            count[0] += 1
            if count[0] == moment:
                raise Unavailable("the storage account gave no answer")

    world.hook = unanswered
    for number in range(6):
        repeated(lambda number=number: world.notifying.book.tell([notice(number), trouble(100 + number)]))
        settle(world)
    world.run_for(2 * HOUR)
    assert set(numbers(got(world))) == {f"number {number}" for number in (*range(6), *range(100, 106))}
    assert all(number == 1 for number in told_by(world, CHAT, again=False).values())
    assert sum(one.again for one in got(world)) <= 1


def repeated(act: Callable[[], object]) -> None:
    """Do something again that storage did not answer to, as whoever tells does."""
    try:
        act()
    except TidegateError:
        act()


ERRORS: dict[str, Callable[[], TidegateError]] = {
    "not taken": lambda: NotTaken("503: come later", code="503"),
    "asked to wait": lambda: RateLimited("429: slower", code="429", retry_after=30),
    "refused": lambda: Refused("400: one block too long", code="400"),
}


@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_a_destination_does_not_take_once_arrives_once_and_the_others_wait_for_nothing(
    how: str, number: int
) -> None:
    world = watched()
    refuses_the(chat(world), number, ERRORS[how]())
    for one in range(4):
        tell(world, [notice(one)])
        assert numbers(got(world, MAIL))[-1] == f"number {one}"
        world.pass_time(timedelta(minutes=10))
    world.run_for(2 * HOUR)
    arrived = (f"number {one}" for one in range(4) if one != number or how != "refused")
    assert Counter(numbers(got(world))) == Counter(arrived)
    assert not any(one.again for one in got(world))
    assert states(world) == {State.SENT: 4}


def refuses_the(sender: InMemorySender, number: int, error: TidegateError) -> None:
    """Let the sender's call of a number end in an error, with nothing arriving."""
    real, calls = sender.send, [0]

    def send(message: object) -> object:
        calls[0] += 1
        if calls[0] == number + 1:
            raise error
        return real(message)  # type: ignore[arg-type]

    sender.send = send  # type: ignore[method-assign, assignment]


def test_what_is_refused_is_sent_once_more_without_all_that_may_be_too_much() -> None:
    world = watched(CHAT)
    refuses_the(chat(world), 0, Refused("400: too long"))
    tell(world, [notice(1)])
    (message,) = got(world)
    assert (message.short, message.lines, message.title) == (True, (), "Digest blocked: digest:1")
    assert states(world) == {State.SENT: 1}


def test_an_unclear_answer_is_repeated_once_and_says_so() -> None:
    world = watched(CHAT)
    chat(world).answers.append(Unavailable("no answer in 10 s"))
    tell(world, [notice(1)])
    assert [one.again for one in got(world)] == [False]
    world.run_for(HOUR)
    assert [one.again for one in got(world)] == [False, True]
    assert len({one.id for one in got(world)}) == 1
    assert states(world) == {State.SENT: 1}


def test_a_destination_that_never_answers_is_broken_and_the_others_are_told_what_it_was_not() -> None:
    world = watched()
    chat(world).answers.extend(Unavailable("no answer in 10 s") for _ in range(2))
    chat(world).answers.extend(Unavailable("no answer") for _ in range(99))
    tell(world, [notice(1)])
    world.run_for(2 * HOUR)
    assert states(world)[State.UNCLEAR] == 1
    assert [one.again for one in got(world) if one.kind == "blocked"] == [False, True]
    broken = next(one for one in got(world, MAIL) if one.kind == "destination-broken")
    assert "chat does not take notices" in broken.lines[0].text
    assert "Digest blocked: digest:1" in broken.lines[0].text
    assert "destination-broken" not in kinds(world)


def test_a_destination_that_takes_nothing_is_broken_and_gets_all_that_waited_once_it_works() -> None:
    world = watched()
    chat(world).always = NotTaken("no connection")
    for number in range(5):
        tell(world, [notice(number), trouble(100 + number)])
        world.run_for(HOUR)
    assert world.destinations.get(CHAT).record.broken is not None
    assert "destination-broken" in kinds(world, MAIL)
    chat(world).always = None
    world.run_for(DAY)
    expected = Counter(f"number {number}" for number in (*range(5), *range(100, 105)))
    found = Counter(text for text in numbers(got(world)) if text.startswith("number"))
    assert found == expected
    assert kinds(world)[0] == "tried-again"
    assert kinds(world, MAIL)[-1] == "solved"
    assert world.destinations.get(CHAT).record.broken is None


@pytest.mark.parametrize("status", ["410", "403", "404"])
def test_a_destination_that_refuses_for_good_is_broken_within_a_minute_and_keeps_all(status: str) -> None:
    world = watched()
    chat(world).always = Refused(f"{status}: no_service", code=status)
    tell(world, [notice(1)])
    known = world.destinations.get(CHAT).record
    assert known.broken is not None
    assert (known.broken.why, known.last_error) == (f"{status}: no_service", f"{status}: no_service")
    assert states(world) == {State.PENDING: 1}
    world.run_for(QUARTER)
    settle(world)
    assert kinds(world, MAIL) == ["blocked", "destination-broken"]


def test_a_receiver_that_knows_ids_is_told_until_it_answers() -> None:
    world = watched(CHAT)
    chat(world).takes_ids = True
    chat(world).answers.extend(Unavailable("no answer") for _ in range(3))
    tell(world, [notice(1)])
    world.run_for(6 * HOUR)
    assert len({one.id for one in got(world)}) == 1
    assert len(got(world)) == 4
    assert states(world) == {State.SENT: 1}


def test_who_says_when_to_come_again_is_asked_then_and_is_never_broken() -> None:
    world = watched(CHAT)
    chat(world).fail("send", *[RateLimited("429", retry_after=600) for _ in range(9)])
    tell(world, [notice(1)])
    world.run_for(HOUR)
    assert got(world) == []
    world.run_for(HOUR)
    assert numbers(got(world)) == ["number 1"]
    assert world.destinations.get(CHAT).record.broken is None


def test_a_destination_whose_record_fails_keeps_no_other_from_being_told() -> None:
    world = watched()
    world.destinations.fail("get", ServiceError("the row cannot be read"))
    with pytest.raises(ServiceError):
        tell(world, [notice(1)])
    settle(world)
    assert (numbers(got(world)), numbers(got(world, MAIL))) == ([], ["number 1"])
    tell(world, [notice(1)])
    assert (numbers(got(world)), numbers(got(world, MAIL))) == (["number 1"], ["number 1"])


def test_a_target_that_cannot_be_read_keeps_nobody_from_being_told() -> None:
    world = watched(CHAT)
    tell(world, [notice(1)])
    world.targets.fail("untold", ServiceError("one row cannot be read"))
    world.notifying.book.tell([notice(2)])
    with pytest.raises(ServiceError):
        settle(world)
    assert numbers(got(world)) == ["number 1", "number 2"]


def test_two_who_look_at_a_destination_at_once_send_one_message() -> None:
    world = watched(CHAT)
    world.notifying.book.tell([notice(1)])
    stored = world.destinations.get(CHAT)
    world.notifying.courier.look(stored)
    with pytest.raises(Conflict):
        world.notifying.courier.look(stored)
    settle(world)
    assert len(got(world)) == 1


def test_while_one_sends_another_waits_and_goes_on_once_it_must_have_died() -> None:
    world = watched(CHAT)
    world.hook = lambda name: die() if name == "senders.after:send" else None
    with pytest.raises(Died):
        look(world, [notice(1)])
    world.start()
    world.hook = None
    world.notifying.courier.look(world.destinations.get(CHAT))
    assert len(got(world)) == 1
    world.pass_time(timedelta(minutes=4))
    world.notifying.courier.look(world.destinations.get(CHAT))
    assert [one.again for one in got(world)] == [False, True]


def test_a_message_that_kills_whoever_sends_it_ends_as_unclear_and_is_told_to_the_others() -> None:
    world = watched()
    kills = {"on": True}
    sender = chat(world)

    def send(message: object) -> object:
        if kills["on"]:
            raise Died
        raise AssertionError(message)

    sender.send = send  # type: ignore[method-assign, assignment]
    world.notifying.book.tell([notice(1)])
    for _ in range(MOST_DEATHS + 3):
        world.run_for(QUARTER)
    settle(world)
    assert states(world)[State.UNCLEAR] == 1
    assert "destination-broken" in kinds(world, MAIL)


def look(world: World, notices: list[object]) -> None:
    """Put notices down, and look at their destination at once."""
    world.notifying.book.tell(notices)  # type: ignore[arg-type]
    world.notifying.courier.look(world.destinations.get(CHAT))


def die() -> None:
    """The process is killed."""
    raise Died
