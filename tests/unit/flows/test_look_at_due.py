"""What is due is looked at side by side; what is to begin waits for its turn, and a fault keeps nobody waiting."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

import pytest

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due
from shared.errors import Paced, Refused, ServiceError, Unavailable
from shared.flows.look_at_due import CLOCKS_DIFFER, LONGEST_ROUND, MOST_FOLLOWED, DueLooker, Kind
from shared.rules.wake import Waker
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import SettableClock
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit


class Records:
    """Numbers that are due: those below a hundred are to begin."""

    def __init__(self, *due: int, side_by_side: int = 1) -> None:
        self.due = list(due)
        self.clock = SettableClock(NOON)
        self.outbox = InMemoryOutbox(self.clock)
        self.waker = Waker(self.outbox, self.clock)
        self.looked: list[int] = []
        self.broken: list[int] = []
        self.asked: list[datetime] = []
        self.says: dict[int, Exception] = {}
        self.problem: ServiceError | None = None
        kind = Kind(
            due=self._due,
            look=lambda one: self.look(one),  # noqa: PLW0108  a test may put another look in its place
            begins=lambda one: one < 100,
            owners=lambda: lambda one: str(one % 10),
            since=lambda one: NOON + timedelta(seconds=one),
            broke=self.broken.append,
            traced=self._traced,
        )
        self.looker = DueLooker({Due.STAGING: kind}, self.waker, self.clock, side_by_side)

    def take(self, at: datetime = NOON) -> None:
        """Let a message come."""
        with self.waker.gathered():
            self.looker.look(LookAtDue(v=1, due=Due.STAGING, at=at))

    def look(self, one: int) -> None:
        """Look at one."""
        self.looked.append(one)
        if one in self.says:
            raise self.says[one]

    def woken(self) -> list[timedelta]:
        """Return how long from now the next messages come."""
        return [sent.delay for sent in self.outbox.sent]

    def _due(self, moment: datetime) -> list[int]:
        self.asked.append(moment)
        if self.problem is not None:
            raise self.problem
        return self.due

    def _traced(self, _: int) -> AbstractContextManager[None]:
        return nullcontext()


def test_what_is_under_way_is_looked_at_before_anything_begins_and_owners_begin_in_turn() -> None:
    records = Records(11, 21, 2, 101, 102)
    records.take()
    assert records.looked == [101, 102, 2, 11, 21]
    assert records.woken() == []


def test_whoever_is_told_to_wait_begins_nothing_more_and_is_woken_when_it_may() -> None:
    records = Records(1, 2, 3, 101)
    records.says[2] = Paced("not yet", retry_after=7)
    records.take()
    assert records.looked == [101, 1, 2]
    assert records.woken() == [timedelta(seconds=7)]


def test_a_look_that_is_told_to_wait_keeps_nothing_from_beginning() -> None:
    records = Records(1, 101)
    records.says[101] = Paced("not yet", retry_after=7)
    records.take()
    assert records.looked == [101, 1]


def test_a_store_that_does_not_answer_is_asked_again_and_nothing_is_put_off() -> None:
    records = Records(1, 2)
    records.says[1] = Unavailable("503")
    records.take()
    assert (records.looked, records.broken) == ([1, 2], [])
    assert records.woken() == [timedelta(seconds=15)]


@pytest.mark.parametrize("error", [KeyError("a defect"), Refused("no")])
def test_a_fault_of_one_record_keeps_no_other_from_its_look(error: Exception) -> None:
    records = Records(1, 2, 101)
    records.says[101] = error
    records.take()
    assert (records.looked, records.broken) == ([101, 1, 2], [101])


def test_what_could_be_read_is_looked_at_before_what_could_not_is_told() -> None:
    records = Records()
    records.problem = Unavailable("503")
    with pytest.raises(Unavailable):
        records.take()
    records.problem, records.due = None, [5]
    records.take()
    assert records.looked == [5]


def test_what_is_due_by_the_clock_of_whoever_asked_is_due() -> None:
    records = Records()
    records.take(NOON + timedelta(seconds=2))
    records.take(NOON - timedelta(seconds=2))
    records.take(NOON + timedelta(days=9))
    assert records.asked == [NOON + timedelta(seconds=2), NOON, NOON + CLOCKS_DIFFER]


def test_what_is_left_after_a_long_round_is_woken_for_at_once() -> None:
    records = Records(101, 102, 103)
    look = records.look

    def slow(one: int) -> None:
        look(one)
        records.clock.advance(LONGEST_ROUND)

    records.look = slow  # type: ignore[method-assign]
    records.take()
    assert records.looked == [101, 102]
    assert records.woken() == [timedelta(0)]


def test_records_are_looked_at_side_by_side() -> None:
    records = Records(101, 102, 103, side_by_side=3)
    met = threading.Barrier(3, timeout=5)
    records.look = lambda one: records.looked.append(one + 0 * met.wait())  # type: ignore[method-assign,assignment]
    records.take()
    assert sorted(records.looked) == [101, 102, 103]


def test_a_message_that_comes_while_its_kind_is_looked_at_has_it_looked_at_once_more_by_the_same() -> None:
    records = Records(101)
    look, first = records.look, [True]

    def interrupted(one: int) -> None:
        look(one)
        if first:
            first.clear()
            records.looker.look(LookAtDue(v=1, due=Due.STAGING, at=NOON))
            assert records.looked == [101]

    records.look = interrupted  # type: ignore[method-assign]
    records.take()
    assert records.looked == [101, 101]


def test_a_kind_is_looked_at_by_one_at_a_time_however_closely_messages_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is over, and has not returned yet, when the second begins; a third must find the second at it."""
    records = Records(101)
    over, begun, third = records.looker._next, [0], list[list[int]]()

    def just_over(due: Due) -> datetime | None:
        moment = over(due)
        if moment is None and begun[0] == 0:
            begun[0] = 1
            records.look = looked_at_meanwhile  # type: ignore[method-assign]
            second.start()
            entered.wait(5)
        return moment

    def looked_at_meanwhile(one: int) -> None:
        records.looked.append(one)
        if not entered.is_set():
            entered.set()
            returned.wait(5)
            records.looker.look(LookAtDue(v=1, due=Due.STAGING, at=NOON))
            third.append(list(records.looked))

    entered, returned = threading.Event(), threading.Event()
    second = threading.Thread(target=records.take)
    monkeypatch.setattr(records.looker, "_next", just_over)
    records.take()
    returned.set()
    second.join(5)
    assert third == [[101, 101]], "the third left it to the second"
    assert records.looked == [101, 101, 101]


