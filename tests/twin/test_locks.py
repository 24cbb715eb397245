"""Locks of tags, manifests and repositories: set by the registry SDK, told by every list, and what each forbids."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from infra.local.topology import BASE, STAGING
from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, digest_at, push_image, push_index, push_referrer, referrer
from tests.twin.test_acr import docker_login
from tests.twin.test_imports import import_image
from tests.twin.test_referrers import SBOM, push_through_the_front

pytestmark = pytest.mark.twin


def refused(call: Callable[[], Any]) -> None:
    """Hold that a lock forbids a call, in Azure's words."""
    with pytest.raises(HttpResponseError) as refusal:
        call()
    assert refusal.value.status_code == 405
    assert refusal.value.response is not None
    (error,) = json.loads(refusal.value.response.text())["errors"]
    assert error["code"] == "REGISTRY_DISALLOWED_OPERATION"


def forbidden(answer: requests.Response) -> bool:
    """Tell whether an answer is a lock's refusal."""
    return answer.status_code == 405 and answer.json()["errors"][0]["code"] == "REGISTRY_DISALLOWED_OPERATION"


def body_of(client: ContainerRegistryClient, repository: str, reference: str) -> dict[str, Any]:
    """Return a manifest to push it again."""
    return dict(client.get_manifest(repository, reference).manifest)


def get(twin: Twin, path: str, scope: str) -> requests.Response:
    """Ask base for something with a token of its own."""
    headers = {"Authorization": f"Bearer {docker_login(twin, scope)}", "Accept": MANIFEST}
    return twin.get("base", path, headers=headers)


def listing(twin: Twin, repository: str, kind: str, query: str = "") -> dict[str, Any]:
    """Return what ``_tags`` or ``_manifests`` lists of a repository."""
    answer = get(twin, f"/acr/v1/{repository}/{kind}{query}", f"repository:{repository}:metadata_read")
    found: dict[str, Any] = answer.json()
    return found


def test_all_four_attributes_are_changed_one_by_one_and_told_by_tag_manifest_and_repository(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "four/app:1", "four")
    with twin.client("base") as client:
        changes: list[Callable[..., Any]] = [
            lambda **change: client.update_tag_properties("four/app", "1", **change),
            lambda **change: client.update_manifest_properties("four/app", digest, **change),
            lambda **change: client.update_repository_properties("four/app", **change),
        ]
        for change in changes:
            told = change(can_write=False, can_delete=False, can_list=False)
            assert (told.can_write, told.can_delete, told.can_read, told.can_list) == (False, False, True, False)
            told = change(can_write=True, can_delete=True, can_list=True)
            assert (told.can_write, told.can_delete, told.can_read, told.can_list) == (True, True, True, True)


def test_tag_manifest_and_repository_are_locked_apart(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "apart/app:1", "apart")
    with twin.client("base") as client:
        client.update_tag_properties("apart/app", "1", can_write=False)
        assert client.get_manifest_properties("apart/app", digest).can_write is True
        assert client.get_repository_properties("apart/app").can_write is True


def test_lists_bear_locks_and_digests_and_what_an_index_lists(twin: Twin) -> None:
    digest = push_index(twin.topology, "base", "told/index:1", "amd64", "arm64")
    with twin.client("base") as client:
        client.update_tag_properties("told/index", "1", can_write=False)
        client.update_manifest_properties("told/index", digest, can_delete=False)
    tags = {tag["name"]: tag for tag in listing(twin, "told/index", "_tags")["tags"]}
    assert tags["1"]["digest"] == digest
    assert [tags[name]["changeableAttributes"]["writeEnabled"] for name in ("1", "member-0")] == [False, True]
    manifests = {one["digest"]: one for one in listing(twin, "told/index", "_manifests")["manifests"]}
    assert manifests[digest]["changeableAttributes"]["deleteEnabled"] is False
    assert manifests[digest]["tags"] == ["1"]
    children = [tags[name]["digest"] for name in ("member-0", "member-1")]
    assert [child["digest"] for child in manifests[digest]["references"]] == children
    assert [child["architecture"] for child in manifests[digest]["references"]] == ["amd64", "arm64"]
    assert manifests[children[0]]["configMediaType"] == "application/vnd.oci.image.config.v1+json"


def test_manifests_are_listed_in_pages_of_which_each_names_the_next(twin: Twin) -> None:
    pushed = {push_image(twin.topology, "base", f"paged/many:{number}", f"{number}") for number in range(5)}
    with twin.client("base") as client:
        pages = [list(page) for page in client.list_manifest_properties("paged/many", results_per_page=2).by_page()]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {one.digest for page in pages for one in page} == pushed


