"""Event Grid's events have the form that Microsoft publishes; a function that is switched off is not listened for."""

from __future__ import annotations

import json
from pathlib import Path

import azure.functions as func
import pytest

from infra.local.emulator.event_grid import cloud_event
from infra.local.emulator.event_payload import event_payload
from infra.local.host.metadata import enabled, read_functions
from infra.local.twin.ports import new_topology
from infra.local.twin.settings import product_settings
from shared.domain.events.event_grid import read_event
from shared.domain.events.registry_event import Deletion

pytestmark = pytest.mark.twin

PUBLISHED = json.loads(
    (Path(__file__).parents[1] / "unit" / "domain" / "events" / "data" / "event_grid_cloud_event.json").read_text()
)
NOTIFICATION = {
    "timestamp": "2026-03-04T12:00:00Z",
    "action": "push",
    "target": {**PUBLISHED["data"]["target"], "url": "http://backing/v2/aci-helloworld/manifests/v1"},
    "request": {"id": "1", "host": "backing:5000", "addr": "127.0.0.1", "method": "PUT", "useragent": "skopeo"},
}


def test_an_event_has_the_fields_of_the_published_one_and_the_login_server_as_host() -> None:
    event = cloud_event(event_payload(NOTIFICATION, "localhost:26"), PUBLISHED["source"])
    assert set(event) == set(PUBLISHED)
    assert {key: set(value) for key, value in event["data"].items() if isinstance(value, dict)} == {
        key: set(value) for key, value in PUBLISHED["data"].items() if isinstance(value, dict)
    }
    for name in ("source", "subject", "type", "specversion"):
        assert event[name] == PUBLISHED[name]
    assert event["data"]["target"] == PUBLISHED["data"]["target"]
    assert event["data"]["request"]["host"] == "localhost:26"


def test_a_deletion_names_the_repository_and_the_digest_and_is_read_by_the_product() -> None:
    deleted = {name: value for name, value in NOTIFICATION["target"].items() if name != "tag"}
    event = cloud_event(event_payload({**NOTIFICATION, "action": "delete", "target": deleted}, "localhost:26"), "id")
    assert (event["type"], event["subject"]) == ("Microsoft.ContainerRegistry.ImageDeleted", "aci-helloworld")
    assert read_event(json.dumps(event).encode()) == Deletion("localhost:26", "aci-helloworld", deleted["digest"], "")


@pytest.mark.parametrize(("event_grid", "off"), [(True, {"acr_webhook"}), (False, set())])
def test_the_way_of_events_that_was_not_chosen_is_switched_off(tmp_path: Path, event_grid: bool, off: set[str]) -> None:
    settings = product_settings(new_topology(tmp_path, 10000, event_grid=event_grid))
    assert {name.split(".")[1] for name in settings if name.endswith(".Disabled")} == off


@pytest.mark.parametrize(("value", "listened"), [("true", 0), ("True", 0), ("1", 0), ("false", 1), ("", 1)])
def test_a_function_that_is_switched_off_is_not_listened_for(value: str, listened: int) -> None:
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="work", connection="Store")
    def work(message: func.QueueMessage) -> None:
        assert message is not None

    assert len(enabled(read_functions(app, {}), {"AzureWebJobs.work.Disabled": value})) == listened