class Following:
    """A rebuild that ends makes its wave due, and the wave that is looked at makes a rebuild due, so many times."""

    def __init__(self, times: int, *, kind: Due = Due.REBUILDS, pause: timedelta = timedelta(0)) -> None:
        self.clock = SettableClock(NOON)
        self.outbox = InMemoryOutbox(self.clock)
        self.waker = Waker(self.outbox, self.clock)
        self.left, self.kind, self.pause = times, kind, pause
        self.looked: list[Due] = []
        self.problems: dict[Due, Exception] = {}
        kinds = {due: self._kind(due) for due in (kind, Due.WAVES)}
        self.looker = DueLooker(kinds, self.waker, self.clock, 1)

    def take(self) -> None:
        """Let a message come."""
        with self.waker.gathered():
            self.looker.look(LookAtDue(v=1, due=self.kind, at=NOON))

    def sent(self) -> list[tuple[Due, timedelta]]:
        """Return what was sent, and how long from now it comes."""
        return [(one.message.due, one.delay) for one in self.outbox.sent if isinstance(one.message, LookAtDue)]

    def _kind(self, due: Due) -> Kind[int]:
        return Kind(
            due=lambda _: self._due(due),
            look=lambda _: self._look(due),
            begins=lambda _: False,
            owners=lambda: lambda _: "",
            since=lambda _: NOON,
            broke=lambda _: None,
            traced=lambda _: nullcontext(),
        )

    def _due(self, due: Due) -> list[int]:
        if due in self.problems:
            raise self.problems[due]
        return [1]

    def _look(self, due: Due) -> None:
        self.looked.append(due)
        if self.left:
            self.left -= 1
            self.waker.at(Due.WAVES if due is self.kind else self.kind, self.clock() + self.pause)


def test_what_a_rebuild_makes_due_and_what_that_makes_due_is_looked_at_with_one_message() -> None:
    following = Following(3)
    following.take()
    assert following.looked == [Due.REBUILDS, Due.WAVES, Due.REBUILDS, Due.WAVES]
    assert following.sent() == []


def test_what_comes_due_later_has_a_message_of_its_own() -> None:
    following = Following(3, pause=timedelta(seconds=1))
    following.take()
    assert following.looked == [Due.REBUILDS]
    assert following.sent() == [(Due.WAVES, timedelta(seconds=1))]


def test_what_goes_on_and_on_goes_on_with_another_message() -> None:
    following = Following(100)
    following.take()
    assert len(following.looked) == 1 + MOST_FOLLOWED
    assert following.sent() == [(Due.WAVES, timedelta(0))]


def test_what_follows_and_cannot_be_read_is_looked_at_again_by_another_message() -> None:
    following = Following(1)
    following.problems[Due.WAVES] = Unavailable("503")
    with pytest.raises(Unavailable):
        following.take()
    assert following.looked == [Due.REBUILDS]
    assert following.sent() == [(Due.WAVES, timedelta(0))]


def test_what_other_kinds_make_due_is_left_to_a_message() -> None:
    following = Following(1, kind=Due.TARGETS)
    following.take()
    assert following.looked == [Due.TARGETS]
    assert following.sent() == [(Due.WAVES, timedelta(0))]