def test_a_page_of_a_list_can_fail(twin: Twin) -> None:
    for number in range(3):
        push_image(twin.topology, "base", f"broken/list:{number}", f"{number}")
    with twin.client("base") as client:
        pages = client.list_manifest_properties("broken/list", results_per_page=2, retry_total=0).by_page()
        assert len(list(next(pages))) == 2
        twin.control("POST", "/faults", {"front": "base", "kind": "GET manifests", "action": "status", "status": 500})
        with pytest.raises(HttpResponseError):
            next(pages)


@pytest.mark.parametrize("attribute", ["can_write", "can_delete"])
def test_what_keeps_a_tag_from_being_written_or_deleted_keeps_it_and_its_manifest_from_deletion(
    twin: Twin, attribute: str
) -> None:
    repository = f"kept-{attribute.replace('_', '-')}/app"
    digest = push_image(twin.topology, "base", f"{repository}:1", "kept")
    with twin.client("base") as client:
        client.update_tag_properties(repository, "1", **{attribute: False})
        refused(lambda: client.delete_tag(repository, "1"))
        refused(lambda: client.delete_manifest(repository, digest))
        refused(lambda: client.delete_repository(repository))


def test_a_tag_that_may_only_not_be_deleted_can_be_pushed_to(twin: Twin) -> None:
    push_image(twin.topology, "base", "moving/app:1", "first")
    digest = push_image(twin.topology, "base", "moving/app:2", "second")
    with twin.client("base") as client:
        client.update_tag_properties("moving/app", "1", can_delete=False)
        client.set_manifest("moving/app", body_of(client, "moving/app", "2"), tag="1", media_type=MANIFEST)
    assert digest_at(twin.topology, "base", "moving/app:1") == digest


def test_a_locked_manifest_is_not_deleted_and_its_tag_is(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "fixed/app:1", "fixed")
    with twin.client("base") as client:
        client.update_manifest_properties("fixed/app", digest, can_write=False)
        refused(lambda: client.delete_manifest("fixed/app", digest))
        client.delete_tag("fixed/app", "1")
        assert client.get_manifest_properties("fixed/app", digest).tags == []


def test_a_repository_that_may_not_be_written_takes_no_new_tag_and_loses_none(twin: Twin) -> None:
    push_image(twin.topology, "base", "closed/app:1", "closed")
    with twin.client("base") as client:
        body = body_of(client, "closed/app", "1")
        client.update_repository_properties("closed/app", can_write=False)
        refused(lambda: client.set_manifest("closed/app", body, tag="2", media_type=MANIFEST))
        refused(lambda: client.delete_tag("closed/app", "1"))
        client.update_repository_properties("closed/app", can_write=True)
        client.set_manifest("closed/app", body, tag="2", media_type=MANIFEST)


@pytest.mark.parametrize("locked", ["tag", "manifest", "repository"])
def test_what_may_not_be_read_is_not_pulled_by_its_tag(twin: Twin, locked: str) -> None:
    repository = f"unread-{locked}/app"
    digest = push_image(twin.topology, "base", f"{repository}:1", "unread")
    with twin.client("base") as client:
        if locked == "tag":
            client.update_tag_properties(repository, "1", can_read=False)
        elif locked == "manifest":
            client.update_manifest_properties(repository, digest, can_read=False)
        else:
            client.update_repository_properties(repository, can_read=False)
    scope = f"repository:{repository}:pull"
    by = [forbidden(get(twin, f"/v2/{repository}/manifests/{one}", scope)) for one in ("1", digest)]
    assert by == [True, locked != "tag"]


def test_a_child_of_an_index_that_may_not_be_read_is_pulled_unless_the_settings_say_otherwise(twin: Twin) -> None:
    digest = push_index(twin.topology, "base", "covered/index:1", "left", "right")
    child = digest_at(twin.topology, "base", "covered/index:member-0")
    with twin.client("base") as client:
        client.update_manifest_properties("covered/index", digest, can_read=False)
    path, scope = f"/v2/covered/index/manifests/{child}", "repository:covered/index:pull"
    before = forbidden(get(twin, path, scope))
    twin.control("POST", "/settings", {"read_locks_cover_children": True})
    assert [before, forbidden(get(twin, path, scope))] == [False, True]


def test_a_referrer_is_attached_to_a_locked_manifest_unless_the_settings_say_otherwise(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "attached/app:1", "attached")
    with twin.client("base") as client:
        client.update_manifest_properties("attached/app", digest, can_write=False)
    bodies = [referrer(twin.topology, "base", "attached/app", digest, SBOM, f"sbom {number}") for number in (1, 2)]
    first = push_through_the_front(twin, "attached/app", bodies[0])
    twin.control("POST", "/settings", {"manifest_locks_stop_referrers": True})
    second = push_through_the_front(twin, "attached/app", bodies[1])
    assert (first.status_code, forbidden(second)) == (201, True)


