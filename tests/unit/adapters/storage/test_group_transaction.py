"""What one transaction holds, and what becomes of each of its writes whatever is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from shared.adapters.storage.group_transaction import MOST_BYTES, Write, make_all, send_together, what_fits
from shared.errors import Conflict, RateLimited, Refused, TidegateError, Unavailable
from tests.unit.adapters.storage.one_table import OneTable, lost, refused

pytestmark = pytest.mark.unit

KEYS = [f"{number:03}" for number in range(7)]


@pytest.fixture
def table() -> OneTable:
    """A table that refuses nothing."""
    return OneTable()


def made(table: OneTable) -> list[Any]:
    """Send writes of some rows together, and return what each gets: an ETag or an error."""
    client: Any = table
    writes = [table.write(key) for key in KEYS]
    send_together(client, writes)
    return [told(write) for write in writes]


def told(write: Write) -> str | TidegateError:
    """Return what a write gets."""
    try:
        return write.result()
    except TidegateError as error:
        return error


def all_made(table: OneTable, keys: Sequence[str]) -> list[Any]:
    """Make any number of writes."""
    client: Any = table
    return make_all(client, [table.write(key) for key in keys])


def together(*keys: str) -> list[str]:
    """Return the ETags of rows that were written together."""
    return [f"together {key}" for key in keys]


def test_many_writes_are_sent_by_the_hundred_and_one_that_is_left_goes_alone(table: OneTable) -> None:
    keys = [f"{number:03}" for number in range(201)]
    assert all_made(table, keys) == [*together(*keys[:200]), "alone 200"]
    assert [len(each) for each in table.transactions] == [100, 100]


def test_a_row_is_in_a_transaction_once_and_its_second_write_in_the_next(table: OneTable) -> None:
    assert all_made(table, ["a", "b", "a", "b"]) == together("a", "b", "a", "b")
    assert table.transactions == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize("character", ["x", '"', "é", "\U0001f6a2"])
def test_what_is_in_a_transaction_is_never_more_than_may_be(table: OneTable, character: str) -> None:
    writes = [table.write(f"{number}", character * 200_000) for number in range(20)]
    fitting = what_fits(writes)
    assert fitting[0] is writes[0]
    assert len(fitting) < len(writes)
    assert sum(len(json.dumps(write.operation[1])) for write in fitting) <= MOST_BYTES


def test_what_does_not_fit_beside_a_large_row_lets_smaller_ones_go_first(table: OneTable) -> None:
    writes = [table.write("a", "x" * 900_000), table.write("b", "x" * 900_000), table.write("c")]
    assert [write.key for write in what_fits(writes)] == ["a", "c"]
    assert [write.key for write in what_fits(writes[1:])] == ["b", "c"]


def test_a_write_that_conflicts_goes_alone_and_all_others_together_without_it(table: OneTable) -> None:
    table.refused = {KEYS[3]}
    found = made(table)
    others = [key for key in KEYS if key != KEYS[3]]
    assert isinstance(found.pop(3), Conflict)
    assert found == together(*others)
    assert (table.transactions, table.alone) == ([KEYS, others], [KEYS[3]])


def test_where_many_conflict_each_write_is_soon_made_by_itself(table: OneTable) -> None:
    table.refused = set(KEYS[1:])
    first, *others = made(table)
    assert first == "alone 000"
    assert {type(each) for each in others} == {Conflict}
    assert (len(table.transactions), sorted(table.alone)) == (3, KEYS)


@pytest.mark.parametrize("message", ["somebody else wrote it", "99:an operation that there is not", ""])
@pytest.mark.parametrize("status", [400, 404, 409, 412, 413])
def test_where_the_service_names_no_write_that_was_in_the_way_each_goes_alone(
    table: OneTable, status: int, message: str
) -> None:
    def refuse(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise refused(status, message)

    table.answer = refuse
    assert made(table) == [f"alone {key}" for key in KEYS]
    assert len(table.transactions) == 1


def test_a_wrong_name_for_the_write_that_was_in_the_way_does_no_harm(table: OneTable) -> None:
    def refuse(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise refused(412, "0:somebody else wrote it")

    table.answer = refuse
    table.refused = {KEYS[5]}
    found = made(table)
    assert isinstance(found.pop(5), Conflict)
    assert found == [f"alone {key}" for key in KEYS if key != KEYS[5]]


@pytest.mark.parametrize(
    ("status", "expected"), [(403, Refused), (408, Unavailable), (429, RateLimited), (500, Unavailable)]
)
def test_an_answer_that_is_about_no_write_is_each_ones_own_error_and_nothing_is_sent_again(
    table: OneTable, status: int, expected: type[TidegateError]
) -> None:
    def refuse(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise refused(status, "0:not now")

    table.answer = refuse
    found = made(table)
    assert {type(each) for each in found} == {expected}
    assert [str(each).partition(":")[0] for each in found] == [f"writing {key}" for key in KEYS]
    assert (len(table.transactions), table.alone) == (1, [])


def test_after_a_lost_answer_nobody_takes_what_was_written_for_somebody_elses(table: OneTable) -> None:
    table.answer = lost
    found = made(table)
    assert {type(each) for each in found} == {Unavailable}
    assert [str(each).partition(":")[0] for each in found] == [f"writing {key}" for key in KEYS]
    assert (len(table.transactions), table.alone) == (1, [])


def test_an_account_that_gives_no_answer_is_asked_for_nothing_more(table: OneTable) -> None:
    table.answer = lost
    with pytest.raises(Unavailable):
        all_made(table, [f"{number:03}" for number in range(300)])
    assert len(table.transactions) == 1


def test_of_many_writes_each_has_the_error_that_is_about_it_alone(table: OneTable) -> None:
    keys = [f"{number:03}" for number in range(150)]
    table.refused = {"007", "120"}
    found = dict(zip(keys, all_made(table, keys), strict=True))
    assert {type(found.pop(key)) for key in sorted(table.refused)} == {Conflict}
    assert list(found.values()) == together(*found)


def test_an_answer_without_a_part_for_each_write_is_no_answer(table: OneTable) -> None:
    table.answer = lambda operations: [{"etag": "1"}] * (len(operations) - 1)
    assert {type(each) for each in made(table)} == {Unavailable}


def test_a_part_without_an_etag_is_no_answer_for_its_write_alone(table: OneTable) -> None:
    table.answer = lambda operations: [{"etag": "1"}] * (len(operations) - 1) + [{}]
    found = made(table)
    assert found[:-1] == ["1"] * 6
    assert isinstance(found[-1], Unavailable)


def test_an_answer_that_the_sdk_cannot_read_is_no_answer(table: OneTable) -> None:
    def garble(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise ValueError("multipart without a boundary")

    table.answer = garble
    assert {type(each) for each in made(table)} == {Unavailable}


def test_a_row_that_cannot_be_sent_keeps_no_other_from_being_written(table: OneTable) -> None:
    def refuse(_: Sequence[Any]) -> None:
        raise TypeError("1099511627776 is too large to be cast to type Edm.Int32.")

    table.before_sending = refuse
    assert made(table) == [f"alone {key}" for key in KEYS]


def test_an_app_that_cannot_sign_in_is_told_for_each_write(table: OneTable) -> None:
    def refuse(_: Sequence[Any]) -> None:
        raise ClientAuthenticationError("no token")

    table.before_sending = refuse
    assert {str(each).partition(":")[2][:30] for each in made(table)} == {" the app could not sign in to "}


def test_an_answer_cut_short_is_no_answer(table: OneTable) -> None:
    def cut(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise HttpResponseError("Unable to stream download.")

    table.answer = cut
    assert {type(each) for each in made(table)} == {Unavailable}
