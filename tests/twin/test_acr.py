"""The data plane of the Azure registries, driven by the registry client of the Azure SDK."""

from __future__ import annotations

import io

import pytest
import requests
from azure.containerregistry import ArtifactTagOrder
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, digest_at, push_image, push_index

pytestmark = pytest.mark.twin


def test_a_tag_tells_its_digest_and_that_nothing_is_locked(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "described/app:1", "described")
    with twin.client("base") as client:
        tag = client.get_tag_properties("described/app", "1")
    assert (tag.digest, tag.can_write, tag.can_delete) == (digest, True, True)
    assert tag.created_on is not None


def test_a_manifest_tells_its_tags_platform_and_size(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "platform/app:1", "platform")
    with twin.client("base") as client:
        manifest = client.get_manifest_properties("platform/app", "1")
    assert (manifest.digest, manifest.tags, manifest.architecture) == (digest, ["1"], "amd64")
    assert manifest.size_in_bytes is not None


def test_a_manifest_is_read_with_its_digest(twin: Twin) -> None:
    digest = push_index(twin.topology, "staging", "whole/index:1", "left", "right")
    with twin.client("staging") as client:
        assert client.get_manifest("whole/index", "1").digest == digest


def test_an_artifact_is_pushed_and_pulled_through_the_front(twin: Twin) -> None:
    with twin.client("base") as client:
        config, size = client.upload_blob("evidence/app", io.BytesIO(b"{}"))
        layer = {"mediaType": "text/plain", "digest": config, "size": size}
        body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**layer}, "layers": [layer]}
        digest = client.set_manifest("evidence/app", body, tag="verdict", media_type=MANIFEST)
        assert b"".join(client.download_blob("evidence/app", config)) == b"{}"
    assert digest_at(twin.topology, "base", "evidence/app:verdict") == digest


def test_a_locked_tag_refuses_a_push_until_it_is_unlocked(twin: Twin) -> None:
    push_image(twin.topology, "base", "guarded/app:1", "first")
    with twin.client("base") as client:
        manifest = client.get_manifest("guarded/app", "1").manifest
        client.update_tag_properties("guarded/app", "1", can_write=False, can_delete=False)
        assert client.get_tag_properties("guarded/app", "1").can_write is False
        with pytest.raises(HttpResponseError, match="disallowed"):
            client.set_manifest("guarded/app", manifest, tag="1", media_type=MANIFEST)
        client.update_tag_properties("guarded/app", "1", can_write=True)
        assert client.set_manifest("guarded/app", manifest, tag="1", media_type=MANIFEST)


def test_a_locked_tag_keeps_its_manifest_from_being_deleted(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "kept/app:1", "kept")
    with twin.client("base") as client:
        client.update_tag_properties("kept/app", "1", can_delete=False)
        with pytest.raises(HttpResponseError, match="disallowed"):
            client.delete_manifest("kept/app", digest)
    assert digest_at(twin.topology, "base", "kept/app:1") == digest


def test_a_manifest_and_a_repository_can_be_locked(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "frozen/app:1", "frozen")
    with twin.client("base") as client:
        assert client.update_manifest_properties("frozen/app", digest, can_delete=False).can_delete is False
        assert client.update_repository_properties("frozen/app", can_write=False).can_write is False
        assert client.get_repository_properties("frozen/app").can_write is False


def test_a_deleted_manifest_is_gone_with_its_tag(twin: Twin) -> None:
    digest = push_image(twin.topology, "staging", "gone/app:1", "gone")
    with twin.client("staging") as client:
        client.delete_manifest("gone/app", digest)
        with pytest.raises(ResourceNotFoundError):
            client.get_tag_properties("gone/app", "1")


def test_a_deleted_tag_leaves_its_manifest_and_the_other_tags(twin: Twin) -> None:
    digest = push_image(twin.topology, "staging", "untagged/app:1", "same")
    push_image(twin.topology, "staging", "untagged/app:2", "same")
    with twin.client("staging") as client:
        client.delete_tag("untagged/app", "1")
        assert client.get_manifest_properties("untagged/app", digest).tags == ["2"]
    assert digest_at(twin.topology, "staging", "untagged/app:1") is None


def test_a_locked_tag_is_not_deleted(twin: Twin) -> None:
    digest = push_image(twin.topology, "staging", "stuck/app:1", "stuck")
    with twin.client("staging") as client:
        client.update_tag_properties("stuck/app", "1", can_delete=False)
        with pytest.raises(HttpResponseError, match="disallowed"):
            client.delete_tag("stuck/app", "1")
    assert digest_at(twin.topology, "staging", "stuck/app:1") == digest


