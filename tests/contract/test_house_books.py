"""What every implementation of ``HouseBooks`` promises."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Container
from shared.adapters.storage.house_blobs import HouseBlobs
from shared.domain.housekeeping.manifests import Links
from shared.domain.housekeeping.reasons import Goes, Place
from shared.domain.housekeeping.rounds import Begun, Failure, Round, Site, Tally
from shared.errors import Conflict, Unavailable
from shared.housekeeping_ports import HouseBooks
from tests.doubles.house import InMemoryHouseBooks
from tests.doubles.registries import digest_of

pytestmark = pytest.mark.contract

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NODE = Site(Place.BASE, "base/node")
A, B = digest_of("a"), digest_of("b")
ROUND = Round(
    began_at=NOW,
    busy_until=NOW,
    asked_at=NOW,
    after=NODE.key,
    begun=(Begun(NODE, A, Goes.OLD_UNIQUE),),
    tally=Tally(1, {"ended": 2}, {"locked": 1}, 5),
    last=Tally(3),
    failures=(Failure(NODE, "no answer", NOW),),
)
LINKS = {A: Links((B,)), B: Links((), A)}


@pytest.fixture
def books(account_or_none: StorageAccount | None) -> HouseBooks:
    """The implementation under test."""
    return InMemoryHouseBooks() if account_or_none is None else HouseBlobs(account_or_none)


def test_the_round_is_read_as_it_was_written(books: HouseBooks) -> None:
    assert books.get() is None
    books.put(None, ROUND)
    stored = books.get()
    assert stored is not None
    assert stored.round == ROUND
    assert books.put(stored, Round()) == books.get()


def test_of_two_who_write_what_they_read_one_is_told_of_the_other(books: HouseBooks) -> None:
    first = books.put(None, ROUND)
    with pytest.raises(Conflict):
        books.put(None, Round())
    books.put(first, Round())
    with pytest.raises(Conflict):
        books.put(first, ROUND)
    stored = books.get()
    assert stored is not None
    assert stored.round == Round()


def test_what_manifests_say_is_kept_for_each_repository_of_each_registry(books: HouseBooks) -> None:
    nothing = books.links(Place.STAGING, "base/node")
    assert nothing.links == {}
    books.keep_links(Place.STAGING, "base/node", nothing, LINKS)
    assert books.links(Place.STAGING, "base/node").links == LINKS
    assert books.links(Place.BASE, "base/node").links == {}
    assert books.links(Place.STAGING, "base").links == {}
    with pytest.raises(Conflict):
        books.keep_links(Place.STAGING, "base/node", nothing, {})
    books.keep_links(Place.STAGING, "base/node", books.links(Place.STAGING, "base/node"), {A: Links()})
    assert books.links(Place.STAGING, "base/node").links == {A: Links()}


def test_a_round_that_cannot_be_read_is_none_and_what_manifests_say_is_asked_for_anew(
    account: StorageAccount,
) -> None:
    container = Container(account, "evidence")
    container.write("housekeeping/round.json", b"\xff")
    container.write("housekeeping/staging/base/node.json", b"{")
    books = HouseBlobs(account)
    with pytest.raises(Unavailable, match=r"housekeeping/round\.json"):
        books.get()
    stored = books.links(Place.STAGING, "base/node")
    assert stored.links == {}
    books.keep_links(Place.STAGING, "base/node", stored, LINKS)
    assert books.links(Place.STAGING, "base/node").links == LINKS


def test_a_round_of_another_version_is_read_for_what_is_known_of_it(account: StorageAccount) -> None:
    written = {**msgspec.to_builtins(ROUND), "something": "new"}
    Container(account, "evidence").write("housekeeping/round.json", msgspec.json.encode(written))
    stored = HouseBlobs(account).get()
    assert stored is not None
    assert stored.round == ROUND