def test_what_may_not_be_listed_is_hidden_and_still_there(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "hidden/app:1", "hidden")
    shown = push_image(twin.topology, "base", "hidden/app:2", "shown")
    with twin.client("base") as client:
        client.update_tag_properties("hidden/app", "1", can_list=False)
        client.update_manifest_properties("hidden/app", digest, can_list=False)
        assert [tag.name for tag in client.list_tag_properties("hidden/app")] == ["2"]
        assert [one.digest for one in client.list_manifest_properties("hidden/app")] == [shown]
        assert client.get_tag_properties("hidden/app", "1").digest == digest
        client.update_repository_properties("hidden/app", can_list=False)
        assert "hidden/app" not in list(client.list_repository_names())
    tags = get(twin, "/v2/hidden/app/tags/list", "repository:hidden/app:pull").json()
    assert tags["tags"] == ["2"]


def test_a_lock_on_a_tag_that_is_not_there_is_not_found_and_locks_nothing(twin: Twin) -> None:
    push_image(twin.topology, "base", "missing/app:1", "missing")
    with twin.client("base") as client:
        with pytest.raises(ResourceNotFoundError):
            client.update_tag_properties("missing/app", "2", can_write=False)
        with pytest.raises(ResourceNotFoundError):
            client.update_repository_properties("nowhere/app", can_write=False)
        assert client.get_repository_properties("missing/app").can_write is True


def test_a_tag_that_was_deleted_and_comes_again_is_not_locked(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "again/app:1", "again")
    with twin.client("base") as client:
        client.update_manifest_properties("again/app", digest, can_read=False)
        client.update_tag_properties("again/app", "1", can_read=False)
        client.delete_manifest("again/app", digest)
        push_image(twin.topology, "base", "again/app:1", "again")
        assert client.get_tag_properties("again/app", "1").can_read is True
        assert client.get_manifest_properties("again/app", digest).can_read is True


def test_an_import_by_digest_moves_a_locked_tag_and_takes_its_manifests_lock_no_further(twin: Twin) -> None:
    old = push_image(twin.topology, "base", "pinned/app:1", "old")
    new = push_image(twin.topology, "staging", "pinned/app:1", "new")
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"pinned/app@{new}"}
    with twin.client("base") as client:
        client.update_tag_properties("pinned/app", "1", can_write=False, can_delete=False)
        client.update_manifest_properties("pinned/app", old, can_write=False)
        import_image(twin, BASE, source, "pinned/app:1")
        tag = client.get_tag_properties("pinned/app", "1")
        assert (tag.digest, tag.can_write, tag.can_delete) == (new, False, False)
        assert client.get_manifest_properties("pinned/app", new).can_write is True
        assert client.get_manifest_properties("pinned/app", old).tags == []


@pytest.mark.parametrize("heeded", [False, True])
def test_an_import_heeds_a_locked_repository_where_the_settings_say_so(twin: Twin, heeded: bool) -> None:
    repository = f"barred-{heeded}/app".lower()
    push_image(twin.topology, "base", f"{repository}:1", "old")
    new = push_image(twin.topology, "staging", f"{repository}:1", "new")
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"{repository}@{new}"}
    twin.control("POST", "/settings", {"imports_heed_repository_locks": heeded})
    with twin.client("base") as client:
        client.update_repository_properties(repository, can_write=False)
    if heeded:
        with pytest.raises(HttpResponseError, match="disallowed"):
            import_image(twin, BASE, source, f"{repository}:1")
    else:
        import_image(twin, BASE, source, f"{repository}:1")
    assert (digest_at(twin.topology, "base", f"{repository}:1") == new) is not heeded


def test_a_lock_whose_answer_is_lost_is_set(twin: Twin) -> None:
    push_image(twin.topology, "base", "unheard/app:1", "unheard")
    headers = {"Authorization": f"Bearer {docker_login(twin, 'repository:unheard/app:metadata_write')}"}
    twin.control("POST", "/faults", {"front": "base", "kind": "PATCH tag", "action": "lose-answer"})
    url = f"{twin.topology.https('base')}/acr/v1/unheard/app/_tags/1"
    with pytest.raises(requests.ConnectionError):
        requests.patch(url, json={"writeEnabled": False}, headers=headers, timeout=10)
    with twin.client("base") as client:
        assert client.get_tag_properties("unheard/app", "1").can_write is False


def test_what_refers_to_a_locked_image_is_not_locked_by_that(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "separate/app:1", "separate")
    sbom = push_referrer(twin.topology, "base", "separate/app", digest, SBOM, "sbom")
    with twin.client("base") as client:
        client.update_manifest_properties("separate/app", digest, can_write=False, can_delete=False)
        client.delete_manifest("separate/app", sbom)
        with pytest.raises(ResourceNotFoundError):
            client.get_manifest_properties("separate/app", sbom)