def test_a_deleted_repository_holds_nothing_any_more(twin: Twin) -> None:
    push_image(twin.topology, "staging", "emptied/app:1", "one")
    push_image(twin.topology, "staging", "emptied/app:2", "two")
    with twin.client("staging") as client:
        client.delete_repository("emptied/app")
        assert "emptied/app" not in list(client.list_repository_names())
    assert digest_at(twin.topology, "staging", "emptied/app:1") is None


def test_tags_are_listed_newest_first(twin: Twin) -> None:
    for tag in ("b", "a", "c"):
        push_image(twin.topology, "staging", f"ordered/app:{tag}", tag)
    with twin.client("staging") as client:
        order = ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING
        tags = [tag.name for tag in client.list_tag_properties("ordered/app", order_by=order)]
        assert [item.name for item in client.list_tag_properties("ordered/app")] == ["a", "b", "c"]
    assert tags == ["c", "a", "b"]


def test_tags_are_listed_in_pages_of_which_each_names_the_next(twin: Twin) -> None:
    for tag in ("a", "b", "c"):
        push_image(twin.topology, "staging", f"paged/app:{tag}", "paged")
    with twin.client("staging") as client:
        pages = client.list_tag_properties("paged/app", results_per_page=2).by_page()
        assert [[tag.name for tag in page] for page in pages] == [["a", "b"], ["c"]]


def test_manifests_are_listed_though_no_tag_is_on_them(twin: Twin) -> None:
    old = push_image(twin.topology, "staging", "history/app:1", "old")
    new = push_image(twin.topology, "staging", "history/app:1", "new")
    with twin.client("staging") as client:
        listed = {manifest.digest: manifest.tags for manifest in client.list_manifest_properties("history/app")}
    assert set(listed) == {old, new}
    assert listed[new] == ["1"]


def test_an_operation_of_the_sdk_takes_four_requests(twin: Twin) -> None:
    push_image(twin.topology, "base", "counted/app:1", "counted")
    with twin.client("base") as client:
        client.get_tag_properties("counted/app", "1")
    counted = twin.control("GET", "/counts").json()["base"]
    assert counted == {"GET tag": 2, "POST exchange": 1, "POST token": 1}


def test_a_token_for_one_repository_opens_no_other(twin: Twin) -> None:
    push_image(twin.topology, "base", "mine/app:1", "mine")
    push_image(twin.topology, "base", "yours/app:1", "yours")
    headers = {"Authorization": f"Bearer {docker_login(twin, 'repository:mine/app:pull')}", "Accept": MANIFEST}
    assert twin.get("base", "/v2/mine/app/manifests/1", headers=headers).status_code == 200
    refused = twin.get("base", "/v2/yours/app/manifests/1", headers=headers)
    assert refused.status_code == 401
    assert 'scope="repository:yours/app:pull"' in refused.headers["WWW-Authenticate"]


def docker_login(twin: Twin, scope: str) -> str:
    """Return an access token as container tools get it: the refresh token is the password."""
    entra = twin.credential.get_token("https://containerregistry.azure.net/.default").token
    form = {"grant_type": "access_token", "service": twin.topology.address("base"), "access_token": entra}
    exchange = requests.post(twin.topology.https("base") + "/oauth2/exchange", data=form, timeout=10)
    user = ("00000000-0000-0000-0000-000000000000", exchange.json()["refresh_token"])
    answer = twin.get("base", "/oauth2/token", params={"scope": scope}, auth=user)
    return str(answer.json()["access_token"])


def test_head_stays_head_and_tells_the_length_of_the_manifest(twin: Twin) -> None:
    push_image(twin.topology, "base", "headed/app:1", "headed")
    headers = {"Authorization": f"Bearer {docker_login(twin, 'repository:headed/app:pull')}", "Accept": MANIFEST}
    address = twin.topology.https("base") + "/v2/headed/app/manifests/1"
    head = requests.head(address, headers=headers, timeout=10)
    got = requests.get(address, headers=headers, timeout=10)
    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(got.content)


def test_a_forged_token_is_refused(twin: Twin) -> None:
    push_image(twin.topology, "base", "forged/app:1", "forged")
    real = docker_login(twin, "repository:forged/app:pull")
    header, body, _ = real.split(".")
    headers = {"Authorization": f"Bearer {header}.{body}.{'A' * 43}", "Accept": MANIFEST}
    assert twin.get("base", "/v2/forged/app/manifests/1", headers=headers).status_code == 401
