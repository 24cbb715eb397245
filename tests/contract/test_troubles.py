"""What every implementation of ``Troubles`` promises."""

from __future__ import annotations

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.listings_table import ListingsTable
from shared.adapters.storage.observations_table import ObservationsTable
from shared.adapters.storage.records_table import candidates_table, rebuilds_table
from shared.adapters.storage.tables import Row, Table
from shared.adapters.storage.targets_table import TargetsTable
from shared.adapters.storage.tools_table import ToolsTable
from shared.adapters.storage.troubles_table import TroublesTable
from shared.domain.references import parse_repository
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.troubles import Kind, Noted, Trouble
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import Conflict
from shared.flows.tell_troubles import TroubleTeller
from shared.rules.listings import KeptListings
from shared.rules.targets import TargetBook
from shared.rules.trouble_finding import TroubleFinder
from shared.rules.unbuilt_tasks import UnbuiltTasks
from shared.rules.wake import Waker
from shared.trouble_ports import Troubles
from tests.contract.examples import NOON, observation
from tests.contract.wire import counted
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.storage import InMemoryActivity, InMemoryTroubles, SettableClock

pytestmark = pytest.mark.contract

TYPO = Noted(
    trouble=Trouble(
        kind=Kind.TAG_NEVER_THERE, about="tag:docker.io/library/node:22-apline", detail="never there", images=("node",)
    ),
    since=NOON,
)
TOLD = msgspec.structs.replace(TYPO, told=True)
SAME_TAG_GONE = msgspec.structs.replace(TYPO, trouble=msgspec.structs.replace(TYPO.trouble, kind=Kind.TAG_GONE))


@pytest.fixture
def troubles(account_or_none: StorageAccount | None) -> Troubles:
    """The implementation under test."""
    return TroublesTable(account_or_none) if account_or_none else InMemoryTroubles()


def test_where_nothing_was_noted_there_is_nothing(troubles: Troubles) -> None:
    assert troubles.every() == ()


def test_troubles_of_two_kinds_of_one_thing_are_two_and_are_read_back_as_written(troubles: Troubles) -> None:
    written = {troubles.put(None, one).noted for one in (TYPO, SAME_TAG_GONE)}
    assert {stored.noted for stored in troubles.every()} == written == {TYPO, SAME_TAG_GONE}


def test_a_trouble_is_replaced_and_removed_by_who_has_read_it_last(troubles: Troubles) -> None:
    first = troubles.put(None, TYPO)
    told = troubles.put(first, TOLD)
    for stale in (first, None):
        with pytest.raises(Conflict):
            troubles.put(stale, TYPO)
    with pytest.raises(Conflict):
        troubles.remove(first)
    troubles.remove(told)
    troubles.remove(told)
    assert troubles.every() == ()


def test_a_row_that_cannot_be_read_is_forgotten(account: StorageAccount) -> None:
    troubles = TroublesTable(account)
    troubles.put(None, TYPO)
    Table(account, "troubles").insert(Row("troubles", "junk:x", '{"trouble": 1}'))
    assert [stored.noted for stored in troubles.every()] == [TYPO]
    assert [stored.noted for stored in troubles.every()] == [TYPO]


class Listed:
    """A watch list that was taken."""

    not_taken = None

    def in_force(self) -> WatchList:
        """Return it."""
        return WatchList(images=[Image(name="node", source="node", tags=["22"], target="base/node")])


def test_a_survey_reads_three_tables_and_a_registrys_tasks_once_and_one_that_is_not_due_reads_nothing(
    account: StorageAccount,
) -> None:
    clock, observations = SettableClock(NOON), ObservationsTable(account)
    book = TargetBook(TargetsTable(account), Waker(InMemoryOutbox(clock), clock), clock, "tidegatebase")
    node = parse_repository("docker.io/library/node")
    observations.save(node, observations.of(node), RepositoryState(checked_at=NOON), (observation("22", 1),))
    listings = KeptListings(ListingsTable(account), ("tidegateapps",), InMemoryOutbox(clock), clock)
    tasks = UnbuiltTasks(listings, rebuilds_table(account), "tidegatebase.azurecr.io", clock)
    finder = TroubleFinder(Listed(), observations, book, candidates_table(account), tasks, ToolsTable(account))
    lasting: list[Noted] = []
    teller = TroubleTeller(finder, TroublesTable(account), InMemoryActivity(), clock, lasting.extend)
    with counted() as wire:
        teller.survey()
        teller.survey()
    assert (len(wire), lasting) == (4, [])


def test_reading_all_troubles_is_one_transaction_and_so_is_writing_one(account: StorageAccount) -> None:
    troubles = TroublesTable(account)
    stored = troubles.put(None, TYPO)
    with counted() as wire:
        troubles.every()
        troubles.remove(troubles.put(stored, TOLD))
    assert len(wire) == 3
