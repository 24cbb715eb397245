"""Threads that write to one partition at once: who sends for whom, and that nobody is left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.storage import grouped_writes
from shared.adapters.storage.grouped_writes import GroupedWrites
from shared.errors import Conflict, Unavailable
from tests.unit.adapters.storage.one_table import OneTable, lost

pytestmark = pytest.mark.unit

_SECONDS = 10


class Busy:
    """A table with a write under way, as long as a test needs, and threads that write meanwhile."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.table = OneTable()
        client: Any = self.table
        self.grouped = GroupedWrites(lambda: client)
        self._pool = pool
        self._answered = threading.Event()
        began = threading.Event()

        def hold() -> None:
            began.set()
            assert self._answered.wait(_SECONDS)

        self.first = pool.submit(self.grouped.make, "p", self.table.write("first", before=hold))
        assert began.wait(_SECONDS)

    def write(self, key: str, before: Callable[[], None] = lambda: None) -> Future[str]:
        """Let a thread write, and return when it stands in line."""
        waiting = self.in_line
        found = self._pool.submit(self.grouped.make, "p", self.table.write(key, before=before))
        self.await_line(waiting + 1)
        return found

    @property
    def in_line(self) -> int:
        """How many wait."""
        return len(self.grouped._lines.get("p", ()))

    def await_line(self, length: int) -> None:
        """Wait until so many stand in line."""
        end = time.monotonic() + _SECONDS
        while self.in_line != length:
            assert time.monotonic() < end
            time.sleep(0.001)

    def answer(self) -> None:
        """Let the write that is under way end."""
        self._answered.set()


@pytest.fixture
def busy() -> Iterator[Busy]:
    """A table with a write under way."""
    with ThreadPoolExecutor(120) as pool:
        found = Busy(pool)
        yield found
        found.answer()


def results(writes: Sequence[Future[str]]) -> list[Any]:
    """Return what each thread got: an ETag or an error."""
    return [write.exception(_SECONDS) or write.result() for write in writes]


def test_writes_that_come_while_one_is_under_way_are_sent_together_once_it_is_answered(busy: Busy) -> None:
    writes = [busy.write(f"{number}") for number in range(5)]
    assert busy.table.transactions == []
    busy.answer()
    assert busy.first.result(_SECONDS) == "alone first"
    assert results(writes) == [f"together {number}" for number in range(5)]
    assert (busy.table.transactions, busy.table.alone) == ([["0", "1", "2", "3", "4"]], ["first"])


def test_a_write_by_itself_is_sent_at_once_by_its_own_thread_as_a_request_of_its_own() -> None:
    table = OneTable()
    client: Any = table
    grouped, threads = GroupedWrites(lambda: client), []
    for key in ("a", "b"):
        write = table.write(key, before=lambda: threads.append(threading.current_thread()))
        assert grouped.make("p", write) == f"alone {key}"
    assert (table.transactions, threads) == ([], [threading.current_thread()] * 2)


def test_one_that_waits_alone_is_sent_alone(busy: Busy) -> None:
    write = busy.write("second")
    busy.answer()
    assert write.result(_SECONDS) == "alone second"
    assert busy.table.transactions == []


def test_another_partition_is_not_waited_for(busy: Busy) -> None:
    assert busy.grouped.make("q", busy.table.write("elsewhere")) == "alone elsewhere"
    assert not busy.first.done()


def test_the_second_write_of_a_row_goes_after_the_first_was_answered(busy: Busy) -> None:
    writes = [busy.write(key) for key in ("a", "b", "a", "b", "c")]
    busy.answer()
    assert results(writes) == [f"together {key}" for key in ("a", "b", "a", "b", "c")]
    assert busy.table.transactions == [["a", "b", "c"], ["a", "b"]]


def test_each_thread_sends_once_and_hands_over(busy: Busy) -> None:
    for _ in range(3):
        busy.write("same")
    for _ in range(3):
        busy.write("other")
    busy.answer()
    busy.await_line(0)
    assert busy.first.result(_SECONDS)
    end = time.monotonic() + _SECONDS
    while len(busy.table.senders) < 3:
        assert time.monotonic() < end
        time.sleep(0.001)
    assert len(set(busy.table.senders)) == 3


def test_a_hundred_go_together_and_what_is_beyond_in_the_next(busy: Busy) -> None:
    writes = [busy.write(f"{number:03}") for number in range(105)]
    busy.answer()
    assert all(str(each).startswith("together") for each in results(writes))
    assert [len(each) for each in busy.table.transactions] == [100, 5]


