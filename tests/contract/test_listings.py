"""What every implementation of ``Listings`` promises."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.listings_table import ListingsTable
from shared.adapters.storage.tables import Table
from shared.domain.promotion.kept_tasks import NO_BASE, KeptTask, united
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.errors import UNREADABLE, Conflict, ServiceError
from shared.run_ports import Listings, StoredListing
from tests.contract.examples import NOON
from tests.contract.wire import counted
from tests.doubles.registries import digest_of
from tests.doubles.storage import InMemoryListings

pytestmark = pytest.mark.contract

APPS = "tidegateapps"


BASE = "base.azurecr.io/base/node"


def kept(number: int, *repositories: str) -> KeptTask:
    """Return a task that was read by itself."""
    bases = tuple(Dependency("base.azurecr.io", name, "22", digest_of(f"{number}")) for name in repositories)
    made = ApplicationTask(APPS, f"task{number:05}", f"/tasks/{number}", True, False, bases)
    return KeptTask(made, f"{number}", alone=True, read_at=NOON)


def tasks_of(number: int) -> list[KeptTask]:
    """Return tasks that are built on one base, each of a digest that no other has."""
    return [kept(each, "base/node") for each in range(number)]


LISTING = Listing(registry=APPS, step=3, tasks=2, unread=1, listed_at=NOON, failures=2, trouble="503", compared_at=NOON)


@pytest.fixture
def listings(account_or_none: StorageAccount | None) -> Listings:
    """The implementation under test."""
    return ListingsTable(account_or_none) if account_or_none else InMemoryListings()


def written(listings: Listings, tasks: Iterable[KeptTask], registry: str = APPS) -> StoredListing:
    """Keep what a listing found, over what is there."""
    claimed = listings.replace(listings.get(registry), msgspec.structs.replace(LISTING, registry=registry))
    return listings.keep(claimed, claimed.listing, tasks)


def test_a_registry_that_was_never_listed_has_no_tasks_and_no_time(listings: Listings) -> None:
    assert listings.get(APPS).listing == Listing(registry=APPS)
    assert (listings.built_on(APPS, BASE), list(listings.tasks(APPS))) == ((), [])


@pytest.mark.parametrize("number", [0, 1, 200, 3000])
def test_tasks_are_read_back_by_their_base_as_they_were_written_however_many_there_are(
    listings: Listings, number: int
) -> None:
    stored = written(listings, tasks_of(number))
    assert listings.get(APPS) == stored
    assert stored.listing == LISTING
    assert list(listings.built_on(APPS, BASE)) == tasks_of(number)
    assert list(listings.tasks(APPS)) == tasks_of(number)


def test_thousands_of_tasks_on_hundreds_of_bases_are_found_by_each_of_them(listings: Listings) -> None:
    tasks = [kept(number, f"base/{number % 300}", f"team/{number % 7}") for number in range(2000)]
    written(listings, tasks)
    assert list(listings.built_on(APPS, "base.azurecr.io/base/299")) == tasks[299::300]
    assert list(listings.built_on(APPS, "base.azurecr.io/team/0")) == tasks[::7]
    assert united(listings.tasks(APPS)) == {one.name: one for one in tasks}


def test_a_base_whose_name_begins_like_anothers_or_has_a_port_has_its_own_tasks(listings: Listings) -> None:
    names = ("base/node", "base/node-slim", "base/node/lts", "base")
    tasks = [kept(number, name) for number, name in enumerate(names)]
    port = Dependency("localhost:5000", "base/node", "22")
    tasks.append(KeptTask(msgspec.structs.replace(tasks[0].task, name="zport", dependencies=(port,))))
    written(listings, [*tasks, kept(9)])
    assert [listings.built_on(APPS, f"base.azurecr.io/{name}") for name in names] == [(one,) for one in tasks[:4]]
    assert listings.built_on(APPS, "localhost:5000/base/node") == (tasks[4],)
    assert listings.built_on(APPS, NO_BASE) == (kept(9),)


def test_a_task_that_is_built_on_another_base_by_now_is_found_under_that_one_alone(listings: Listings) -> None:
    written(listings, [kept(1, "base/node"), kept(2, "base/node")])
    written(listings, [kept(1, "base/go")])
    assert listings.built_on(APPS, BASE) == ()
    assert listings.built_on(APPS, "base.azurecr.io/base/go") == (kept(1, "base/go"),)
    assert list(listings.tasks(APPS)) == [kept(1, "base/go")]


def test_each_registry_has_a_listing_of_its_own_whatever_case_its_name_is_written_in(listings: Listings) -> None:
    written(listings, tasks_of(2))
    written(listings, tasks_of(1), "others")
    assert listings.get("TideGateApps").listing == LISTING
    assert list(listings.built_on("TideGateApps", BASE)) == tasks_of(2)
    assert list(listings.tasks("OTHERS")) == tasks_of(1)


def test_of_two_that_read_the_same_listing_one_writes(listings: Listings) -> None:
    for _ in range(2):
        before = listings.get(APPS)
        stored = listings.replace(before, msgspec.structs.replace(LISTING, failures=before.listing.failures + 1))
        with pytest.raises(Conflict):
            listings.replace(before, LISTING)
        assert listings.get(APPS) == stored


def test_a_worker_that_was_taken_for_dead_writes_no_task_over_what_another_one_found(listings: Listings) -> None:
    claimed = listings.replace(listings.get(APPS), LISTING)
    written(listings, tasks_of(2))
    with pytest.raises(Conflict):
        listings.keep(claimed, LISTING, [kept(9, "base/node"), kept(9, "base/go")])
    assert list(listings.tasks(APPS)) == tasks_of(2)


def test_a_search_reads_two_transactions_and_a_listing_that_finds_nothing_new_writes_one(
    account: StorageAccount,
) -> None:
    listings = ListingsTable(account)
    stored = written(listings, tasks_of(3000))
    with counted() as wire:
        listings.get(APPS)
        listings.built_on(APPS, BASE)
    assert len(wire) == 2
    with counted() as wire:
        listings.keep(stored, msgspec.structs.replace(LISTING, unread=0), tasks_of(3000))
    assert len(wire) == 2


def test_one_task_that_changed_among_thousands_is_one_transaction_more_to_read_and_none_to_write(
    account: StorageAccount,
) -> None:
    listings = ListingsTable(account)
    tasks = [kept(number, f"base/{number}") for number in range(1200)]
    stored = written(listings, tasks)
    tasks[5] = msgspec.structs.replace(tasks[5], version="changed")
    with counted() as wire:
        listings.keep(stored, LISTING, tasks)
    assert len(wire) == 3
    assert listings.built_on(APPS, "base.azurecr.io/base/5") == (tasks[5],)


@pytest.mark.parametrize("record", ["", "AAAA", "no base64", "eJwDAAAAAAE="])
def test_a_row_of_tasks_that_cannot_be_read_is_told_by_its_name_and_written_anew(
    account: StorageAccount, record: str
) -> None:
    listings = ListingsTable(account)
    stored = written(listings, [*tasks_of(1), kept(2, "base/go")])
    table = Table(account, "listings")
    row = table.find(f"tasks of {APPS}", "base:base.azurecr.io~base~node:0000")
    assert row is not None
    table.replace(msgspec.structs.replace(row, record=record), row.etag)
    with pytest.raises(ServiceError, match=r"base~node.* cannot be read") as raised:
        listings.built_on(APPS, BASE)
    assert raised.value.code == UNREADABLE
    read = []
    with pytest.raises(ServiceError, match="1 rows cannot be read"):
        read.extend(listings.tasks(APPS))
    assert read == [kept(2, "base/go")]
    listings.keep(stored, LISTING, tasks_of(1))
    assert list(listings.tasks(APPS)) == tasks_of(1)


def test_a_listing_that_cannot_be_read_is_told_by_its_name(account: StorageAccount) -> None:
    listings = ListingsTable(account)
    written(listings, tasks_of(1))
    table = Table(account, "listings")
    row = table.find(f"tasks of {APPS}", "listing")
    assert row is not None
    table.replace(msgspec.structs.replace(row, record="{}"), row.etag)
    with pytest.raises(ServiceError, match=f"{APPS}.* cannot be read") as raised:
        listings.get(APPS)
    assert raised.value.code == UNREADABLE
