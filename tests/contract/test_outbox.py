"""What every implementation of ``Outbox`` promises, seen from the other end of its queues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.queues import Queues
from shared.domain.events.messages import CheckRepositories, LookAtDue, RetryTargets, decode, encode
from shared.domain.promotion.due import Due
from shared.domain.promotion.statuses import Status
from shared.errors import Refused
from shared.ports import Outbox
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.contract

LOOK = LookAtDue(v=1, due=Due.STAGING, at=datetime(2026, 1, 1, tzinfo=UTC), traceparent="a<b>&\"c' “é”\n")

CHECK = CheckRepositories(v=1, repositories=("docker.io/library/node",))
RETRY = RetryTargets(
    v=1, targets=("tidegatebase~base~node~22",), statuses=(Status.FAILED,), asked_at=datetime(2026, 1, 1, tzinfo=UTC)
)


class Ends(msgspec.Struct, frozen=True):
    """Both ends of the queues: where messages are put, and what can be seen of one queue now."""

    outbox: Outbox
    visible: Callable[[str], list[str]]


@pytest.fixture
def ends(account_or_none: StorageAccount | None) -> Ends:
    """The implementation under test."""
    if account_or_none is None:
        double = InMemoryOutbox(SettableClock())
        return Ends(double, lambda queue: [each.text for each in double.deliver() if each.queue == queue])
    account = account_or_none
    return Ends(Queues(account), lambda queue: [each.content for each in account.queue(queue).receive_messages()])


def test_a_message_is_seen_as_the_plain_text_it_was_sent_as(ends: Ends) -> None:
    ends.outbox.send(LOOK)
    assert ends.visible("imports") == [encode(LOOK)]
    assert decode(encode(LOOK), LookAtDue) == LOOK


def test_a_message_is_in_its_queue_only(ends: Ends) -> None:
    ends.outbox.send(LOOK)
    gate = msgspec.structs.replace(LOOK, due=Due.GATES)
    ends.outbox.send(gate)
    assert ends.visible("validations") == [encode(gate)]


@pytest.mark.parametrize("delay", [timedelta(seconds=30), timedelta(hours=2), timedelta(days=7), timedelta(days=400)])
def test_a_delayed_message_is_not_seen_yet(ends: Ends, delay: timedelta) -> None:
    for message in (LOOK, CHECK):
        ends.outbox.send(message, delay)
    ends.outbox.send(RETRY)
    assert ends.visible("imports") == [encode(RETRY)]


def test_a_delay_that_is_over_already_is_none(ends: Ends) -> None:
    ends.outbox.send(LOOK, timedelta(seconds=-5))
    assert ends.visible("imports") == [encode(LOOK)]


def test_the_longest_message_is_taken(ends: Ends) -> None:
    empty = msgspec.structs.replace(LOOK, traceparent="x")
    longest = msgspec.structs.replace(empty, traceparent="x" * (64 * 1024 - len(encode(empty)) + 1))
    assert len(encode(longest)) == 64 * 1024
    ends.outbox.send(longest)
    assert ends.visible("imports") == [encode(longest)]


def test_a_message_too_long_for_a_queue_is_refused_with_a_clear_error(ends: Ends) -> None:
    with pytest.raises(Refused, match="imports"):
        ends.outbox.send(msgspec.structs.replace(LOOK, traceparent="é" * 40_000))


def test_messages_wait_for_ever_but_checks_expire_ten_minutes_after_they_could_be_seen(account: StorageAccount) -> None:
    outbox = Queues(account)
    for message in (LOOK, RETRY, CHECK):
        outbox.send(message)
    *others, check = account.queue("imports").receive_messages()
    assert [each.expires_on and each.expires_on.year for each in others] == [9999, 9999]
    assert check.expires_on
    assert check.inserted_on
    assert check.expires_on - check.inserted_on == timedelta(minutes=10)


def test_the_double_drops_checks_that_nobody_took_for_ten_minutes() -> None:
    clock = SettableClock()
    outbox = InMemoryOutbox(clock)
    for message in (LOOK, CHECK):
        outbox.send(message)
    clock.advance(timedelta(minutes=11))
    assert [each.text for each in outbox.deliver()] == [encode(LOOK)]


def test_the_double_delivers_in_the_order_of_time_and_gives_up_after_five_deliveries() -> None:
    clock = SettableClock()
    outbox = InMemoryOutbox(clock)
    outbox.send(LOOK, timedelta(seconds=2))
    outbox.send(RETRY, timedelta(seconds=1))
    assert outbox.deliver() == ()
    assert outbox.next_due() == clock.now + timedelta(seconds=1)
    clock.advance(timedelta(seconds=2))
    assert [each.text for each in outbox.deliver()] == [encode(RETRY), encode(LOOK)]

    outbox.repeat()
    for attempt in range(1, 6):
        deliveries = outbox.deliver()
        assert [each.attempt for each in deliveries] == [attempt, attempt]
        for delivery in deliveries:
            outbox.put_back(delivery)
    assert outbox.deliver() == ()
    assert [each.text for each in outbox.poison] == [encode(LOOK), encode(RETRY)]
