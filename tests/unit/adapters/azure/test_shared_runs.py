"""Many looks at runs are one list, and a list never says that a run is not there."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.azure.shared_runs import SHARED_SECONDS, SharedRuns
from shared.domain.gate.verdict import RunStatus
from shared.errors import NotFound, Paced, ServiceError, Unavailable

pytestmark = pytest.mark.unit

QUEUED, RUNNING, SUCCEEDED = RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED
_PATIENCE = 10.0


class Registry:
    """A registry's runs, newest first in pages, and how often it was asked; its time stands still unless it is set."""

    def __init__(self, runs: Mapping[str, RunStatus], size: int = 100) -> None:
        self.runs = dict(runs)
        self.size = size
        self.now = 1000.0
        self.asked: Counter[str] = Counter()
        self.errors: list[ServiceError] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.shared = SharedRuns(self._pages, self._one, lambda: self.now)

    def _pages(self) -> Iterator[Mapping[str, RunStatus]]:
        found = list(reversed(self.runs.items()))
        for first in range(0, len(found), self.size):
            self.asked["pages"] += 1
            assert self.goes_on.wait(_PATIENCE)
            if self.errors:
                raise self.errors.pop()
            yield dict(found[first : first + self.size])

    def _one(self, run_id: str) -> RunStatus | None:
        self.asked["runs"] += 1
        return self.runs.get(run_id)

    def look(self, *run_ids: str) -> list[RunStatus | ServiceError | None]:
        """Look at runs by 32 threads."""
        with ThreadPoolExecutor(32) as threads:
            return list(threads.map(self.told, run_ids))

    def told(self, run_id: str) -> RunStatus | ServiceError | None:
        """Look at a run, and return its status or the error."""
        try:
            return self.shared.status(run_id)
        except ServiceError as error:
            return error

    def look_held_up(self, *run_ids: str) -> list[RunStatus | ServiceError | None]:
        """Look at runs by as many threads, of which the first gets no answer before all have begun to look."""
        self.goes_on.clear()
        began = threading.Barrier(len(run_ids) + 1)

        def look(run_id: str) -> RunStatus | ServiceError | None:
            began.wait(_PATIENCE)
            return self.told(run_id)

        with ThreadPoolExecutor(len(run_ids)) as threads:
            found = [threads.submit(look, run_id) for run_id in run_ids]
            began.wait(_PATIENCE)
            threading.Timer(0.2, self.goes_on.set).start()
            return [one.result(_PATIENCE) for one in found]


def names(number: int) -> list[str]:
    """Return the ids of so many runs."""
    return [f"ca{one}" for one in range(1, number + 1)]


def test_a_hundred_runs_that_32_threads_look_at_in_one_round_are_one_list() -> None:
    registry = Registry(dict.fromkeys(names(100), RUNNING))
    assert registry.look(*names(100)) == [RUNNING] * 100
    assert registry.asked == {"pages": 1}


def test_runs_on_several_pages_cost_a_request_a_page() -> None:
    registry = Registry(dict.fromkeys(names(100), RUNNING), size=25)
    assert registry.look_held_up(*names(100)) == [RUNNING] * 100
    assert registry.asked == {"pages": 4}


@pytest.mark.parametrize("size", [1, 3, 20])
def test_pages_and_single_looks_together_are_at_most_twice_the_looks(size: int) -> None:
    registry = Registry(dict.fromkeys(names(200), RUNNING), size=size)
    for looks, run_id in enumerate(names(40), 1):
        assert registry.shared.status(run_id) is RUNNING
        assert registry.asked.total() <= 2 * looks


def test_each_round_asks_anew() -> None:
    registry = Registry(dict.fromkeys(names(10), RUNNING))
    registry.look(*names(10))
    registry.runs = dict.fromkeys(names(10), SUCCEEDED)
    registry.now += SHARED_SECONDS + 0.1
    assert registry.look(*names(10)) == [SUCCEEDED] * 10
    assert registry.asked == {"pages": 2}


def test_an_answer_is_no_older_than_the_time_for_which_it_is_shared() -> None:
    registry = Registry({"ca1": RUNNING, "ca2": RUNNING})
    registry.shared.status("ca1")
    registry.runs["ca2"] = SUCCEEDED
    registry.now += SHARED_SECONDS
    assert registry.shared.status("ca2") is RUNNING
    registry.now += 0.1
    assert registry.shared.status("ca2") is SUCCEEDED


@pytest.mark.parametrize("scheduled_here", [True, False])
def test_each_look_at_a_run_that_is_alone_is_one_request(*, scheduled_here: bool) -> None:
    registry = Registry({"ca1": RUNNING})
    if scheduled_here:
        registry.shared.follow("ca1")
    for looks in range(1, 4):
        registry.now += 20
        assert registry.shared.status("ca1") is RUNNING
        assert registry.asked.total() == looks


def test_a_run_that_is_alone_among_many_others_that_ended_later_is_asked_for_by_itself() -> None:
    registry = Registry({"ca1": RUNNING, **dict.fromkeys((f"theirs{number}" for number in range(500)), SUCCEEDED)})
    registry.shared.follow("ca1")
    assert registry.shared.status("ca1") is RUNNING
    assert registry.asked == {"runs": 1}


def test_whose_neighbours_have_ended_is_alone_again() -> None:
    registry = Registry({"ca1": RUNNING, "ca2": SUCCEEDED})
    registry.look("ca1", "ca2")
    registry.now += SHARED_SECONDS + 0.1
    registry.asked.clear()
    assert registry.shared.status("ca1") is RUNNING
    assert registry.asked == {"runs": 1}


def test_a_run_that_was_scheduled_after_the_list_was_asked_for_is_not_taken_for_missing() -> None:
    registry = Registry(dict.fromkeys(names(3), RUNNING))
    registry.look(*names(3))
    registry.runs["new"] = QUEUED
    assert registry.shared.status("new") is QUEUED
    assert registry.asked == {"pages": 1, "runs": 1}


def test_a_run_that_is_nowhere_is_none() -> None:
    registry = Registry({"ca1": RUNNING})
    assert registry.look("ca1", "gone") == [RUNNING, None]


@pytest.mark.parametrize("error", [Unavailable("503"), Paced("not yet", retry_after=7), NotFound("no registry")])
def test_a_list_that_fails_is_one_request_and_the_same_error_for_all_who_wait(error: ServiceError) -> None:
    registry = Registry(dict.fromkeys(names(32), RUNNING))
    registry.errors = [error]
    assert registry.look_held_up(*names(32)) == [error] * 32
    assert registry.asked == {"pages": 1}


def test_who_looks_after_a_list_has_failed_asks_anew() -> None:
    registry = Registry(dict.fromkeys(names(2), RUNNING))
    registry.errors = [Unavailable("503")]
    registry.shared.follow("ca2")
    assert isinstance(registry.told("ca1"), Unavailable)
    registry.now += 0.1
    assert registry.look(*names(2)) == [RUNNING] * 2
    assert registry.asked == {"pages": 2}
