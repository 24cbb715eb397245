"""What is counted while something is done is told with its span, and nothing where nothing was counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from docs.parts import counts as documented
from shared.domain.events.messages import CheckRepositories
from shared.domain.housekeeping.rounds import Tally
from shared.domain.pacing.bucket import Kind, Wait
from shared.domain.promotion.waiting import Waiting
from shared.domain.watching.budget import Budget, Learned, Purpose
from shared.errors import RateLimited, TidegateError, Unavailable
from shared.rules.ledger import Ledger
from shared.telemetry import counts, spans
from shared.telemetry.observers import CountedUpstream
from tests.doubles.storage import InMemoryBudgets, SettableClock
from tests.doubles.upstreams import InMemoryUpstream
from tests.unit.examples import NODE, NOON, ONE, TAG

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
HUB = Budget(upstream="docker.io", limit=100, remaining=76, resets_at=NOON + HOUR)


@pytest.fixture
def told(exported: InMemorySpanExporter) -> Callable[[Callable[[], object]], dict[str, Any]]:
    """Do something within a span, and return the attributes that it was told with."""

    def told(act: Callable[[], object]) -> dict[str, Any]:
        with spans.acting("sweep"):
            act()
        attributes = dict(exported.get_finished_spans()[-1].attributes or {})
        return {name: json.loads(value) if isinstance(value, str) else value for name, value in attributes.items()}

    return told


Told = Callable[[Callable[[], object]], dict[str, Any]]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "absent"), (RateLimited("later"), "rate-limited"), (Unavailable("away"), "unavailable")],
    ids=["absent", "rate-limited", "unavailable"],
)
def test_a_look_at_an_upstream_is_counted_by_its_outcome(error: TidegateError | None, outcome: str, told: Told) -> None:
    class Upstream:
        def digest(self, *_: object) -> None:
            if error is not None:
                raise error

    upstream = CountedUpstream("docker.io", Upstream())

    def look() -> None:
        if error is None:
            assert upstream.digest(NODE, TAG) is None
        else:
            with pytest.raises(type(error)):
                upstream.digest(NODE, TAG)

    assert told(look) == {"tidegate.asked": {f"docker.io {outcome}": 1}}


def test_a_question_to_a_catalogue_is_counted_against_the_catalogues_own_limit(told: Told) -> None:
    upstream = InMemoryUpstream(catalogue=True)
    upstream.push(NODE, TAG, ONE)
    found = told(lambda: CountedUpstream("docker.io", upstream).hints(NODE, None))
    assert found == {"tidegate.asked": {"hub.docker.com found": 1}}


def test_the_repositories_of_a_check_are_counted_by_upstream(told: Told) -> None:
    names = ("docker.io/library/a", "docker.io/library/b", "quay.io/a/b")
    found = told(lambda: counts.checked(CheckRepositories(v=1, repositories=names)))
    assert found == {"tidegate.checked": {"docker.io": 2, "quay.io": 1}}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (HUB, {"left": 76, "limit": 100}),
        (msgspec.structs.replace(HUB, locked_until=NOON + HOUR), {"left": 0, "limit": 100, "locked": 3600}),
        (msgspec.structs.replace(HUB, locked_until=NOON - HOUR), {"left": 76, "limit": 100}),
        (Budget(upstream="docker.io", locked_until=NOON + HOUR), {"locked": 3600}),
        (Budget(upstream="docker.io"), {}),
        (msgspec.structs.replace(HUB, resets_at=NOON), {}),
        (msgspec.structs.replace(HUB, resets_at=None), {}),
    ],
    ids=["limited", "locked-out", "free-again", "locked-out-without-a-limit", "no-limit", "window-over", "not-asked"],
)
def test_a_sweep_tells_what_is_left_while_a_limits_window_runs(
    budget: Budget, expected: dict[str, int], told: Told
) -> None:
    found = told(lambda: counts.budgets_observed([budget], NOON))
    assert found == {f"tidegate.budget.{name}": {"docker.io": value} for name, value in expected.items()}


def test_what_a_budget_does_not_allow_is_counted_with_the_reason(told: Told) -> None:
    budgets = InMemoryBudgets()
    ledger = Ledger(budgets, SettableClock(NOON), counts.put_off)
    budgets.replace(budgets.get("docker.io"), msgspec.structs.replace(HUB, remaining=1))

    def ask() -> None:
        assert ledger.grant("docker.io", 1, Purpose.IMPORT).requests == 1
        assert ledger.grant("docker.io", 1, Purpose.IMPORT).requests == 0
        ledger.learned("docker.io", Learned(locked_for=HOUR))
        ledger.settle()
        assert ledger.grant("docker.io", 1, Purpose.LOOK).requests == 0

    assert told(ask) == {"tidegate.put_off": {"docker.io spent": 1, "docker.io locked-out": 1}}


def test_a_request_that_waits_for_its_turn_at_arm_is_counted_with_its_kind_and_the_reason(told: Told) -> None:
    def wait() -> None:
        counts.paced(Kind.WRITES, Wait.SPENT)
        counts.paced(Kind.WRITES, Wait.SPENT)
        counts.paced(Kind.READS, Wait.LOCKED_OUT)

    assert told(wait) == {"tidegate.arm.paced": {"writes spent": 2, "reads locked-out": 1}}


def test_what_housekeeping_deleted_and_what_stays_is_told_with_why(told: Callable[..., dict[str, Any]]) -> None:
    tally = Tally(sites=2, deleted={"ended": 3}, spared={"locked": 1, "former": 2})
    assert told(lambda: counts.house_kept(tally)) == {
        "tidegate.housekeeping.deleted": {"ended": 3},
        "tidegate.housekeeping.spared": {"locked": 1, "former": 2},
    }


def test_a_sweep_that_finds_nothing_says_so_as_the_heartbeat(told: Told) -> None:
    assert told(lambda: counts.observed({}, NOON)) == {"tidegate.waiting": {}, "tidegate.oldest": {}}


def test_a_sweep_tells_how_many_wait_and_since_when_those_that_have_not_ended(told: Told) -> None:
    waiting = {"importing": Waiting(2, NOON - HOUR), "promoted": Waiting(7, NOON - HOUR)}
    assert told(lambda: counts.observed(waiting, NOON)) == {
        "tidegate.waiting": {"importing": 2, "promoted": 7},
        "tidegate.oldest": {"importing": 3600},
    }


def test_where_nothing_is_counted_nothing_is_told(told: Told) -> None:
    assert told(lambda: None) == {}


def test_what_is_counted_while_nothing_is_told_of_is_not_told_later(told: Told) -> None:
    assert counts.add(counts.CALLS) == 1
    assert told(lambda: None) == {}


def test_threads_that_work_for_one_span_count_together(told: Told) -> None:
    def work() -> None:
        contexts = [copy_context() for _ in range(8)]
        threads = [threading.Thread(target=one.run, args=(count_many,)) for one in contexts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def count_many() -> None:
        for _ in range(1000):
            counts.add(counts.CALLS)

    assert told(work) == {"tidegate.calls": 8000}


def test_what_breaks_off_is_told_with_its_counts(exported: InMemorySpanExporter) -> None:
    with pytest.raises(Unavailable), spans.acting("sweep"):
        counts.add(counts.CALLS)
        raise Unavailable("away")
    assert dict(exported.get_finished_spans()[0].attributes or {})["tidegate.calls"] == 1


def test_every_count_is_in_the_documents() -> None:
    every = [value for value in vars(counts).values() if isinstance(value, counts.Count)]
    assert len({count.name for count in every}) == len(every) > 10
    assert [count.name for count in every if f"`{count.name}`" not in documented()] == []
