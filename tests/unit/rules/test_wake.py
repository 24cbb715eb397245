"""One message wakes for many, and none waits in a queue for what is not due."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due
from shared.domain.promotion.schedule import FARTHEST_WAKE, together_by
from shared.errors import Unavailable
from shared.rules.wake import LONGEST_GATHERED, Waker
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import SettableClock
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit
SECOND = timedelta(seconds=1)


class Woken:
    """A waker with the other end of its queue."""

    def __init__(self) -> None:
        self.clock = SettableClock(NOON)
        self.outbox = InMemoryOutbox(self.clock)
        self.waker = Waker(self.outbox, self.clock)

    def times(self, due: Due = Due.STAGING) -> list[datetime]:
        """Return the moments for which a kind is woken."""
        messages = [sent.message for sent in self.outbox.sent]
        return [one.at for one in messages if isinstance(one, LookAtDue) and one.due is due]


def test_what_is_due_at_once_is_woken_for_at_once() -> None:
    woken = Woken()
    woken.waker.at(Due.GATES, NOON)
    assert woken.times(Due.GATES) == [NOON]
    assert woken.outbox.next_due() == NOON


def test_what_was_due_long_ago_is_woken_for_at_once_by_one_message() -> None:
    woken = Woken()
    with woken.waker.gathered():
        for hours in range(9):
            woken.waker.at(Due.GATES, NOON - timedelta(hours=hours))
    assert woken.times(Due.GATES) == [NOON]


def test_a_hundred_that_are_written_together_are_woken_for_once() -> None:
    woken = Woken()
    with woken.waker.gathered():
        for _ in range(100):
            woken.waker.at(Due.STAGING, woken.clock.advance(timedelta(milliseconds=20)))
    assert woken.times() == [woken.clock()]


def test_what_is_ready_does_not_wait_for_the_end_of_a_long_check() -> None:
    woken = Woken()
    with woken.waker.gathered():
        for _ in range(60):
            woken.waker.at(Due.STAGING, woken.clock.advance(timedelta(milliseconds=100)))
            assert max(woken.times(), default=NOON) >= woken.clock() - LONGEST_GATHERED
    assert len(woken.times()) <= 4
    assert woken.times()[-1] == woken.clock()


def test_what_comes_due_after_the_message_that_is_on_its_way_has_one_of_its_own() -> None:
    woken = Woken()
    woken.waker.at(Due.STAGING, NOON + 20 * SECOND)
    woken.waker.at(Due.STAGING, NOON + 19 * SECOND)
    woken.waker.at(Due.STAGING, NOON + 25 * SECOND)
    assert woken.times() == [NOON + 20 * SECOND, NOON + 25 * SECOND]


def test_a_message_that_has_gone_out_for_this_moment_wakes_for_nothing_that_is_written_after_it() -> None:
    woken = Woken()
    woken.waker.at(Due.STAGING, NOON)
    woken.waker.at(Due.STAGING, NOON)
    assert woken.times() == [NOON, NOON]


def test_what_is_far_away_is_left_to_the_sweep() -> None:
    woken = Woken()
    woken.waker.at(Due.TARGETS, NOON + FARTHEST_WAKE + SECOND)
    assert woken.outbox.sent == []


def test_what_could_not_be_sent_is_sent_with_the_next() -> None:
    woken = Woken()
    woken.outbox.fail("send", Unavailable("503"))
    with pytest.raises(Unavailable):
        woken.waker.at(Due.STAGING, NOON + 60 * SECOND)
    woken.waker.at(Due.REBUILDS, NOON)
    assert (woken.times(), woken.times(Due.REBUILDS)) == ([NOON + 60 * SECOND], [NOON])


def test_what_somebody_asks_for_meanwhile_waits_for_nobody_else() -> None:
    woken = Woken()
    with woken.waker.gathered():
        woken.waker.at(Due.STAGING, NOON)
        other = threading.Thread(target=woken.waker.at, args=(Due.TARGETS, NOON))
        other.start()
        other.join()
        assert woken.times(Due.TARGETS) == [NOON]
    assert len(woken.times()) == 1


def test_work_that_fails_wakes_for_what_it_has_written_before() -> None:
    woken = Woken()
    with pytest.raises(Unavailable), woken.waker.gathered():
        woken.waker.at(Due.STAGING, NOON)
        raise Unavailable("503")
    assert woken.times() == [NOON]


@given(st.lists(st.floats(-5, 3600), min_size=1, max_size=40), st.booleans())
def test_whatever_comes_due_is_woken_for_soon_after_its_time(pauses: list[float], together: bool) -> None:
    woken = Woken()
    moments = [NOON + timedelta(seconds=pause) for pause in pauses]
    if together:
        with woken.waker.gathered():
            for moment in moments:
                woken.waker.at(Due.STAGING, moment)
    else:
        for moment in moments:
            woken.waker.at(Due.STAGING, moment)
    for moment in moments:
        at = max(moment, NOON)
        assert any(at <= time <= together_by(at, NOON) for time in woken.times())
