"""Webhooks: created through the management SDK, fired by pushes and imports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from infra.local.topology import BASE, RESOURCE_GROUP, STAGING
from tests.twin.conftest import Twin
from tests.twin.images import push_image
from tests.twin.listener import Listener, listening

pytestmark = pytest.mark.twin
NAME = "promoted"


@pytest.fixture
def listener(twin: Twin) -> Iterator[Listener]:
    """Something that listens; the webhook to it is deleted afterwards."""
    with listening() as opened:
        yield opened
        twin.management.webhooks.begin_delete(RESOURCE_GROUP, BASE, NAME).wait(10)


def create(twin: Twin, listener: Listener, **properties: Any) -> None:
    """Create the webhook."""
    wanted = {"serviceUri": listener.url, "customHeaders": {"X-Secret": "s3cret"}, "actions": ["push"], **properties}
    body = {"location": "local", "properties": wanted}
    twin.management.webhooks.begin_create(RESOURCE_GROUP, BASE, NAME, body).result(10)


def test_a_push_is_told_in_the_form_acr_documents(twin: Twin, listener: Listener) -> None:
    create(twin, listener)
    digest = push_image(twin.topology, "base", "told/app:v1", "told")
    body, headers = listener.wait(1)[0]
    target = body["target"]
    assert (body["action"], target["repository"], target["tag"], target["digest"]) == ("push", "told/app", "v1", digest)
    assert target["size"] == target["length"] > 0
    assert body["request"]["host"] == twin.topology.address("base")
    assert headers["X-Secret"] == "s3cret"
    assert headers["Content-Type"].startswith("application/json")


def test_an_import_is_told_as_a_push(twin: Twin, listener: Listener) -> None:
    create(twin, listener)
    digest = push_image(twin.topology, "staging", "ready/app:1", "ready")
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"ready/app@{digest}"}
    parameters = {"source": source, "targetTags": ["told/imported:1"], "mode": "Force"}
    twin.management.registries.begin_import_image(RESOURCE_GROUP, BASE, parameters).result(20)
    assert listener.wait(1)[0][0]["target"]["digest"] == digest


def test_a_push_outside_the_scope_is_not_told(twin: Twin, listener: Listener) -> None:
    create(twin, listener, scope="inside:*")
    push_image(twin.topology, "base", "outside:1", "outside")
    push_image(twin.topology, "base", "inside:1", "inside")
    assert [body["target"]["repository"] for body, _ in listener.wait(1)] == ["inside"]


def test_a_lost_webhook_never_arrives_and_the_next_one_does(twin: Twin, listener: Listener) -> None:
    create(twin, listener, scope="lossy:*")
    twin.control("POST", "/faults", {"front": "base", "kind": "webhook", "action": "lost-webhook"})
    push_image(twin.topology, "base", "lossy:1", "lost")
    while twin.control("GET", "/faults").json():
        continue
    push_image(twin.topology, "base", "lossy:2", "found")
    assert [body["target"]["tag"] for body, _ in listener.wait(1)] == ["2"]


def test_a_repeated_webhook_arrives_three_times(twin: Twin, listener: Listener) -> None:
    create(twin, listener, scope="loud:*")
    twin.control("POST", "/faults", {"front": "base", "kind": "webhook", "action": "repeat-webhook"})
    push_image(twin.topology, "base", "loud:1", "loud")
    assert [body["target"]["tag"] for body, _ in listener.wait(3)] == ["1", "1", "1"]


def test_a_webhook_that_is_told_again_has_another_id_and_says_the_same(twin: Twin, listener: Listener) -> None:
    create(twin, listener, scope="retold:*")
    twin.control("POST", "/faults", {"front": "base", "kind": "webhook", "action": "retell-webhook"})
    push_image(twin.topology, "base", "retold:1", "retold")
    first, second = ({**body} for body, _ in listener.wait(2))
    assert first.pop("id") != second.pop("id")
    assert first == second


def test_a_deleted_manifest_is_told_where_delete_is_wanted(twin: Twin, listener: Listener) -> None:
    create(twin, listener, actions=["delete"])
    digest = push_image(twin.topology, "base", "doomed:1", "doomed")
    with twin.client("base") as client:
        client.delete_manifest("doomed", digest)
    body = listener.wait(1)[0][0]
    assert (body["action"], body["target"]["digest"]) == ("delete", digest)


def test_a_deleted_tag_alone_is_not_told(twin: Twin, listener: Listener) -> None:
    create(twin, listener, actions=["push", "delete"])
    push_image(twin.topology, "base", "quiet:1", "quiet")
    with twin.client("base") as client:
        client.delete_tag("quiet", "1")
    push_image(twin.topology, "base", "quiet:2", "loud")
    assert [body["target"]["tag"] for body, _ in listener.wait(2)] == ["1", "2"]


def test_a_ping_is_sent_and_listed_with_its_answer(twin: Twin, listener: Listener) -> None:
    create(twin, listener)
    ping = twin.management.webhooks.ping(RESOURCE_GROUP, BASE, NAME)
    told = listener.wait(1)[0][0]
    assert (told["id"], told["action"]) == (ping.id, "ping")
    while not (events := list(twin.management.webhooks.list_events(RESOURCE_GROUP, BASE, NAME))):
        continue
    assert events[0].id == ping.id
    assert events[0].event_response_message is not None
    assert events[0].event_response_message.status_code == "202"


def test_the_secret_header_is_shown_by_the_callback_config_only(twin: Twin, listener: Listener) -> None:
    create(twin, listener)
    webhook = twin.management.webhooks.get(RESOURCE_GROUP, BASE, NAME)
    assert "s3cret" not in str(webhook.as_dict())
    config = twin.management.webhooks.get_callback_config(RESOURCE_GROUP, BASE, NAME)
    assert config.custom_headers == {"X-Secret": "s3cret"}
    assert NAME in [listed.name for listed in twin.management.webhooks.list(RESOURCE_GROUP, BASE)]


def test_a_webhook_with_a_hyphen_in_its_name_is_refused(twin: Twin) -> None:
    body = {"location": "local", "properties": {"serviceUri": "http://localhost", "actions": ["push"]}}
    with pytest.raises(HttpResponseError, match="alphanumeric"):
        twin.management.webhooks.begin_create(RESOURCE_GROUP, BASE, "no-hyphens", body)


def test_an_unknown_webhook_is_not_found(twin: Twin) -> None:
    with pytest.raises(ResourceNotFoundError):
        twin.management.webhooks.get(RESOURCE_GROUP, BASE, "nowhere")
