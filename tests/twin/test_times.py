"""How long the twin's imports and runs take, and how many of them go on at once."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import pytest

from infra.local.emulator.crews import Crew
from infra.local.emulator.times import drawn, import_work, pass_time, run_work
from infra.local.topology import RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin
from tests.twin.host_fixtures import eventually
from tests.twin.images import push_image
from tests.twin.test_imports import import_image
from tests.twin.test_runs import encoded, schedule

pytestmark = pytest.mark.twin
DIGEST = "sha256:" + "a" * 64


def comes_true(look: Callable[[], bool]) -> bool:
    """Wait until something is so."""
    return eventually(lambda: look() or None)


def test_the_same_work_takes_the_same_time_in_whatever_order_it_is_asked_for() -> None:
    forth = {work: drawn(7, work, 20, 0.3) for work in ("a", "b", "c")}
    back = {work: drawn(7, work, 20, 0.3) for work in ("c", "b", "a")}
    assert forth == back
    assert len(set(forth.values())) == 3
    assert drawn(8, "a", 20, 0.3) != forth["a"]


def test_times_are_lognormal_around_their_median() -> None:
    times = [drawn(1, str(number), 20, 0.3) for number in range(4000)]
    assert statistics.median(times) == pytest.approx(20, rel=0.03)
    assert statistics.quantiles(times, n=40)[-1] == pytest.approx(20 * 1.8, rel=0.06)
    assert drawn(1, "any", 20, 0) == 20


def test_a_run_is_known_by_its_task_or_by_the_image_that_it_tests() -> None:
    assert run_work("staging", None, f"build: --build-arg BASE_IMAGE=$Registry/a@{DIGEST} .") == f"run staging {DIGEST}"
    assert run_work("apps", "web", "any") == "run apps web"
    assert import_work("staging", f"node@{DIGEST}") == f"import staging node@{DIGEST}"


def test_a_wait_ends_when_it_is_shortened_and_when_it_is_stopped() -> None:
    left, stopped = [30.0], threading.Event()
    threading.Timer(0.1, left.__setitem__, (0, 0.0)).start()
    began = time.monotonic()
    assert pass_time(lambda: left[0], stopped)
    threading.Timer(0.1, stopped.set).start()
    assert not pass_time(lambda: 30.0, stopped)
    assert time.monotonic() - began < 1


def test_a_crew_does_so_many_works_at_once_in_the_order_they_came() -> None:
    begun: list[int] = []
    goes_on = [threading.Event() for _ in range(4)]
    size = [2]
    crew = Crew("test", lambda: size[0])

    def work(number: int) -> None:
        begun.append(number)
        goes_on[number].wait(5)

    ends = [crew.submit(lambda number=number: work(number)) for number in range(4)]  # type: ignore[misc]
    assert comes_true(lambda: begun == [0, 1])
    goes_on[1].set()
    assert comes_true(lambda: begun == [0, 1, 2])
    size[0] = 3
    goes_on[0].set()
    assert comes_true(lambda: begun == [0, 1, 2, 3])
    for event in goes_on:
        event.set()
    assert [end.result(5) for end in ends] == [None] * 4


def test_a_closed_crew_begins_nothing_and_what_failed_is_told() -> None:
    crew = Crew("test", lambda: 1)
    failed = crew.submit(lambda: time.sleep(-1))
    assert isinstance(failed.exception(5), ValueError)
    for thread in crew.close():
        thread.join(5)
    assert crew.submit(lambda: None).cancelled()


def test_more_imports_go_on_at_once_if_the_settings_say_so(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/atonce:1", "at once")
    source = {"registryUri": "docker.io", "sourceImage": f"library/atonce@{digest}"}
    twin.control("POST", "/settings", {"imports_at_once": 6, "import_queue_seconds": 60})
    bodies = [{"source": source, "targetTags": [f"atonce:{number}"], "mode": "Force"} for number in range(8)]
    begun = [twin.management.registries.begin_import_image(RESOURCE_GROUP, STAGING, body) for body in bodies]
    listed = twin.control("GET", "/operations").json()
    under_way = [one for one in listed if "/atonce:" in one["target"] and one["finished"] is None]
    twin.control("POST", "/settings", {"import_queue_seconds": 0})
    assert len(under_way) == 6
    assert all(one.result(30) is None for one in begun)


def test_an_import_takes_the_time_that_is_drawn_for_it(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/drawn:1", "drawn")
    times = {"import_seconds": 0.4, "import_spread": 0.5, "times_seed": 3}
    twin.control("POST", "/settings", times)
    image = f"library/drawn@{digest}"
    import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": image}, "drawn:1")
    taken = next(one for one in twin.control("GET", "/operations").json() if one["target"].endswith("/drawn:1"))
    wanted = drawn(3, import_work(STAGING, image), 0.4, 0.5)
    assert wanted <= taken["finished"] - taken["started"] < wanted + 5


def test_a_run_takes_its_time_and_can_be_canceled_before_it_has_passed(twin: Twin) -> None:
    twin.control("POST", "/settings", {"run_seconds": 0.4})
    run = schedule(twin, encoded())
    assert run.status == "Succeeded"
    assert (run.finish_time - run.start_time).total_seconds() >= 0.4
    twin.control("POST", "/settings", {"run_seconds": 60})
    endless = twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded()).run_id
    assert comes_true(lambda: twin.tasks.runs.get(RESOURCE_GROUP, STAGING, endless).status == "Running")
    twin.tasks.runs.cancel(RESOURCE_GROUP, STAGING, endless)
    assert comes_true(lambda: twin.tasks.runs.get(RESOURCE_GROUP, STAGING, endless).status == "Canceled")


def test_a_run_is_queued_while_it_waits_for_an_agent(twin: Twin) -> None:
    twin.control("POST", "/settings", {"agent_wait_seconds": 0.6})
    waiting = twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded()).run_id
    assert twin.tasks.runs.get(RESOURCE_GROUP, STAGING, waiting).status == "Queued"
    assert comes_true(lambda: twin.tasks.runs.get(RESOURCE_GROUP, STAGING, waiting).status == "Succeeded")
    run = twin.tasks.runs.get(RESOURCE_GROUP, STAGING, waiting)
    assert (run.start_time - run.create_time).total_seconds() >= 0.6


def test_as_many_runs_go_on_at_once_as_there_are_agents(twin: Twin) -> None:
    twin.control("POST", "/settings", {"agents": 5})
    twin.runner.hold.clear()
    runs = [twin.tasks.registries.schedule_run(RESOURCE_GROUP, STAGING, encoded()).run_id for _ in range(6)]
    look = twin.tasks.runs.get
    assert comes_true(lambda: look(RESOURCE_GROUP, STAGING, runs[4]).status == "Running")
    assert look(RESOURCE_GROUP, STAGING, runs[5]).status == "Queued"
    twin.runner.hold.set()
    assert comes_true(lambda: look(RESOURCE_GROUP, STAGING, runs[5]).status == "Succeeded")
