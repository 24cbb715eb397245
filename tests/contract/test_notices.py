"""What every implementation of ``Deliveries`` and ``Destinations`` promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.notices_tables import DeliveriesTable, DestinationsTable
from shared.adapters.storage.tables import Row, Table
from shared.adapters.storage.targets_table import TargetsTable
from shared.domain.links import Links
from shared.domain.notices.delivery import Delivery, State, asked_again, ended
from shared.domain.notices.destination import Broken, Destination, Muted, UnderWay
from shared.domain.notices.folding import Cause
from shared.domain.notices.missed import GivenUp, Missed
from shared.domain.notices.notice import Notice
from shared.domain.notices.when import NOW, parse_when
from shared.domain.watching.watch_list import WatchList
from shared.errors import Conflict
from shared.notice_ports import Deliveries, Destinations
from shared.notifying import Notifying
from shared.rules.wake import Waker
from shared.target_ports import Targets
from tests.contract.examples import NOON, digest, target
from tests.contract.wire import counted
from tests.doubles.kept_scans import InMemoryExceptionFiles
from tests.doubles.notices import InMemoryDeliveries, InMemoryDestinations, InMemorySenders
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import InMemoryTargets, SettableClock

pytestmark = pytest.mark.contract

HOUR = timedelta(hours=1)
FULL = Destination(
    name="team-chat",
    arrived=7,
    look_at=NOON,
    under_way=UnderWay(id="msg_1", cause="blocked", keys=("1", "2"), claimed_at=NOON, tries=2, became=State.SENT),
    broken=Broken(NOON, "410: gone", NOON, 2),
    muted=Muted(NOON, "ada", "planned work"),
    last_sent_at=NOON,
    last_error="410: gone",
    last_error_at=NOON,
    causes={"blocked": Cause(NOON, 3)},
    recent=(NOON,),
    kinds={"blocked": NOON},
    missed=Missed(NOON, NOON + HOUR),
    given_up=GivenUp(NOON, NOON + HOUR, told=True, is_over=True),
)


def delivery(number: int, destination: str = "chat", kind: str = "blocked") -> Delivery:
    """A delivery; each number is another notice."""
    notice = Notice(
        kind=kind,
        about=f"target:tidegatebase~base~node~{number}",
        mark=str(number),
        at=NOON + number * HOUR,
        detail="x",
        place=f"base/node:{number}",
        images=("node",),
        digest=digest(number),
        cause="1",
        stage=1,
    )
    return Delivery(destination=destination, notice=notice, when=parse_when("daily 08:00 Europe/Berlin"), due_at=NOON)


@pytest.fixture
def deliveries(account_or_none: StorageAccount | None) -> Deliveries:
    """The implementation under test."""
    return DeliveriesTable(account_or_none) if account_or_none else InMemoryDeliveries()


@pytest.fixture
def destinations(account_or_none: StorageAccount | None) -> Destinations:
    """The implementation under test."""
    return DestinationsTable(account_or_none) if account_or_none else InMemoryDestinations()


@pytest.fixture
def targets(account_or_none: StorageAccount | None) -> Targets:
    """The implementation under test."""
    return TargetsTable(account_or_none) if account_or_none else InMemoryTargets()


def waiting(deliveries: Deliveries, destination: str = "chat") -> set[Delivery]:
    """What waits for a destination."""
    return {one.record for one in deliveries.pending(destination)}


def test_where_nothing_was_put_down_nothing_waits(deliveries: Deliveries) -> None:
    assert deliveries.pending("chat") == ()
    assert deliveries.get("chat", delivery(1).key) is None
    assert deliveries.put_away("chat", NOON) == 0


def test_what_is_put_down_waits_for_its_destination_and_is_read_back_as_written(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1), delivery(2)])
    deliveries.insert_all([delivery(1, "mail")])
    assert waiting(deliveries) == {delivery(1), delivery(2)}
    assert waiting(deliveries, "mail") == {delivery(1, "mail")}


def test_what_is_put_down_again_stays_as_it_is_whatever_became_of_it(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1)])
    (stored,) = deliveries.pending("chat")
    done = ended(stored.record, State.SENT, NOON, "", message="msg_1")
    assert deliveries.replace_all([(stored, done)]) == {}
    deliveries.insert_all([delivery(1), delivery(2), delivery(3)])
    assert waiting(deliveries) == {delivery(2), delivery(3)}
    kept = deliveries.get("chat", delivery(1).key)
    assert kept is not None
    assert kept.record == done


def test_hundreds_are_put_down_and_replaced(deliveries: Deliveries) -> None:
    many = [delivery(number) for number in range(250)]
    deliveries.insert_all(many)
    assert waiting(deliveries) == set(many)
    stored = deliveries.pending("chat")
    assert deliveries.replace_all([(one, ended(one.record, State.SENT, NOON)) for one in stored]) == {}
    assert waiting(deliveries) == set()


def test_what_somebody_changed_meanwhile_is_not_replaced_and_keeps_no_other(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1), delivery(2)])
    stored = {one.record.key: one for one in deliveries.pending("chat")}
    one, other = stored[delivery(1).key], stored[delivery(2).key]
    deliveries.replace_all([(one, ended(one.record, State.OVER, NOON, "over"))])
    changes = [(each, ended(each.record, State.SENT, NOON)) for each in (one, other)]
    problems = deliveries.replace_all(changes)
    assert {key: type(problem) for key, problem in problems.items()} == {one.record.key: Conflict}
    kept = deliveries.get("chat", other.record.key)
    assert kept is not None
    assert kept.record.state is State.SENT


def test_what_is_asked_for_again_waits_again(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1)])
    (stored,) = deliveries.pending("chat")
    deliveries.replace_all([(stored, ended(stored.record, State.SENT, NOON))])
    sent = deliveries.get("chat", delivery(1).key)
    assert sent is not None
    deliveries.replace_all([(sent, asked_again(sent.record, NOON))])
    (again,) = deliveries.pending("chat")
    assert again.record.asked


def test_only_what_has_an_end_that_is_told_too_has_begun(deliveries: Deliveries) -> None:
    begins = [delivery(1, kind="tag-gone"), delivery(2, kind="approval-needed")]
    deliveries.insert_all([*begins, delivery(3)])
    assert {one.record for one in deliveries.begun("chat")} == set(begins)


def test_what_was_given_up_is_found_by_itself(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1), delivery(2), delivery(3)])
    stored = {one.record.key: one for one in deliveries.pending("chat")}
    given_up, sent = stored[delivery(1).key], stored[delivery(2).key]
    ends = [
        (given_up, ended(given_up.record, State.GIVEN_UP, NOON, "gone")),
        (sent, ended(sent.record, State.SENT, NOON)),
    ]
    assert deliveries.replace_all(ends) == {}
    assert [one.record.why for one in deliveries.given_up("chat")] == ["gone"]
    assert waiting(deliveries) == {delivery(3)}


def test_what_happened_since_a_moment_is_found(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1), delivery(3)])
    assert [one.record for one in deliveries.since("chat", NOON + 2 * HOUR)] == [delivery(3)]


def test_what_was_done_with_long_ago_is_deleted_and_nothing_else(deliveries: Deliveries) -> None:
    deliveries.insert_all([delivery(1), delivery(2), delivery(3)])
    stored = sorted(deliveries.pending("chat"), key=lambda one: one.record.notice.at)
    deliveries.replace_all([(stored[0], ended(stored[0].record, State.SENT, NOON))])
    deliveries.replace_all([(stored[1], ended(stored[1].record, State.SENT, NOON + 2 * HOUR))])
    assert deliveries.put_away("chat", NOON + HOUR) == 1
    assert deliveries.get("chat", delivery(1).key) is None
    assert deliveries.get("chat", delivery(2).key) is not None
    assert waiting(deliveries) == {delivery(3)}


def test_a_destination_is_read_back_as_written_and_changed_by_who_has_read_it_last(destinations: Destinations) -> None:
    assert (destinations.every(), destinations.get("team-chat")) == ((), None)
    first = destinations.put(None, FULL)
    with pytest.raises(Conflict):
        destinations.put(None, FULL)
    second = destinations.put(first, Destination(name="team-chat"))
    with pytest.raises(Conflict):
        destinations.put(first, FULL)
    destinations.put(None, Destination(name="mail"))
    assert [one.record.name for one in destinations.every()] == ["mail", "team-chat"]
    assert destinations.get("team-chat") == second
    destinations.put(second, FULL)
    known = destinations.get("team-chat")
    assert known is not None
    assert known.record == FULL


def test_targets_that_have_something_to_tell_are_found_until_it_is_taken(targets: Targets) -> None:
    import msgspec  # noqa: PLC0415

    silent = targets.insert(target())
    assert list(targets.untold()) == []
    telling = targets.replace(silent, msgspec.structs.replace(silent.record, notices=(delivery(1).notice,)))
    assert [one.record for one in targets.untold()] == [telling.record]
    targets.replace(telling, silent.record)
    assert list(targets.untold()) == []


def test_a_row_that_cannot_be_read_is_left_as_it_is_and_keeps_no_other(account: StorageAccount) -> None:
    deliveries, destinations = DeliveriesTable(account), DestinationsTable(account)
    deliveries.insert_all([delivery(1)])
    destinations.put(None, FULL)
    Table(account, "deliveries").insert(Row("chat", "junk", "{}", {"pending": True}))
    Table(account, "destinations").insert(Row("destinations", "junk", "{}"))
    assert waiting(deliveries) == {delivery(1)}
    assert [one.record for one in destinations.every()] == [FULL]


def test_what_is_told_is_sent_over_the_real_tables_once_and_for_few_transactions(account: StorageAccount) -> None:
    clock = SettableClock(NOON)
    notifying = Notifying(
        senders := InMemorySenders(["chat"]),
        deliveries=lambda: DeliveriesTable(account),
        destinations=lambda: DestinationsTable(account),
        files=InMemoryExceptionFiles,
        waker=lambda: Waker(InMemoryOutbox(clock), clock),
        clock=clock,
        watch_list=lambda: WatchList(()),
        links=Links(),
        installation="",
    )
    first, *more = [delivery(number, kind="tag-gone").notice for number in range(120)]
    notifying.book.tell([first])
    (stored,) = notifying.book.due(clock())
    with counted() as wire:
        notifying.courier.look(stored)
    assert len(wire) == 5
    clock.advance(HOUR)
    with counted() as wire:
        notifying.book.tell([first, *more])
    assert len(wire) <= 8
    (stored,) = notifying.book.due(clock())
    notifying.courier.look(stored)
    assert [len(one.items) + one.more for one in senders.of("chat").got] == [0, 119]
    assert list(notifying.book.due(clock())) == []
    assert waiting(notifying.book.deliveries) == set()


def test_each_call_costs_what_it_says(account: StorageAccount) -> None:
    deliveries, destinations = DeliveriesTable(account), DestinationsTable(account)
    deliveries.insert_all([delivery(0)])
    first = destinations.put(None, FULL)
    with counted() as wire:
        deliveries.insert_all([delivery(number) for number in range(1, 101)])
    assert len(wire) == 1
    stored = deliveries.pending("chat")
    for call in (
        lambda: deliveries.pending("chat"),
        lambda: deliveries.replace_all([(one, ended(one.record, State.SENT, NOON)) for one in stored[:100]]),
        destinations.every,
        lambda: destinations.put(first, Destination(name="team-chat", look_at=NOON)),
    ):
        with counted() as wire:
            call()
        assert len(wire) == 1
    assert delivery(1).when is not NOW
