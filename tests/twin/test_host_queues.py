"""Queue triggers on Azurite: delivery, failure, poison, and what a killed host leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from infra.local.host.deliveries import Renewals
from infra.local.host.hostjson import QueueOptions
from infra.local.host.invoke import Invoker
from infra.local.host.metadata import Function
from infra.local.host.processing import Processor, poison_queue_name
from infra.local.host.queues import QueueListener
from tests.twin.host_fixtures import SampleTwin, eventually, running_sample, sample

__all__ = ["sample"]

pytestmark = pytest.mark.twin


def test_a_message_arrives_as_in_azure_and_is_deleted(sample: SampleTwin) -> None:
    sent = sample.queue.send_message('grüße <&> "all"')
    (note,) = sample.wait_for(1, text='grüße <&> "all"')
    assert (note["function"], note["id"], note["count"]) == ("work", sent.id, 1)
    assert datetime.fromisoformat(note["inserted"]).tzinfo == UTC
    assert note["receipt"]
    eventually(lambda: True if sample.queue.get_queue_properties().approximate_message_count == 0 else None)


def test_a_failing_message_is_tried_again_after_the_visibility_timeout_then_goes_to_poison_with_its_text(
    sample: SampleTwin,
) -> None:
    text = 'fail {"candidate": "bäse/node", "traceparent": "00-1"}'
    sample.queue.send_message(text)
    sample.wait_for(1, function="work_poison", text=text)
    tries = sample.notes(function="work", text=text)
    assert [note["count"] for note in tries] == [1, 2, 3]
    assert all(later["at"] - earlier["at"] >= 0.9 for earlier, later in pairwise(tries))


def test_messages_run_side_by_side(sample: SampleTwin) -> None:
    # One more than the threshold of the sample's host.json: a fourth would wait for one of these to end.
    for number in range(3):
        sample.queue.send_message(f"sleep 1.{number}")
    slept = sample.wait_for(3, function="slept")
    began = [note["at"] for note in sample.notes(function="work") if note["text"].startswith("sleep 1.")]
    assert max(began) < min(note["at"] for note in slept)


def test_a_stopped_host_finishes_what_runs(sample: SampleTwin) -> None:
    sample.queue.send_message("sleep 2.5")
    sample.wait_for(1, function="work", text="sleep 2.5")
    sample.twin.stop_host()
    assert sample.notes(function="slept", text="sleep 2.5")
    assert sample.queue.get_queue_properties().approximate_message_count == 0
    sample.twin.start_host()


def test_a_killed_host_starts_again_and_goes_on(sample: SampleTwin) -> None:
    sample.queue.send_message("sleep 9")
    sample.wait_for(1, function="work", text="sleep 9")
    sample.twin.kill_host()
    sample.queue.send_message("sent while no host ran")
    sample.twin.start_host()
    sample.wait_for(1, text="sent while no host ran")
    # As in Azure: what a lost host worked on stays invisible for ten minutes and is then delivered again.
    assert sample.notes(function="slept", text="sleep 9") == []
    eventually(lambda: True if sample.queue.get_queue_properties().approximate_message_count == 1 else None)
    sample.queue.clear_messages()


def test_what_a_killed_host_held_comes_back_sooner_where_the_host_is_told_so(tmp_path: Path) -> None:
    with running_sample(tmp_path, "own", "--invisible-seconds=2") as sample:
        sample.queue.send_message("sleep 3")
        sample.wait_for(1, function="work", text="sleep 3")
        sample.twin.kill_host()
        sample.twin.start_host()
        assert len(sample.wait_for(2, function="work", text="sleep 3")) == 2


def test_a_poison_queue_has_no_poison_queue_of_its_own() -> None:
    assert poison_queue_name("checks") == "checks-poison"
    assert poison_queue_name("checks-poison") is None
    assert poison_queue_name("q" * 57) is None


class _InProcess:
    """A listener in this process, on a queue of its own, around any function."""

    def __init__(self, sample: SampleTwin, name: str, call: Callable[[Any], None], **options: Any):
        settings = sample.twin.environment()["AzureWebJobsStorage"]
        self.queue = QueueClient.from_connection_string(settings, name)
        self.poison = QueueClient.from_connection_string(settings, f"{name}-poison")

        def run(message: Any) -> None:
            call(message)

        function = Function(name, "queueTrigger", "message", {}, run, False)
        given = QueueOptions(max_polling_seconds=0.2, **{"encoding": "none", **options})
        renewals = Renewals(invisible_seconds=2)
        has_poison = self.poison if poison_queue_name(name) else None
        processor = Processor(function, self.queue, has_poison, given, Invoker(), renewals, lambda _: None)
        self.listener = QueueListener(self.queue, processor, given, renewals.invisible_seconds)

    def __enter__(self) -> _InProcess:
        self.listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.stop()
        self.listener.join()


def test_a_message_stays_invisible_while_its_function_runs_longer_than_the_invisibility(sample: SampleTwin) -> None:
    calls: list[float] = []
    done = threading.Event()

    def slow(_: Any) -> None:
        calls.append(time.monotonic())
        time.sleep(4.5)
        done.set()

    with _InProcess(sample, "renewed", slow) as running:
        running.queue.create_queue()
        running.queue.send_message("long work")
        assert done.wait(10)
        eventually(lambda: True if running.queue.get_queue_properties().approximate_message_count == 0 else None)
    assert len(calls) == 1


def test_a_listener_makes_no_queue_but_takes_up_one_that_appears(sample: SampleTwin) -> None:
    bodies: list[bytes] = []
    with _InProcess(sample, "late", lambda message: bodies.append(message.get_body())) as running:
        time.sleep(0.5)
        with pytest.raises(ResourceNotFoundError):
            running.queue.get_queue_properties()
        running.queue.create_queue()
        running.queue.send_message("now")
        assert eventually(lambda: bodies or None) == [b"now"]


def test_text_that_is_not_base64_goes_to_poison_unchanged_without_running(sample: SampleTwin) -> None:
    bodies: list[bytes] = []
    with _InProcess(sample, "encoded", lambda m: bodies.append(m.get_body()), encoding="base64") as running:
        running.queue.create_queue()
        running.queue.send_message("plain text!")
        running.queue.send_message("aGVsbG8=")
        assert eventually(lambda: bodies or None) == [b"hello"]
        message = eventually(lambda: _first(running.poison))
    assert message == "plain text!"
    assert bodies == [b"hello"]


def test_a_failing_poison_function_leaves_its_message_invisible(sample: SampleTwin) -> None:
    calls: list[Any] = []

    def fail(message: Any) -> None:
        calls.append(message)
        raise ValueError("asked to fail")

    with _InProcess(sample, "sad-poison", fail) as running:
        running.queue.create_queue()
        running.queue.send_message("x")
        eventually(lambda: calls or None)
        time.sleep(1)
        assert len(calls) == 1
        assert running.queue.get_queue_properties().approximate_message_count == 1


def test_no_more_messages_are_held_than_threshold_and_batch_allow(sample: SampleTwin) -> None:
    release = threading.Event()
    with _InProcess(sample, "many", lambda _: release.wait(10), batch_size=3, new_batch_threshold=1) as running:
        running.queue.create_queue()
        for number in range(12):
            running.queue.send_message(str(number))
        eventually(lambda: True if running.listener.held == 3 else None)
        time.sleep(0.5)
        assert running.listener.held == 3
        release.set()
        eventually(lambda: True if running.queue.get_queue_properties().approximate_message_count == 0 else None)


def _first(queue: QueueClient) -> str | None:
    try:
        return next((message.content for message in queue.peek_messages()), None)
    except ResourceNotFoundError:
        return None


def test_the_log_has_one_line_for_the_start_and_one_for_the_end_of_an_invocation(sample: SampleTwin) -> None:
    sample.queue.send_message("logged")
    sample.wait_for(1, text="logged")

    def ended() -> list[str] | None:
        lines = sample.twin.log("host").read_text().splitlines()
        return [line for line in lines if "Executed 'Functions.work' (Succeeded, Id=" in line] or None

    assert all("Duration=" in line for line in eventually(ended))
