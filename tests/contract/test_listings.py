"""What every implementation of ``Listings`` promises."""

from __future__ import annotations

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.listings_table import ListingsTable
from shared.adapters.storage.tables import Table
from shared.domain.promotion.listing import Listing
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.errors import UNREADABLE, Conflict, ServiceError
from shared.run_ports import Listings
from tests.contract.examples import NOON
from tests.doubles.registries import digest_of
from tests.doubles.storage import InMemoryListings

pytestmark = pytest.mark.contract

APPS = "tidegateapps"


def listing(tasks: int = 1) -> Listing:
    """Return a listing of some tasks."""
    bases = tuple(Dependency("base.azurecr.io", "base/node", tag, digest_of(tag)) for tag in ("20", "22"))
    made = tuple(ApplicationTask(APPS, f"task{n}", f"/tasks/{n}", True, False, bases) for n in range(tasks))
    return Listing(registry=APPS, tasks=made, listed_at=NOON, failures=2, trouble="503", compared_at=NOON)


@pytest.fixture
def listings(account_or_none: StorageAccount | None) -> Listings:
    """The implementation under test."""
    return ListingsTable(account_or_none) if account_or_none else InMemoryListings()


def test_a_registry_that_was_never_listed_has_no_tasks_and_no_time(listings: Listings) -> None:
    assert listings.get(APPS).listing == Listing(registry=APPS)


@pytest.mark.parametrize("tasks", [0, 1, 3000])
def test_a_listing_is_read_back_as_it_was_written_however_long_it_is(listings: Listings, tasks: int) -> None:
    listings.replace(listings.get(APPS), listing(tasks))
    assert listings.get(APPS).listing == listing(tasks)


def test_each_registry_has_a_listing_of_its_own_whatever_case_its_name_is_written_in(listings: Listings) -> None:
    listings.replace(listings.get(APPS), listing())
    assert listings.get("TideGateApps").listing == listing()
    assert listings.get("others").listing.tasks == ()


def test_of_two_that_read_the_same_listing_one_writes(listings: Listings) -> None:
    for _ in range(2):
        before = listings.get(APPS)
        written = listings.replace(before, msgspec.structs.replace(listing(), failures=before.listing.failures + 1))
        with pytest.raises(Conflict):
            listings.replace(before, listing())
        assert listings.get(APPS) == written


@pytest.mark.parametrize("record", ["", "AAAA", "no base64", "eJwDAAAAAAE="])
def test_a_row_that_cannot_be_read_is_told_by_its_name(account: StorageAccount, record: str) -> None:
    listings = ListingsTable(account)
    listings.replace(listings.get(APPS), listing())
    table = Table(account, "listings")
    row = table.find("tasks", APPS)
    assert row is not None
    table.replace(msgspec.structs.replace(row, record=record), row.etag)
    with pytest.raises(ServiceError, match=f"{APPS}.* cannot be read") as raised:
        listings.get(APPS)
    assert raised.value.code == UNREADABLE
