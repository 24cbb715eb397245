"""Many threads that write to one partition of a real table: what each is told is true, and few requests are sent."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest import mock

import pytest
import requests

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.tables import Row, Table
from shared.errors import Conflict, Refused, TidegateError, Unavailable
from shared.storage_settings import Storage
from tests.chaos.proxy import Proxy
from tests.contract.azurite import connection_string
from tests.contract.conftest import FreshNames, no_credential
from tests.contract.wire import Wire, counted

pytestmark = pytest.mark.contract

KEYS = [f"{number:03}" for number in range(100)]
ALL = ("PartitionKey eq @partition", {"partition": "p"})
SECONDS_OF_AN_ANSWER = 0.05


def row(key: str, record: object = "{}") -> Row:
    """Return a row of the partition."""
    return Row("p", key, str(record))


def inserted(table: Table, *keys: str) -> dict[str, str]:
    """Insert rows, and return their ETags."""
    found = {key: table.insert(row(key, 0)) or "" for key in keys}
    assert all(found.values())
    return found


@contextmanager
def slowly() -> Iterator[Wire]:
    """Let every answer take as long as one of a storage account that is far, and count requests."""
    with counted() as wire:
        send = requests.Session.send

        def late(session: requests.Session, request: requests.PreparedRequest, **options: object) -> object:
            time.sleep(SECONDS_OF_AN_ANSWER)
            return send(session, request, **options)  # type: ignore[arg-type]

        with mock.patch.object(requests.Session, "send", late):
            yield wire


def test_a_hundred_replacements_at_once_take_a_dozen_requests_and_each_etag_is_the_rows(table: Table) -> None:
    etags = inserted(table, *KEYS)
    with slowly() as wire, ThreadPoolExecutor(32) as pool:
        new = dict(zip(KEYS, pool.map(lambda key: table.replace(row(key, 1), etags[key]), KEYS), strict=True))
    assert len(wire) <= 12
    found = list(table.select(*ALL))
    assert {each.key: (each.record, each.etag) for each in found} == {key: ("1", new[key]) for key in KEYS}


def test_one_replacement_alone_takes_one_request_that_is_no_transaction(table: Table) -> None:
    etags = inserted(table, "a")
    with counted() as wire:
        table.replace(row("a", 1), etags["a"])
    assert [(method, "batch" in path) for method, path in wire] == [("PUT", False)]


def test_insertions_replacements_and_deletions_go_together(table: Table) -> None:
    etags = inserted(table, *KEYS[:60])

    def write(number: int) -> object:
        if number < 30:
            return table.replace(row(KEYS[number], 1), etags[KEYS[number]])
        if number < 60:
            return table.delete("p", KEYS[number], etags[KEYS[number]])
        return table.insert(row(KEYS[number], 2))

    with slowly() as wire, ThreadPoolExecutor(32) as pool:
        told = list(pool.map(write, range(100)))
    assert len(wire) <= 12
    found = {each.key: each for each in table.select(*ALL)}
    assert {key: each.record for key, each in found.items()} == {
        **dict.fromkeys(KEYS[:30], "1"),
        **dict.fromkeys(KEYS[60:], "2"),
    }
    assert [found[key].etag for key in found] == [*told[:30], *told[60:]]


def test_of_many_rows_those_that_conflict_are_told_so_and_no_other_is(table: Table) -> None:
    etags = inserted(table, *KEYS[:50])
    stale = set(KEYS[:50:10])
    for key in stale:
        table.replace(row(key, "theirs"), etags[key])

    def replace(key: str) -> bool:
        try:
            table.replace(row(key, "ours"), etags[key])
        except Conflict:
            return False
        return True

    with slowly(), ThreadPoolExecutor(32) as pool:
        made = dict(zip(KEYS[:50], pool.map(replace, KEYS[:50]), strict=True))
    assert {key for key, was in made.items() if not was} == stale
    found = {each.key: each.record for each in table.select(*ALL)}
    assert found == {key: "theirs" if key in stale else "ours" for key in KEYS[:50]}


def test_a_row_that_the_service_refuses_keeps_no_other_from_being_written(table: Table) -> None:
    def insert(key: str) -> object:
        columns = {"text": "x" * 40_000} if key == KEYS[3] else {}
        try:
            return table.insert(Row("p", key, "{}", columns))
        except TidegateError as error:
            return error

    inserted(table, "first")
    with slowly(), ThreadPoolExecutor(20) as pool:
        told = list(pool.map(insert, KEYS[:20]))
    assert isinstance(told.pop(3), Refused)
    assert all(isinstance(each, str) for each in told)
    assert len(list(table.select(*ALL))) == 20


def test_a_row_that_the_sdk_cannot_send_keeps_no_other_from_being_written(table: Table) -> None:
    def insert(key: str) -> object:
        columns = {"number": 2**40} if key == KEYS[3] else {}
        try:
            return table.insert(Row("p", key, "{}", columns))
        except TypeError as error:
            return error

    inserted(table, "first")
    with slowly(), ThreadPoolExecutor(20) as pool:
        told = list(pool.map(insert, KEYS[:20]))
    assert isinstance(told.pop(3), TypeError)
    assert all(isinstance(each, str) for each in told)


def test_many_first_writes_at_once_to_a_table_that_is_not_there_all_succeed_but_for_the_second_of_a_row(
    table: Table,
) -> None:
    with slowly(), ThreadPoolExecutor(32) as pool:
        told = list(pool.map(lambda number: table.insert(row(KEYS[number % 20])), range(32)))
    assert Counter(each is None for each in told) == {False: 20, True: 12}


class Counters:
    """Rows that threads of two processes count up, each reading, adding one, and writing guarded by the ETag."""

    def __init__(self, account: StorageAccount, rows: int) -> None:
        self.tables = [Table(account, "things") for _ in range(2)]
        self.keys = KEYS[:rows]
        self._lock = threading.Lock()
        # By key: what was written, with the ETag that its writer was told; and what was in the way of somebody.
        self.written: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self.conflicts: set[tuple[str, int]] = set()

    def count(self, seed: int) -> None:
        """Count up for a while, as one thread does."""
        draw = random.Random(seed)  # noqa: S311 - a plan, no secret
        for _ in range(8):
            self._add(draw.choice(self.tables), draw.choice(self.keys))

    def _add(self, table: Table, key: str) -> None:
        found = table.find("p", key)
        value = int(found.record) + 1 if found else 1
        try:
            etag = table.replace(row(key, value), found.etag) if found else table.insert(row(key, value))
        except Conflict:
            etag = None
        with self._lock:
            if etag is None:
                self.conflicts.add((key, value))
            else:
                assert value not in self.written[key]
                self.written[key][value] = etag


@pytest.mark.parametrize("seed", range(2))
def test_whoever_writes_at_once_nothing_is_lost_or_doubled_and_conflicts_are_only_with_what_was_written(
    account: StorageAccount, seed: int
) -> None:
    counters = Counters(account, 5)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(counters.count, range(100 * seed, 100 * seed + 16)))
    assert counters.conflicts
    for key, written in counters.written.items():
        last = counters.tables[0].find("p", key)
        assert last is not None
        assert (int(last.record), last.etag) == (len(written), written[len(written)])
        assert sorted(written) == list(range(1, len(written) + 1))
    assert all(value in counters.written[key] for key, value in counters.conflicts)


@pytest.fixture
def proxied(azurite: dict[str, int], account: StorageAccount) -> Iterator[tuple[Proxy, Table]]:
    """The test's table behind a proxy."""
    assert isinstance(account, FreshNames)
    proxy = Proxy(azurite["table"])
    behind = StorageAccount(Storage(connection_string({**azurite, "table": proxy.port})), no_credential)
    name = f"{account._word}things"
    yield proxy, Table(behind, name)
    proxy.close()


