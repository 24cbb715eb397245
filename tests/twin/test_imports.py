"""importImage, asked for through the management SDK and seen in the registries themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.mgmt.containerregistry import ContainerRegistryManagementClient

from infra.local.topology import BASE, RESOURCE_GROUP, STAGING
from infra.local.twin.images import tag_digest as digest_of_tag
from tests.twin.conftest import Twin
from tests.twin.host_fixtures import eventually
from tests.twin.images import INDEX, digest_at, push_image, push_index, push_list

pytestmark = pytest.mark.twin


def import_image(
    twin: Twin, registry: str, source: dict[str, Any], *tags: str, mode: str = "Force", **more: Any
) -> None:
    """Import and wait for the end."""
    body = {"source": source, "targetTags": list(tags), "mode": mode, **more}
    twin.management.registries.begin_import_image(RESOURCE_GROUP, registry, body).result(30)


def bearer(twin: Twin) -> dict[str, str]:
    """Return the header that names the caller."""
    return {"Authorization": f"Bearer {twin.credential.get_token('https://management.azure.com/.default').token}"}


def post_import(twin: Twin, image: str, target: str) -> requests.Response:
    """Ask for an import into staging and return the answer."""
    body = {"source": {"registryUri": "docker.io", "sourceImage": image}, "targetTags": [target], "mode": "Force"}
    address = twin.topology.https("arm") + twin.topology.registry_id(STAGING) + "/importImage?api-version=2025-11-01"
    return requests.post(address, json=body, headers=bearer(twin), timeout=10)


def arrived(twin: Twin, image: str) -> str | None:
    """Return what a tag of staging points at, or ``None`` while it is not there."""
    repository, _, tag = image.partition(":")
    return digest_of_tag(twin.topology.http("backing_staging"), repository, tag)


def test_an_import_whose_answer_is_lost_is_made_all_the_same(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/unheard:1", "one")
    twin.control("POST", "/faults", {"front": "arm", "kind": "importImage", "action": "lose-answer"})
    with pytest.raises(requests.ConnectionError):
        post_import(twin, "library/unheard:1", "staged/unheard:1")
    assert eventually(lambda: arrived(twin, "staged/unheard:1")) == digest


def test_an_image_of_docker_hub_is_imported_by_digest(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/first:1", "one")
    source = {"registryUri": "docker.io", "sourceImage": f"library/first@{digest}"}
    import_image(twin, STAGING, source, "staged/first:1")
    assert digest_at(twin.topology, "staging", "staged/first:1") == digest


@pytest.mark.parametrize("host", ["index.docker.io", "registry.hub.docker.com", "registry-1.docker.io"])
def test_every_spelling_of_docker_hub_is_understood(twin: Twin, host: str) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/spelled:1", "spelled")
    import_image(twin, STAGING, {"registryUri": host, "sourceImage": "library/spelled:1"}, f"spelled:{host}")
    assert digest_at(twin.topology, "staging", f"spelled:{host}") == digest


def test_a_whole_index_of_mcr_keeps_its_digest(twin: Twin) -> None:
    digest = push_index(twin.topology, "mcr", "dotnet/multi:8", "amd64 layer", "arm64 layer")
    import_image(twin, STAGING, {"registryUri": "mcr.microsoft.com", "sourceImage": "dotnet/multi:8"}, "multi:8")
    assert digest_at(twin.topology, "staging", "multi:8") == digest


def test_a_registry_named_by_resource_id_is_a_source(twin: Twin) -> None:
    digest = push_image(twin.topology, "staging", "checked/app:1", "checked")
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"checked/app@{digest}"}
    import_image(twin, BASE, source, "base/app:1")
    assert digest_at(twin.topology, "base", "base/app:1") == digest


def test_an_untagged_target_gets_the_digest_alone(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/untagged:1", "untagged")
    source = {"registryUri": "docker.io", "sourceImage": "library/untagged:1"}
    import_image(twin, STAGING, source, untaggedTargetRepositories=["bare"])
    assert digest_at(twin.topology, "staging", f"bare:{digest}") == digest


def test_many_imports_into_one_repository_at_once_all_arrive(twin: Twin) -> None:
    digest = push_index(twin.topology, "mcr", "dotnet/busy:8", "amd64 busy", "arm64 busy")
    source = {"registryUri": "mcr.microsoft.com", "sourceImage": "dotnet/busy:8"}
    tags = [f"busy:{number}" for number in range(12)]
    bodies = [{"source": source, "targetTags": [tag], "mode": "Force"} for tag in tags]
    begin = twin.management.registries.begin_import_image
    for ended in [begin(RESOURCE_GROUP, STAGING, body) for body in bodies]:
        ended.result(60)
    assert {tag: digest_at(twin.topology, "staging", tag) for tag in tags} == dict.fromkeys(tags, digest)


def test_without_force_an_existing_tag_is_a_conflict(twin: Twin) -> None:
    kept = push_image(twin.topology, "staging", "taken:1", "old")
    push_image(twin.topology, "docker_hub", "library/taken:1", "new")
    source = {"registryUri": "docker.io", "sourceImage": "library/taken:1"}
    with pytest.raises(ResourceExistsError, match="already exists in target registry"):
        import_image(twin, STAGING, source, "taken:1", mode="NoForce")
    assert digest_at(twin.topology, "staging", "taken:1") == kept


def test_a_source_that_does_not_exist_fails_the_operation(twin: Twin) -> None:
    with pytest.raises(HttpResponseError) as failure:
        import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/absent:1"}, "absent:1")
    assert failure.value.error is not None
    assert failure.value.error.code == "InvalidParameters"


def test_an_operation_fails_with_the_error_asked_for(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/faulty:1", "faulty")
    fault = {"front": "arm", "kind": "importImage", "action": "fail-operation", "code": "Throttled", "message": "429"}
    twin.control("POST", "/faults", fault)
    with pytest.raises(HttpResponseError) as failure:
        import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/faulty:1"}, "faulty:1")
    assert failure.value.error is not None
    assert failure.value.error.code == "Throttled"
    assert digest_at(twin.topology, "staging", "faulty:1") is None


def test_a_lock_on_a_tag_does_not_stop_an_import_with_force_and_stays(twin: Twin) -> None:
    push_image(twin.topology, "base", "locked/app:1", "kept")
    digest = push_image(twin.topology, "docker_hub", "library/intruder:1", "intruder")
    with twin.client("base") as client:
        client.update_tag_properties("locked/app", "1", can_write=False)
        import_image(twin, BASE, {"registryUri": "docker.io", "sourceImage": "library/intruder:1"}, "locked/app:1")
        assert client.get_tag_properties("locked/app", "1").can_write is False
    assert digest_at(twin.topology, "base", "locked/app:1") == digest


def test_an_image_of_more_than_fifty_manifests_is_not_imported(twin: Twin) -> None:
    push_index(twin.topology, "docker_hub", "library/many:1", *(f"layer {number}" for number in range(51)))
    with pytest.raises(HttpResponseError, match="limited to 50 manifests"):
        import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/many:1"}, "many:1")
    assert digest_at(twin.topology, "staging", "many:1") is None


def test_the_manifests_of_indexes_in_an_index_count_too(twin: Twin) -> None:
    halves = [
        push_index(twin.topology, "docker_hub", f"library/nested:{half}", *(f"{half}{number}" for number in range(26)))
        for half in "ab"
    ]
    push_list(twin.topology, "docker_hub", "library/nested:1", INDEX, *halves)
    with pytest.raises(HttpResponseError, match="52 manifests; an import is limited to 50 manifests"):
        import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/nested:1"}, "nested:1")


def test_what_went_wrong_is_told_after_the_operation_and_the_registry(twin: Twin) -> None:
    with pytest.raises(HttpResponseError) as failure:
        import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/nowhere:1"}, "nowhere:1")
    assert failure.value.error is not None
    place = re.escape(twin.topology.registry_id(STAGING))
    told = rf"Operation registries-[0-9a-f-]{{36}} failed\. Resource {place} An error occurred when getting manifest"
    assert re.match(told, str(failure.value.error.message))


def test_retry_after_is_azures_own_unless_a_setting_shortens_it(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/paced:1", "paced")
    seen = []
    for short in (None, 2):
        twin.control("POST", "/settings", {"short_retry_after": short})
        seen.append(post_import(twin, "library/paced:1", "paced:1").headers["Retry-After"])
    assert seen == ["10", "2"]


def test_every_poll_gives_a_new_address_and_old_ones_hold(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/polled:1", "polled")
    twin.control("POST", "/settings", {"import_queue_seconds": 30})
    first = post_import(twin, "library/polled:1", "polled:1").headers["Location"]
    polls = [requests.get(first, headers=bearer(twin), timeout=10) for _ in range(2)]
    addresses = {first, *(poll.headers["Location"] for poll in polls)}
    twin.control("POST", "/settings", {"import_queue_seconds": 0})
    assert [(poll.status_code, poll.json()) for poll in polls] == [(202, {"status": "Accepted"})] * 2
    assert len(addresses) == 3
    assert all(3000 < len(address) < 5000 for address in addresses)


def test_an_address_that_was_tampered_with_is_not_found(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/tampered:1", "tampered")
    address = post_import(twin, "library/tampered:1", "tampered:1").headers["Location"]
    assert requests.get(address[:-1] + "!", headers=bearer(twin), timeout=10).status_code == 404


def test_wrong_docker_hub_credentials_are_refused(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/private:1", "private")
    twin.control("POST", "/settings", {"hub_user": "robot", "hub_token": "right"})
    source = {"registryUri": "docker.io", "sourceImage": "library/private:1"}
    right, wrong = ({**source, "credentials": {"username": "robot", "password": word}} for word in ("right", "wrong"))
    with pytest.raises(HttpResponseError, match="401"):
        import_image(twin, STAGING, wrong, "private:1")
    import_image(twin, STAGING, right, "private:1")
    assert digest_at(twin.topology, "staging", "private:1") is not None


def test_a_continuation_token_resumes_the_same_operation(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/resumed:1", "resumed")
    twin.control("POST", "/settings", {"import_seconds": 1.5})
    body = {"source": {"registryUri": "docker.io", "sourceImage": "library/resumed:1"}, "targetTags": ["resumed:1"]}
    registries = twin.management.registries
    token = registries.begin_import_image(RESOURCE_GROUP, STAGING, body).continuation_token()
    registries.begin_import_image(RESOURCE_GROUP, STAGING, body, continuation_token=token).result(30)
    assert digest_at(twin.topology, "staging", "resumed:1") == digest
    assert twin.control("GET", "/counts").json()["arm"]["importImage"] == 1


def test_imports_are_listed_with_the_time_they_took(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/timed:1", "timed")
    twin.control("POST", "/settings", {"import_seconds": 0.5})
    import_image(twin, STAGING, {"registryUri": "docker.io", "sourceImage": "library/timed:1"}, "timed:1")
    operation = twin.control("GET", "/operations").json()[-1]
    assert (operation["kind"], operation["target"]) == ("import", f"{STAGING}/timed:1")
    assert operation["finished"] - operation["started"] >= 0.5


def test_a_registry_tells_its_login_server(twin: Twin) -> None:
    registry = twin.management.registries.get(RESOURCE_GROUP, BASE)
    assert registry.login_server == twin.topology.address("base")


def test_an_unknown_registry_is_not_found(twin: Twin) -> None:
    with pytest.raises(ResourceNotFoundError):
        twin.management.registries.get(RESOURCE_GROUP, "elsewhere")


def test_arm_wants_a_token(twin: Twin) -> None:
    assert twin.get("arm", twin.topology.registry_id(BASE)).status_code == 401


def test_arm_refuses_a_token_for_another_audience(twin: Twin) -> None:
    stranger = ContainerRegistryManagementClient(
        twin.credential,
        "00000000-0000-0000-0000-000000000001",
        base_url=twin.topology.https("arm"),
        credential_scopes=["https://vault.azure.net/.default"],
    )
    with pytest.raises(ClientAuthenticationError):
        stranger.registries.get(RESOURCE_GROUP, BASE)


def test_a_429_with_retry_after_is_retried_by_the_sdk(twin: Twin) -> None:
    fault = {"front": "arm", "kind": "get registry", "action": "status", "status": 429, "headers": {"Retry-After": "1"}}
    twin.control("POST", "/faults", fault)
    assert twin.management.registries.get(RESOURCE_GROUP, BASE).name == BASE
    assert twin.control("GET", "/counts").json()["arm"]["get registry"] == 2


def test_bodies_that_are_no_json_objects_are_refused(twin: Twin) -> None:
    address = twin.topology.https("arm") + twin.topology.registry_id(STAGING) + "/importImage"
    answer = requests.post(address, data="[1, 2", headers=bearer(twin), timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "InvalidRequestContent"
