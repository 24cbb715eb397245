"""Rows of one table: what the service's limits ask for, and what each call costs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.storage.tables import Row, Table, key
from shared.errors import Conflict
from tests.contract.wire import Wire, counted

pytestmark = pytest.mark.contract

ALL = ("PartitionKey eq @partition", {"partition": "p"})


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The requests that are sent to Azurite during a test."""
    with counted() as requests:
        yield requests


def rows(count: int) -> list[Row]:
    """Return rows of one partition."""
    return [Row("p", f"{number:04}", "{}") for number in range(count)]


def test_a_table_that_is_not_there_is_empty_and_reading_does_not_make_it(table: Table, wire: Wire) -> None:
    assert table.find("p", "k") is None
    assert list(table.select(*ALL)) == []
    assert [method for method, _ in wire] == ["GET", "GET"]


def test_the_first_write_makes_the_table_and_the_next_costs_one_request(table: Table, wire: Wire) -> None:
    assert table.insert(Row("p", "a", "{}"))
    assert [method for method, _ in wire] == ["POST", "POST", "POST"]
    wire.clear()
    assert table.insert(Row("p", "b", "{}"))
    assert [method for method, _ in wire] == ["POST"]


def test_many_first_writes_at_once_make_one_table_and_all_succeed(table: Table) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(table.insert, rows(16)))
    assert len(list(table.select(*ALL))) == 16


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_many_rows_are_written_a_hundred_to_a_request(table: Table, wire: Wire, count: int, requests: int) -> None:
    table.insert(Row("other", "row", "{}"))
    wire.clear()
    table.upsert(rows(count))
    assert len(wire) == requests
    assert [row.key for row in table.select(*ALL)] == [row.key for row in rows(count)]


def test_no_rows_are_written_without_a_request(table: Table, wire: Wire) -> None:
    table.upsert(())
    assert not wire


def test_rows_are_read_page_by_page_and_only_as_far_as_wanted(table: Table, wire: Wire) -> None:
    table.upsert(rows(7))
    wire.clear()
    assert [row.key for row in table.select(*ALL, 3)] == [row.key for row in rows(7)]
    assert len(wire) == 3
    wire.clear()
    assert next(table.select(*ALL, 3)).key == "0000"
    assert len(wire) == 1


def test_a_row_is_replaced_only_while_it_has_the_etag(table: Table) -> None:
    first = table.insert(Row("p", "k", "1")) or ""
    second = table.replace(Row("p", "k", "2"), first)
    with pytest.raises(Conflict):
        table.replace(Row("p", "k", "3"), first)
    found = table.find("p", "k")
    assert found is not None
    assert (found.record, found.etag) == ("2", second)


def test_a_row_that_is_gone_cannot_be_replaced(table: Table) -> None:
    etag = table.insert(Row("p", "k", "1")) or ""
    table.delete("p", "k", etag)
    with pytest.raises(Conflict, match="gone"):
        table.replace(Row("p", "k", "2"), etag)


def test_a_row_is_deleted_only_while_it_has_the_etag_and_once_is_enough(table: Table) -> None:
    first = table.insert(Row("p", "k", "1")) or ""
    second = table.replace(Row("p", "k", "2"), first)
    with pytest.raises(Conflict):
        table.delete("p", "k", first)
    table.delete("p", "k", second)
    table.delete("p", "k", second)
    assert table.find("p", "k") is None


def test_a_long_record_that_became_short_leaves_nothing_of_what_it_was(table: Table) -> None:
    etag = table.insert(Row("p", "k", "x" * 100_000)) or ""
    table.replace(Row("p", "k", "short"), etag)
    found = table.find("p", "k")
    assert found is not None
    assert found.record == "short"


@pytest.mark.parametrize("text", ["a/b", "a\\b", "a#b", "a?b", "a%b", "a\nb", "é:[::1]", "x" * 2000, "o'brien"])
def test_any_text_can_be_made_a_key(table: Table, text: str) -> None:
    assert table.insert(Row(key(text), key(text), "{}"))
    assert table.find(key(text), key(text)) is not None
    assert len(list(table.select("PartitionKey eq @partition", {"partition": key(text)}))) == 1
