"""The instances of a scaled host, without their processes: what is started, drained, killed and counted."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.local.host.counts import Counts
from infra.local.host.fleet import Fleet
from infra.local.host.instance_messages import (
    Answer,
    Ask,
    Began,
    Called,
    Drain,
    Ended,
    FromInstance,
    Ready,
    ToInstance,
)
from infra.local.host.scale_options import ScaleOptions
from tests.twin.host_fixtures import eventually

pytestmark = pytest.mark.twin

OPTIONS = ScaleOptions(most_instances=3, idle_seconds=30, start_seconds=(3, 10), drain_seconds=(1, 3), memory_mb=512)


class _Instance:
    """Process and line of an instance that says what a test has it say."""

    def __init__(self, name: str, ready_at: float) -> None:
        self.name = name
        self.pid = 1
        self.ready_at = ready_at
        self.told: list[ToInstance] = []
        self.killed = threading.Event()
        self._says: queue.Queue[FromInstance | None] = queue.Queue()

    def say(self, message: FromInstance) -> None:
        self._says.put(message)

    def send(self, message: ToInstance, /) -> None:
        self.told.append(message)

    def recv(self) -> FromInstance:
        if (message := self._says.get()) is None:
            raise EOFError
        return message

    def end(self) -> None:
        self._says.put(None)

    def kill(self) -> None:
        self.killed.set()
        self.end()

    def join(self) -> None:
        self.killed.wait(5)


class _Ground:
    def __init__(self, options: ScaleOptions = OPTIONS) -> None:
        self.started: list[_Instance] = []
        self.counts = Counts()
        self.fleet = Fleet(self._start, options, self.counts)
        self.now = time.monotonic()

    def _start(self, name: str, _group: str, ready_at: float) -> tuple[_Instance, _Instance]:
        self.started.append(_Instance(name, ready_at))
        return self.started[-1], self.started[-1]

    def ready(self, group: str = "imports", number: int = 1) -> list[_Instance]:
        """Start instances of a group that serve."""
        self.fleet.resize(group, number, self.now)
        for instance in self.started:
            instance.say(Ready())
        self.until(lambda: sum(member.ready for member in self.fleet.living(group)) == number)
        return self.started

    def until(self, look: Callable[[], bool]) -> None:
        eventually(lambda: True if look() else None, 5)

    def counted(self, subject: str) -> dict[str, int]:
        return self.counts.shown()[subject]


def test_a_group_gets_the_instances_it_may_have_and_each_start_takes_its_time() -> None:
    ground = _Ground()
    ground.fleet.resize("imports", 2, ground.now)
    ground.fleet.resize("imports", 2, ground.now)
    assert [one.name for one in ground.started] == ["imports-1", "imports-2"]
    assert all(3 <= one.ready_at - ground.now <= 10 for one in ground.started)
    assert ground.counted("starts") == {"imports": 2}


def test_the_same_seed_draws_the_same_times() -> None:
    grounds = [_Ground(), _Ground(), _Ground(replace(OPTIONS, seed=1))]
    for ground in grounds:
        ground.fleet.resize("imports", 3, ground.now)
    took = [[one.ready_at - ground.now for one in ground.started] for ground in grounds]
    assert took[0] == pytest.approx(took[1])
    assert took[0] != pytest.approx(took[2])


def test_there_are_never_more_instances_than_the_app_may_have_those_that_go_among_them() -> None:
    ground = _Ground()
    ground.ready(number=3)
    ground.fleet.resize("imports", 0, ground.now + 40)
    assert all(Drain() in one.told for one in ground.started)
    ground.fleet.resize("http", 1, ground.now + 40)
    assert len(ground.started) == 3
    ground.started[0].end()
    ground.until(lambda: len(ground.fleet.living()) == 2)
    ground.fleet.resize("http", 1, ground.now + 41)
    assert ground.started[-1].name == "http-1"
    assert ground.counted("most_at_once") == {"imports": 3, "http": 1, "all": 3}


def test_an_instance_that_ran_nothing_for_long_enough_goes_and_its_end_is_no_loss() -> None:
    ground = _Ground()
    (instance,) = ground.ready()
    ground.fleet.resize("imports", 0, ground.now + 29)
    assert instance.told == []
    ground.fleet.resize("imports", 0, ground.now + 31)
    assert instance.told == [Drain()]
    instance.end()
    ground.until(lambda: ground.fleet.living() == [])
    assert (ground.counted("drained"), ground.counted("lost")) == ({"imports": 1}, {})


def test_calls_of_an_instance_that_goes_are_aborted_when_their_time_is_over() -> None:
    ground = _Ground()
    ground.ready(number=2)
    for instance in ground.started:
        instance.say(Began("import_image", ground.now))
    ground.until(lambda: all(member.meter.running for member in ground.fleet.living()))
    ground.fleet.resize("imports", 1, ground.now)
    ground.fleet.resize("imports", 1, ground.now + 30)
    (draining,) = [member for member in ground.fleet.living() if member.draining]
    assert 31 <= draining.killed_at - ground.now <= 33
    ground.fleet.kill_overdue(draining.killed_at - 0.1)
    assert len(ground.fleet.living()) == 2
    ground.fleet.kill_overdue(draining.killed_at)
    ground.until(lambda: len(ground.fleet.living()) == 1)
    assert ground.counted("aborted") == ground.counted("executions") == {"import_image": 1}


def test_an_instance_that_dies_by_itself_is_lost_with_what_it_ran_and_replaced() -> None:
    ground = _Ground()
    (instance,) = ground.ready()
    instance.say(Began("import_image", ground.now))
    instance.end()
    ground.until(lambda: ground.fleet.living() == [])
    assert (ground.counted("lost"), ground.counted("aborted")) == ({"imports": 1}, {"import_image": 1})
    ground.fleet.resize("imports", 1, ground.now)
    assert ground.started[-1].name == "imports-2"


def test_calls_are_counted_by_function_and_billed_by_the_time_in_which_any_runs() -> None:
    ground = _Ground()
    (instance,) = ground.ready()
    for at, message in ((0.0, Began), (0.5, Began)):
        instance.say(message("import_image", ground.now + at))
    instance.say(Ended("import_image", False, ground.now + 1.0))
    instance.say(Ended("import_image", True, ground.now + 2.5))
    instance.say(Called("lease_calls", "renew"))
    ground.until(lambda: ground.counted("lease_calls") == {"renew": 1})
    assert (ground.counted("executions"), ground.counted("failed")) == ({"import_image": 2}, {"import_image": 1})
    shown = ground.fleet.shown(ground.now + 99)
    assert (shown["billed_seconds"], shown["gb_seconds"]) == ({"imports": 2.5}, 1.25)
    instance.end()
    ground.until(lambda: ground.fleet.living() == [])
    shown = ground.fleet.shown(ground.now + 99)
    assert (shown["billed_seconds"], shown["gb_seconds"], shown["instances"]) == ({"imports": 2.5}, 1.25, [])


def test_a_request_waits_for_an_instance_and_gets_its_answer() -> None:
    ground = _Ground()
    answers: list[Answer | None] = []
    asking = threading.Thread(target=lambda: answers.append(ground.fleet.ask("http", {"PATH": "/"}, b"body", 1, 5)))
    asking.start()
    (instance,) = ground.ready("http")
    ask = eventually(lambda: next((one for one in instance.told if isinstance(one, Ask)), None), 5)
    assert (ask.environ, ask.body) == ({"PATH": "/"}, b"body")
    instance.say(answer := Answer(ask.number, 201, (), b"made"))
    asking.join(5)
    assert answers == [answer]


def test_an_instance_takes_no_more_requests_at_once_than_it_may() -> None:
    ground = _Ground()
    (instance,) = ground.ready("http")
    threading.Thread(target=ground.fleet.ask, args=("http", {}, b"first", 1, 5), daemon=True).start()
    ground.until(lambda: len(instance.told) == 1)
    assert ground.fleet.ask("http", {}, b"second", 1, 0.2) is None
    assert len(instance.told) == 1


def test_a_request_whose_instance_dies_has_no_answer() -> None:
    ground = _Ground()
    (instance,) = ground.ready("http")
    answers: list[Answer | None] = []
    asking = threading.Thread(target=lambda: answers.append(ground.fleet.ask("http", {}, b"", 1, 5)))
    asking.start()
    ground.until(lambda: instance.told != [])
    instance.end()
    asking.join(5)
    assert answers == [None]


def test_at_the_end_what_runs_may_end_and_what_only_starts_is_killed() -> None:
    ground = _Ground()
    (running,) = ground.ready()
    ground.fleet.resize("http", 1, ground.now)
    starting = ground.started[-1]

    def end_when_told() -> None:
        eventually(lambda: running.told or None, 5)
        running.end()

    threading.Thread(target=end_when_told).start()
    assert ground.fleet.stop(5) is True
    assert starting.killed.is_set()
    assert ground.fleet.living() == []


def test_at_the_end_what_takes_too_long_is_killed() -> None:
    ground = _Ground()
    (instance,) = ground.ready()
    assert ground.fleet.stop(0.2) is False
    assert instance.killed.is_set()
