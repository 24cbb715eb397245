"""What a storm is made of: a clock wound up, a proxy that fails, a task runner's double."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
import requests

from infra.local.runner.model import Dependency, RunRequest, RunResult
from tests.chaos import emulator
from tests.chaos.cast import image_of
from tests.chaos.emulator import execute
from tests.chaos.memory import resident_mb
from tests.chaos.pace import faster
from tests.chaos.proxy import Proxy
from tests.chaos.tasks import TASKS
from tests.chaos.waving import breaks
from tests.twin.listener import Listener, listening

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def behind() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def proxy(behind: Listener) -> Iterator[Proxy]:
    made = Proxy(behind.server_port)
    yield made
    made.close()


def post(proxy: Proxy) -> requests.Response:
    """Post something by way of the proxy, on a connection of its own."""
    return requests.post(f"http://127.0.0.1:{proxy.port}/", json={}, timeout=1)


def test_a_proxy_passes_on_what_comes(proxy: Proxy, behind: Listener) -> None:
    assert post(proxy).status_code == 202
    assert len(behind.received) == 1


def test_a_busy_service_says_so_and_does_nothing(proxy: Proxy, behind: Listener) -> None:
    proxy.ail("busy", 1, 60)
    assert post(proxy).status_code == 503
    assert behind.received == []


@pytest.mark.parametrize(("how", "done"), [("reset", 0), ("silent", 0), ("unheard", 1)])
def test_an_answer_that_never_comes_may_be_that_of_something_done(
    proxy: Proxy, behind: Listener, how: str, done: int
) -> None:
    proxy.ail(how, 1, 60)  # type: ignore[arg-type]
    with pytest.raises(requests.RequestException):
        post(proxy)
    assert len(behind.received) == done


def test_trouble_ends_by_itself_and_can_be_ended(proxy: Proxy) -> None:
    proxy.ail("reset", 1, 0)
    assert post(proxy).status_code == 202
    proxy.ail("reset", 1, 60)
    proxy.heal()
    assert post(proxy).status_code == 202


def test_a_service_that_is_down_gives_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    proxy = Proxy(free)
    with pytest.raises(requests.ConnectionError):
        post(proxy)
    proxy.close()


def test_every_time_is_shortened_but_none_below_a_second_and_none_made_longer() -> None:
    assert faster("ANY", timedelta(minutes=1), 10) == timedelta(seconds=6)
    assert faster("ANY", timedelta(seconds=3), 10) == timedelta(seconds=1)
    assert faster("ANY", timedelta(seconds=0.5), 10) == timedelta(seconds=0.5)
    assert faster("FAILED_LOOK", timedelta(days=1), 10) < timedelta(minutes=1)


def test_what_the_product_loads_late_goes_by_the_wound_up_clock_too() -> None:
    late = "from shared.domain.travel.following import FIRST_PAUSE; print(FIRST_PAUSE.total_seconds())"
    told = f"from tests.chaos.pace import wind_up; wind_up(10); {late}"
    assert (
        subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        == "10.0\n"
    )


def test_a_run_that_is_no_gates_ends_in_error(tmp_path: Path) -> None:
    request = RunRequest("ca1", "staging", "localhost:1", {}, "version: v1.1.0\n", {}, None, None, 60, tmp_path)
    assert execute(request, lambda _: None, threading.Event()).status == "Error"


class Shelf:
    """A registry whose every tag points at one digest, and that takes what is pushed."""

    bears = ""
    pushed: ClassVar[list[str]] = []

    def __init__(self, _: str) -> None:
        self.digest = self.bears

    def head(self, _repository: str, _tag: str) -> Shelf:
        return self

    def push_blob(self, _repository: str, _content: bytes) -> None:
        pass

    def push_manifest(self, repository: str, tag: str, _content: bytes, _media_type: str) -> None:
        self.pushed.append(f"{repository}:{tag}")


def build(task: str, digest: str, monkeypatch: pytest.MonkeyPatch, folder: Path, steps: str = "") -> RunResult:
    """Build a task on a base that bears a digest, in no time."""
    monkeypatch.setattr(emulator, "Backing", Shelf)
    monkeypatch.setattr(emulator, "_LONGER", 0)
    monkeypatch.setattr(Shelf, "bears", digest)
    steps += "\n  - cmd: build from localhost:1/base/bee:1\n"
    registries = {"localhost:1": "behind"}
    request = RunRequest("ca1", "apps", "localhost:1", registries, steps, {}, None, task, 60, folder)
    return execute(request, lambda _: None, threading.Event())


def digest_that(often: str) -> str:
    return next(image.digest for image in map(image_of, map(str, range(500))) if breaks(image.digest) == often)


def test_what_is_brittle_breaks_always_or_once_and_what_is_not_never(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends = {
        (task, often): [build(task, digest_that(often), monkeypatch, tmp_path).status for _ in range(2)]
        for task in ("bee-1-first", "bee-1-second")
        for often in ("", "once", "always")
    }
    assert ends.pop(("bee-1-first", "always")) == ["Failed", "Failed"]
    assert ends.pop(("bee-1-first", "once")) == ["Failed", "Succeeded"]
    assert all(statuses == ["Succeeded", "Succeeded"] for statuses in ends.values())


def test_the_list_of_runs_knows_on_what_a_build_broke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = digest_that("always")
    broken = build("dog-2-first", digest, monkeypatch, tmp_path)
    assert broken.dependencies == (Dependency("Runtime", "localhost:1", "base/bee", "1", digest),)


def test_a_build_pushes_the_image_that_others_are_built_on_and_each_time_another_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, task = next((name, task) for name, task in TASKS.items() if task.pushes)
    monkeypatch.setattr(Shelf, "pushed", [])
    steps = f"steps:\n- push:\n  - '{{{{.Run.Registry}}}}/{task.pushes}'\n"
    made = build(name, digest_that(""), monkeypatch, tmp_path, steps)
    assert Shelf.pushed == [task.pushes]
    assert [f"{image.repository}:{image.tag}" for image in made.output_images] == [task.pushes]


def test_memory_is_known_of_a_process_that_is_there() -> None:
    assert (resident_mb(1) or 0) > 0
    assert resident_mb(None) is None
