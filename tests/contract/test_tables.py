"""Rows of one table: what the service's limits ask for, and what each call costs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.storage.tables import Row, Table, key
from shared.errors import Conflict
from tests.contract.wire import Wire, counted

pytestmark = pytest.mark.contract

GUARD = Row("p", "guard", "{}")
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


@pytest.mark.parametrize("count", [0, 1, 99])
def test_rows_are_written_with_the_one_that_guards_them_in_one_request(table: Table, wire: Wire, count: int) -> None:
    table.insert(Row("other", "row", "{}"))
    wire.clear()
    first = table.write_together(rows(count), GUARD, "")
    assert table.write_together(rows(count), GUARD, first) != first
    assert len(wire) == 2
    assert [row.key for row in table.select(*ALL)] == [row.key for row in (*rows(count), GUARD)]


def test_of_rows_that_are_written_together_none_is_written_if_their_guard_was_changed(table: Table) -> None:
    old = table.write_together((), GUARD, "")
    table.write_together((), GUARD, old)
    for etag in (old, ""):
        with pytest.raises(Conflict):
            table.write_together(rows(3), GUARD, etag)
    assert [row.key for row in table.select(*ALL)] == [GUARD.key]


def test_rows_whose_guard_is_gone_are_not_written(table: Table) -> None:
    etag = table.insert(GUARD) or ""
    table.delete("p", GUARD.key, etag)
    with pytest.raises(Conflict):
        table.write_together(rows(3), GUARD, etag)
    assert list(table.select(*ALL)) == []


def test_rows_are_read_page_by_page_and_only_as_far_as_wanted(table: Table, wire: Wire) -> None:
    for row in rows(7):
        table.insert(row)
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