def test_each_thread_gets_its_own_result_if_one_of_them_conflicts(busy: Busy) -> None:
    busy.table.refused = {"2"}
    writes = [busy.write(f"{number}") for number in range(5)]
    busy.answer()
    found = results(writes)
    assert isinstance(found.pop(2), Conflict)
    assert found == [f"together {number}" for number in (0, 1, 3, 4)]


def test_after_a_lost_answer_each_thread_has_its_own_error_and_what_comes_next_is_sent(busy: Busy) -> None:
    busy.table.answer = lost
    writes = [busy.write(f"{number}") for number in range(3)]
    busy.answer()
    found = results(writes)
    assert {type(each) for each in found} == {Unavailable}
    assert [str(each)[:9] for each in found] == ["writing 0", "writing 1", "writing 2"]
    assert busy.grouped.make("p", busy.table.write("next")) == "alone next"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_ends_the_thread_that_sends_reaches_it_alone_and_the_others_know_that_nothing_is_known(
    busy: Busy, kind: type[BaseException]
) -> None:
    def end(_: Sequence[Any]) -> list[Mapping[str, Any]]:
        raise kind

    busy.table.answer = end
    writes = [busy.write(f"{number}") for number in range(3)]
    busy.answer()
    assert [type(each) for each in results(writes)] == [kind, Unavailable, Unavailable]
    assert busy.grouped.make("p", busy.table.write("next")) == "alone next"


def test_what_ends_the_thread_before_it_sends_lets_the_others_go_by_themselves(busy: Busy) -> None:
    def end(_: Sequence[Any]) -> None:
        raise KeyboardInterrupt

    busy.table.before_sending = end
    first, *others = [busy.write(f"{number}") for number in range(3)]
    busy.answer()
    assert isinstance(first.exception(_SECONDS), KeyboardInterrupt)
    assert results(others) == ["alone 1", "alone 2"]


def test_what_ends_a_thread_whose_write_goes_alone_calls_the_next(busy: Busy) -> None:
    def end() -> None:
        raise KeyboardInterrupt

    first = busy.write("same", before=end)
    second = busy.write("same")
    busy.answer()
    assert isinstance(first.exception(_SECONDS), KeyboardInterrupt)
    assert second.result(_SECONDS) == "alone same"


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, *, when_called: bool) -> Iterator[threading.Event]:
    """Let threads that take a place in line be interrupted: at a sign, or once it is their turn."""
    sign = threading.Event()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert super().wait(timeout) if when_called else sign.wait(timeout)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(grouped_writes, "threading", SimpleNamespace(Event=Interrupted))
        yield sign


def test_who_is_interrupted_in_line_leaves_it_and_is_not_written(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    with interrupted(monkeypatch, when_called=False) as sign:
        write = busy.write("interrupted")
    others = [busy.write("a"), busy.write("b")]
    sign.set()
    assert isinstance(write.exception(_SECONDS), KeyboardInterrupt)
    busy.answer()
    assert results(others) == ["together a", "together b"]
    assert busy.table.transactions == [["a", "b"]]


def test_who_is_interrupted_as_it_is_to_send_lets_those_that_it_was_to_send_go_by_themselves(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, when_called=True):
        write = busy.write("interrupted")
    others = [busy.write("a"), busy.write("b")]
    busy.answer()
    assert isinstance(write.exception(_SECONDS), KeyboardInterrupt)
    assert results(others) == ["alone a", "alone b"]
    assert busy.grouped.make("p", busy.table.write("next")) == "alone next"


def test_who_waits_for_longer_than_any_transaction_takes_goes_alone(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouped_writes, "PATIENCE_SECONDS", 0.02)
    writes = [busy._pool.submit(busy.grouped.make, "p", busy.table.write(key)) for key in ("a", "b")]
    assert results(writes) == ["alone a", "alone b"]
    assert (busy.in_line, busy.first.done()) == (0, False)


def test_who_is_being_sent_is_not_sent_again_however_long_it_takes(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, answered = threading.Event(), threading.Event()

    def hold(_: Sequence[Any]) -> None:
        sent.set()
        assert answered.wait(_SECONDS)

    busy.table.before_sending = hold
    monkeypatch.setattr(grouped_writes, "PATIENCE_SECONDS", 0.3)
    writes = [busy.write("a"), busy.write("b")]
    busy.answer()
    assert sent.wait(_SECONDS)
    time.sleep(0.4)
    answered.set()
    assert results(writes) == ["together a", "together b"]
    assert busy.table.alone == ["first"]


def test_a_partition_where_nothing_is_under_way_is_not_remembered(busy: Busy) -> None:
    writes = [busy.write(key) for key in ("a", "b")]
    busy.answer()
    assert results(writes) == ["together a", "together b"]
    assert busy.first.result(_SECONDS)
    end = time.monotonic() + _SECONDS
    while busy.grouped._lines:
        assert time.monotonic() < end
