"""Dependants are found in a registry whose lists of tasks come in pages and lack what the tasks are built on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.domain.promotion.listing import MOST_READS
from tests.bench.dependants import Ground, grounds

pytestmark = pytest.mark.integration

TASKS, PAGE, PAGES = MOST_READS + 10, 25, 3


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds(tmp_path_factory.mktemp("dependants"), TASKS, PAGE) as made:
        yield made


def test_each_task_is_read_once_and_every_base_finds_its_own(ground: Ground) -> None:
    cost = ground.burst(range(TASKS - 5, TASKS + 15))
    assert (cost.lost, cost.rebuilt) == (0, 5)
    assert cost.reads["get task"] == TASKS
    assert cost.reads["list tasks"] <= 12 * PAGES
    names = {stored.record.task for stored in ground.parts.rebuilds.current()}
    assert names == {f"task{number}" for number in range(TASKS - 5, TASKS)}


def test_what_was_read_is_kept_and_a_task_that_was_changed_since_is_read_again(ground: Ground) -> None:
    ground.change(3)
    ground.clock.advance(timedelta(minutes=5))
    cost = ground.burst([3])
    assert (cost.reads["get task"], cost.lost, cost.rebuilt) == (1, 0, 6)
    assert cost.reads["list tasks"] <= 2 * PAGES
