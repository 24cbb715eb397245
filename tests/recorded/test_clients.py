"""What templates and people ask of Azure, as answered, read by the product's SDK clients. None is left out."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import azure_error
from shared.adapters.azure.one_look import OneLook
from shared.errors import Unavailable
from tests.recorded.recordings import NAMES, PLAYED, Recording, plays

pytestmark = pytest.mark.recorded

NOT_PLAYED = {
    "data_plane_referrers_empty": "referrers are not asked for, and the SDK has no call for them",
    "data_plane_streaming_not_found_404": "artifact streaming is not asked for, and the SDK has no call for it",
    "error_resource_not_found_404": "of a scope map, of which neither client knows; its form is in the unit tests",
    "role_definitions": "definitions of roles, no answers: the templates name them",
    "run_log_failure_lines": "lines of logs, no answers: the unit tests of the gate's verdict have their forms",
    "taskrun_deployed_by_template": "a template's deployment, which another service answers",
}


def test_every_recording_is_played_or_left_out_for_a_reason() -> None:
    assert sorted(NOT_PLAYED.keys() & PLAYED) == []
    assert sorted(set(NAMES) - PLAYED - NOT_PLAYED.keys()) == [], "play it, or say why not"
    assert sorted((PLAYED | NOT_PLAYED.keys()) - set(NAMES)) == [], "there is no such recording any more"


def follow(recording: Recording, begin: Any, *place: Any) -> list[bool]:
    """Begin an operation and look at it, as imports are looked at, for as long as it is recorded.

    Returns:
        Of each answer, whether the operation had ended.
    """
    poller = recording.ask(lambda: begun(begin, *place, polling=OneLook(look=False)))
    ended = [poller.polling_method().finished()]
    while not ended[-1]:
        token = poller.polling_method().get_continuation_token()
        poller = recording.ask(
            lambda token=token: begun(begin, *place, polling=OneLook(look=True), continuation_token=token)
        )
        ended.append(poller.polling_method().finished())
    return ended


def begun(begin: Any, *place: Any, **options: Any) -> Any:
    """Call what begins an operation, and let its one look be made."""
    poller = begin(*place, **options)
    poller.wait()
    return poller


@plays("agentpool_create", "registry_create_and_get", "replication_create", "replication_update")
def test_what_is_made_is_looked_at_until_it_is_made(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    client = clients.registries(registry.subscription)
    place, rest = (registry.group, registry.name), recording.interactions[0].resource.split("/")[9:]
    operations: Any = client.registries
    if rest:
        kinds = {"agentPools": clients.tasks(registry.subscription).agent_pools, "replications": client.replications}
        operations, place = kinds[rest[0]], (*place, rest[1])  # type: ignore[assignment]
    begin = operations.begin_update if recording.interactions[0].method == "PATCH" else operations.begin_create
    ended = follow(recording, begin, *place, {"location": "westus"})
    assert ended == [False] * (len(ended) - 1) + [True]
    made = recording.ask(lambda: operations.get(*place))
    assert (made.name, made.properties.provisioning_state) == (place[-1], "Succeeded")


@plays("registry_delete_async", "replication_delete")
def test_what_is_deleted_is_looked_at_until_it_is_gone(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    client = clients.registries(registry.subscription)
    if "/replications/" in recording.interactions[0].path:
        ended = follow(recording, client.replications.begin_delete, registry.group, registry.name, "centralus")
    else:
        ended = follow(recording, client.registries.begin_delete, registry.group, registry.name)
    assert ended == [False, False, False, True]


@plays("replication_list")
def test_replicas_are_listed(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    replications = clients.registries(registry.subscription).replications
    found = recording.ask(lambda: list(replications.list(registry.group, registry.name)))
    assert {(each.location, each.properties.provisioning_state) for each in found} == {
        ("westus", "Succeeded"),
        ("centralus", "Succeeded"),
    }


@plays("registry_list_usages")
def test_usages_are_listed(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    registries = clients.registries(registry.subscription).registries
    usages = recording.ask(lambda: registries.list_usages(registry.group, registry.name))
    assert "Webhooks" in {usage.name for usage in usages.value}


@plays("webhook_create_list_update")
def test_webhooks_are_made_by_one_request(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    webhooks = clients.registries(registry.subscription).webhooks
    place = (registry.group, registry.name)
    made = {"location": "westus", "properties": {"serviceUri": "http://www.microsoft.com", "actions": ["push"]}}
    assert follow(recording, webhooks.begin_create, *place, "cliregwebhook", made) == [True]
    assert [each.name for each in recording.ask(lambda: list(webhooks.list(*place)))] == ["cliregwebhook"]
    read = recording.ask(lambda: webhooks.get(*place, "cliregwebhook"))
    assert (read.properties.status, read.properties.provisioning_state) == ("enabled", "Succeeded")
    assert follow(recording, webhooks.begin_update, *place, "cliregwebhook", {"tags": {}}) == [True]


@plays("webhook_callback_config", "webhook_ping", "webhook_delete")
def test_webhooks_are_pinged_shown_and_deleted_by_one_request(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    webhooks = clients.registries(registry.subscription).webhooks
    place = (registry.group, registry.name, "cliregwebhook")
    recorded = recording.interactions[0]
    asked = recorded.resource.split("/")[-1]
    if asked == "ping":
        assert recording.ask(lambda: webhooks.ping(*place)).id == recorded.body["id"]
    elif asked == "getCallbackConfig":
        config = recording.ask(lambda: webhooks.get_callback_config(*place))
        assert config.service_uri == recorded.body["serviceUri"]
        assert config.custom_headers == recorded.body.get("customHeaders")
    else:
        assert follow(recording, webhooks.begin_delete, *place) == [True]


@plays("task_delete")
def test_a_task_is_deleted_by_one_request(clients: AzureClients, recording: Recording) -> None:
    registry = recording.registry
    tasks = clients.tasks(registry.subscription).tasks
    assert recording.ask(lambda: tasks.delete(registry.group, registry.name, "testTask")) is None


@plays("error_registry_name_in_use_409")
def test_an_error_beside_a_status_is_read_with_its_code_and_its_words(
    clients: AzureClients, recording: Recording
) -> None:
    registry = recording.registry
    registries = clients.registries(registry.subscription).registries
    with pytest.raises(HttpResponseError) as raised:
        recording.ask(lambda: registries.begin_create(registry.group, registry.name, {"location": "westus"}))
    error = azure_error(raised.value, "making it", "A Role")
    assert isinstance(error, Unavailable)
    assert error.code == "RegistryNameAlreadyInUse"
    assert "is already in use" in str(error)
