"""What every implementation of ``DeadLetters`` promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.poison_queues import PoisonQueues
from shared.dead_letter_ports import MOST_AT_ONCE, DeadLetters
from tests.doubles.queues import Delivery, InMemoryDeadLetters, InMemoryOutbox
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.contract


class Ends(msgspec.Struct, frozen=True):
    """Both ends: where messages die, and who looks for them."""

    letters: DeadLetters
    die: Callable[[str, str], object]
    now: Callable[[], datetime]


@pytest.fixture
def ends(account_or_none: StorageAccount | None) -> Ends:
    """The implementation under test."""
    if account_or_none is None:
        clock = SettableClock()
        outbox = InMemoryOutbox(clock)
        letters = InMemoryDeadLetters(outbox, clock)
        return Ends(letters, lambda queue, text: outbox.poison.append(Delivery(queue, text, clock())), clock)
    account = account_or_none
    for queue in ("imports", "validations"):
        account.queue(f"{queue}-poison").create_queue()
    return Ends(
        PoisonQueues(account),
        lambda queue, text: account.queue(f"{queue}-poison").send_message(text),
        lambda: datetime.now(UTC),
    )


def test_what_died_is_told_as_it_was_with_its_queue_and_when(ends: Ends) -> None:
    ends.die("imports", "a<b>&\"c' “é”")
    (letter,) = ends.letters.take("imports")
    assert (letter.queue, letter.text) == ("imports", "a<b>&\"c' “é”")
    assert abs(ends.now() - letter.died_at) < timedelta(minutes=1)


def test_what_died_in_one_queue_is_not_in_another(ends: Ends) -> None:
    ends.die("imports", "one")
    assert ends.letters.take("validations") == ()


def test_who_takes_it_has_it_for_a_while_alone(ends: Ends) -> None:
    ends.die("imports", "one")
    assert len(ends.letters.take("imports")) == 1
    assert ends.letters.take("imports") == ()


def test_what_is_deleted_is_gone_and_deleting_it_twice_does_no_harm(ends: Ends) -> None:
    for text in ("one", "one"):
        ends.die("imports", text)
    first, second = ends.letters.take("imports")
    ends.letters.delete(first)
    ends.letters.delete(first)
    ends.letters.delete(second)
    assert ends.letters.take("imports") == ()


def test_what_somebody_else_has_taken_since_is_left_to_them(ends: Ends) -> None:
    ends.die("imports", "one")
    (letter,) = ends.letters.take("imports")
    ends.letters.delete(msgspec.structs.replace(letter, receipt="AgAAAAMAAAAAAAAA"))
    ends.letters.delete(letter)
    assert ends.letters.take("imports") == ()


def test_many_are_taken_some_at_a_time(ends: Ends) -> None:
    texts = {str(number) for number in range(MOST_AT_ONCE + 3)}
    for text in texts:
        ends.die("imports", text)
    first, second = ends.letters.take("imports"), ends.letters.take("imports")
    assert (len(first), len(second)) == (MOST_AT_ONCE, 3)
    assert {letter.text for letter in (*first, *second)} == texts


def test_a_queue_that_is_not_there_is_empty(account: StorageAccount) -> None:
    assert PoisonQueues(account).take("imports") == ()


def test_the_double_gives_back_what_was_taken_and_not_deleted() -> None:
    clock = SettableClock()
    outbox = InMemoryOutbox(clock)
    letters = InMemoryDeadLetters(outbox, clock)
    outbox.poison.append(Delivery("imports", "one", clock()))
    (first,) = letters.take("imports")
    clock.advance(timedelta(minutes=5))
    (again,) = letters.take("imports")
    letters.delete(first)
    assert outbox.poison, "whoever had it before may not delete it"
    letters.delete(again)
    assert not outbox.poison
