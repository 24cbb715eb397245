"""A minute of a hundred tags, and what a quarter of an hour costs after that: counts, held to bounds, and no time."""

from __future__ import annotations

import pytest

from tests.bench.deployed import deployed
from tests.idle.counts import FOUND_NOTHING, PLATFORM, total
from tests.idle.idle import QUARTER, Asked, Idle, idle, period

pytestmark = pytest.mark.twin

TAGS, REPOSITORIES = 100, 20
POLLS = QUARTER // 10
# Counted: 233 table, 286 blob, 23 polls that found nothing, 21 executions, 1,086 kB.
MOST_TABLE, MOST_BLOB, MOST_EMPTY, MOST_EXECUTIONS, MOST_TOLD = 400, 450, 100, 30, 1_600_000


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Idle:
    return idle(Asked(TAGS, period()), tmp_path_factory.mktemp("idle"), print)


def test_the_platform_looks_at_every_queue_that_is_listened_to_every_ten_seconds(counted: Idle) -> None:
    expected = POLLS * len(deployed().functions["queue"])
    polls = sum(number for kind, number in counted.quarter["queue"].items() if kind.startswith(f"{PLATFORM}Get"))
    assert 0.9 * expected <= polls <= 1.1 * expected


def test_beside_the_platforms_polls_queues_have_a_few_messages_and_the_polls_of_an_instance(counted: Idle) -> None:
    queue = counted.quarter["queue"]
    assert 1 <= queue["PutMessage"] == queue["DeleteMessage"] <= REPOSITORIES
    assert queue[FOUND_NOTHING] <= MOST_EMPTY


def test_every_timer_comes_as_it_is_deployed_and_what_it_asks_for_is_done(counted: Idle) -> None:
    executions, listened = counted.quarter["executions"], deployed().functions
    assert set(listened["timer"]) <= set(executions) <= {*listened["timer"], *listened["queue"]}
    assert set(executions) & set(listened["queue"]), "the check is work of a queue"
    assert total(counted.quarter, "executions") <= MOST_EXECUTIONS


def test_docker_hub_is_asked_once_for_each_repository_and_resource_manager_never(counted: Idle) -> None:
    asked = counted.quarter["asked"]
    assert asked["docker_hub_api"] == REPOSITORIES
    assert asked.get("docker_hub_registry", 0) == asked.get("arm", 0) == 0


def test_what_storage_and_telemetry_cost_stays_below_bounds(counted: Idle) -> None:
    assert 1 <= total(counted.quarter, "table") <= MOST_TABLE
    assert 1 <= total(counted.quarter, "blob") <= MOST_BLOB
    assert 1 <= total(counted.quarter, "told") <= MOST_TOLD
