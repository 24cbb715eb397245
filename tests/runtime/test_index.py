"""What Azure finds when it indexes the app."""

from __future__ import annotations

import json

import pytest

from shared.domain.events.messages import MESSAGE_QUEUES
from tests.runtime.expected import HTTP, HTTP_ANSWER, QUEUES, TRIGGERS
from tests.runtime.worker import ROOT, Worker


def test_the_portal_shows_each_function_under_its_name_and_no_other(worker: Worker) -> None:
    assert sorted(worker.functions) == sorted(TRIGGERS)


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_function_is_set_off_by_its_own_trigger(worker: Worker, name: str) -> None:
    assert worker.functions[name].bindings[0] == TRIGGERS[name]


@pytest.mark.parametrize("name", TRIGGERS)
def test_only_an_http_function_returns_anything_to_the_host(worker: Worker, name: str) -> None:
    assert worker.functions[name].bindings[1:] == ((HTTP_ANSWER,) if name in HTTP else ())


def test_every_queue_that_is_sent_to_has_a_function_and_no_poison_queue_has_one(worker: Worker) -> None:
    assert {worker.functions[name].bindings[0]["queueName"] for name in QUEUES} == set(MESSAGE_QUEUES)


def test_every_schedule_is_an_app_setting_of_the_example(worker: Worker) -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    schedules = [function.bindings[0].get("schedule", "") for function in worker.functions.values()]
    assert {schedule.strip("%") for schedule in schedules if schedule} <= set(example)


def test_the_host_hands_on_queue_messages_as_the_product_writes_them() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert host["extensions"]["queues"]["messageEncoding"] == "none"


def test_the_function_that_takes_every_path_is_the_last_that_the_host_maps(worker: Worker) -> None:
    routes = {name: worker.functions[name].bindings[0].get("route") for name in sorted(HTTP, key=str.upper)}
    assert list(routes.values())[-1] == "{*path}"
    assert list(routes.values()).count("{*path}") == 1