def test_a_group_whose_answer_is_lost_is_sent_once_and_each_thread_is_told_that_nothing_is_known(
    table: Table, proxied: tuple[Proxy, Table]
) -> None:
    etags = inserted(table, *KEYS[:20])
    proxy, behind = proxied
    under_way, released = threading.Event(), threading.Event()
    send = requests.Session.send

    def hold(session: requests.Session, request: requests.PreparedRequest, **options: object) -> object:
        if not under_way.is_set():
            under_way.set()
            assert released.wait(10)
        return send(session, request, **options)  # type: ignore[arg-type]

    def replace(key: str) -> object:
        try:
            return behind.replace(row(key, 1), etags[key])
        except TidegateError as error:
            return error

    with ThreadPoolExecutor(20) as pool, mock.patch.object(requests.Session, "send", hold), counted() as wire:
        first = pool.submit(replace, KEYS[0])
        assert under_way.wait(10)
        others = [pool.submit(replace, key) for key in KEYS[1:20]]
        while len(behind._grouped._lines["p"]) < 19:
            time.sleep(0.001)
        sent = behind._grouped._next

        def lose_the_next(partition: str) -> object:
            proxy.ail("unheard", 1.0, 60)
            return sent(partition)

        with mock.patch.object(behind._grouped, "_next", lose_the_next):
            released.set()
            told = [each.result() for each in others]
    assert isinstance(first.result(), str)
    assert {type(each) for each in told} == {Unavailable}
    assert [KEYS[number + 1] in str(each) for number, each in enumerate(told)] == [True] * 19
    assert len([path for _, path in wire if "batch" in path]) == 1
    found = {each.key: each.record for each in table.select(*ALL)}
    assert found == dict.fromkeys(KEYS[:20], "1")


def test_a_group_that_never_arrives_is_each_threads_temporary_error_and_can_be_written_later(
    table: Table, proxied: tuple[Proxy, Table]
) -> None:
    etags = inserted(table, *KEYS[:20])
    proxy, behind = proxied

    def replace(key: str) -> str | None:
        try:
            return behind.replace(row(key, 1), etags[key])
        except Unavailable:
            return None

    proxy.ail("reset", 0.4, 60)
    with ThreadPoolExecutor(20) as pool:
        told = dict(zip(KEYS, pool.map(replace, KEYS[:20]), strict=False))
        proxy.heal()
        again = dict(zip(KEYS, pool.map(lambda key: told[key] or replace(key), KEYS[:20]), strict=False))
    found = {each.key: (each.record, each.etag) for each in table.select(*ALL)}
    assert found == {key: ("1", again[key]) for key in KEYS[:20]}
