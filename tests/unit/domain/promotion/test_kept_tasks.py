"""What is kept of tasks between two listings: what a list lacks is read once, and again only when it may differ."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.promotion.kept_tasks import (
    AFTER_A_RUN,
    ANSWERS_KEPT,
    NO_BASE,
    KeptTask,
    ListedTask,
    base_name,
    by_base,
    doubted,
    renewed,
    to_read,
    united,
)
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from tests.contract.examples import NOON

pytestmark = pytest.mark.unit

NODE = Dependency("base.azurecr.io", "base/node", "22", "sha256:1")
GO = Dependency("base.azurecr.io", "base/go", "1", "sha256:2")


def task(name: str = "Shop", *bases: Dependency) -> ApplicationTask:
    """Return a task."""
    return ApplicationTask("apps", name, f"/tasks/{name}", True, False, bases)


def listed(name: str = "Shop", version: str = "1", *bases: Dependency) -> ListedTask:
    """Return a task as a list has it; without bases the list lacks them."""
    return ListedTask(task(name, *bases), complete=bool(bases), version=version)


READ = KeptTask(task("Shop", NODE), "1", alone=True, read_at=NOON)


def test_what_a_list_says_needs_no_read() -> None:
    kept = renewed([listed("Shop", "1", NODE)], {})["shop"]
    assert (kept.is_read, kept.task.dependencies, to_read([kept], 9, NOON)) == (True, (NODE,), ())


def test_what_a_list_lacks_is_to_be_read_once_and_kept() -> None:
    new = renewed([listed()], {})["shop"]
    assert (new.is_read, to_read([new], 9, NOON)) == (False, (new,))
    assert renewed([listed()], {"shop": READ}) == {"shop": READ}


def test_a_task_that_was_changed_is_read_again_and_found_by_what_it_was_built_on_until_then() -> None:
    kept = renewed([listed("Shop", "2")], {"shop": READ})["shop"]
    assert (kept.is_read, kept.task.dependencies, kept.version) == (False, (NODE,), "2")


def test_a_task_whose_list_said_all_before_and_does_not_now_is_to_be_read() -> None:
    told = renewed([listed("Shop", "1", NODE)], {})
    kept = renewed([listed("Shop", "")], told)["shop"]
    assert (kept.is_read, kept.task.dependencies) == (False, (NODE,))


def test_a_task_that_is_listed_no_more_is_forgotten() -> None:
    assert renewed([], {"shop": READ}) == {}


@pytest.mark.parametrize(
    ("end", "is_read"),
    [
        (NOON - timedelta(hours=1), True),
        (NOON - AFTER_A_RUN - timedelta(seconds=1), True),
        (NOON - AFTER_A_RUN, False),
        (NOON + timedelta(seconds=1), False),
    ],
)
def test_a_task_is_read_again_when_a_run_of_it_ended_since_or_just_before(end: datetime, *, is_read: bool) -> None:
    assert doubted({"shop": READ}, {"shop": end})["shop"].is_read is is_read


def test_where_nobody_knows_which_runs_ended_all_are_read_again_but_what_the_list_says() -> None:
    told = KeptTask(task("web", GO))
    found = doubted({"shop": READ, "web": told}, None)
    assert (found["shop"].is_read, found["web"]) == (False, told)
    assert doubted({"shop": READ}, {"web": NOON})["shop"] == READ


def test_what_nothing_is_known_of_is_read_first_and_an_old_answer_last() -> None:
    unknown = KeptTask(task("unknown"), "1", alone=True)
    changed = KeptTask(task("changed", NODE), "1", alone=True)
    oldest = msgspec.structs.replace(READ, read_at=NOON - timedelta(days=3))
    old = msgspec.structs.replace(READ, task=task("old", NODE), read_at=NOON - ANSWERS_KEPT)
    found = to_read([old, changed, READ, oldest, unknown], 9, NOON)
    assert found == (unknown, changed, oldest, old)
    assert to_read([old, changed, unknown], 2, NOON) == (unknown, changed)


def test_a_task_stands_once_under_each_repository_it_is_built_on_and_under_none_if_there_is_no_such() -> None:
    both = KeptTask(task("both", NODE, GO, msgspec.structs.replace(NODE, tag="20")))
    nothing, strange = KeptTask(task("nothing")), KeptTask(task("strange", Dependency("", "No Such", "1")))
    assert by_base([strange, nothing, both]) == {
        "base.azurecr.io/base/node": (both,),
        "base.azurecr.io/base/go": (both,),
        NO_BASE: (nothing, strange),
    }


def test_docker_hubs_many_names_are_one_base() -> None:
    assert base_name("registry.hub.docker.com", "library/node") == base_name("docker.io", "node")


def test_of_a_task_that_stands_under_two_bases_what_was_read_last_counts() -> None:
    later = msgspec.structs.replace(READ, task=task("Shop", GO), read_at=NOON + timedelta(minutes=1))
    unread = msgspec.structs.replace(READ, read_at=None)
    assert united([READ, later, unread])["shop"] == later
    assert united([unread, later])["shop"] == later
    assert united([later, READ])["shop"] == later
