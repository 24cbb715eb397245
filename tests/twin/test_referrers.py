"""What refers to an image in an Azure registry: listed by its API, in pages, by type, and gone with its subject."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError

from infra.local.topology import BASE
from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, digest_at, digest_of, push_image, push_index, push_referrer, referrer
from tests.twin.test_acr import docker_login

pytestmark = pytest.mark.twin
SIGNATURE, SBOM = "application/vnd.dev.sigstore.bundle.v0.3+json", "application/spdx+json"
NOBODY = f"sha256:{'0' * 64}"


def ask(twin: Twin, repository: str, subject: str, query: str = "") -> requests.Response:
    """Ask base for what refers to a manifest."""
    headers = {"Authorization": f"Bearer {docker_login(twin, f'repository:{repository}:pull')}"}
    return twin.get("base", f"/v2/{repository}/referrers/{subject}{query}", headers=headers)


def listed(answer: requests.Response) -> list[str]:
    """Return the digests that an answer lists."""
    return [entry["digest"] for entry in answer.json()["manifests"]]


def push_through_the_front(twin: Twin, repository: str, body: bytes, reference: str = "") -> requests.Response:
    """Push a manifest as clients do."""
    headers = {
        "Authorization": f"Bearer {docker_login(twin, f'repository:{repository}:pull,push')}",
        "Content-Type": MANIFEST,
    }
    url = f"{twin.topology.https('base')}/v2/{repository}/manifests/{reference or digest_of(body)}"
    return requests.put(url, data=body, headers=headers, timeout=10)


def delete(twin: Twin, repository: str, digest: str) -> None:
    """Delete a manifest of base."""
    with twin.client("base") as client:
        client.delete_manifest(repository, digest)


def test_nothing_refers_to_an_image_that_nobody_signed(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "bare/app:1", "bare")
    answer = ask(twin, "bare/app", digest)
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])
    assert answer.headers["Content-Type"] == "application/vnd.oci.image.index.v1+json"
    assert "OCI-Filters-Applied" not in answer.headers


def test_a_referrer_is_listed_as_soon_as_it_is_pushed_with_its_type_and_its_annotations(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "signed/app:1", "signed")
    body = referrer(twin.topology, "base", "signed/app", digest, SIGNATURE, "signature")
    pushed = push_through_the_front(twin, "signed/app", body)
    assert (pushed.status_code, pushed.headers["OCI-Subject"]) == (201, digest)
    (entry,) = ask(twin, "signed/app", digest).json()["manifests"]
    assert entry == {
        "mediaType": MANIFEST,
        "digest": digest_of(body),
        "size": len(body),
        "artifactType": SIGNATURE,
        "annotations": {"org.opencontainers.image.created": "2026-11-28T10:00:00Z"},
    }


def test_an_image_that_refers_to_nothing_is_pushed_without_a_word_of_a_subject(twin: Twin) -> None:
    push_image(twin.topology, "base", "plain/app:1", "plain")
    with twin.client("base") as client:
        body = json.dumps(dict(client.get_manifest("plain/app", "1").manifest)).encode()
    assert "OCI-Subject" not in push_through_the_front(twin, "plain/app", body, "2").headers


def test_a_referrer_may_be_there_before_its_subject(twin: Twin) -> None:
    early = push_referrer(twin.topology, "base", "early/app", NOBODY, SBOM, "early")
    assert listed(ask(twin, "early/app", NOBODY)) == [early]


def test_only_the_type_that_was_asked_for_is_listed_and_the_answer_says_so(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "typed/app:1", "typed")
    push_referrer(twin.topology, "base", "typed/app", digest, SIGNATURE, "signature")
    sbom = push_referrer(twin.topology, "base", "typed/app", digest, SBOM, "sbom")
    answer = ask(twin, "typed/app", digest, f"?artifactType={SBOM.replace('+', '%2B')}")
    assert listed(answer) == [sbom]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"


def test_many_referrers_are_listed_in_pages_of_which_each_names_the_next(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "loved/app:1", "loved")
    pushed = {push_referrer(twin.topology, "base", "loved/app", digest, SBOM, f"sbom {number}") for number in range(5)}
    twin.control("POST", "/settings", {"referrers_page": 2})
    answer, found = ask(twin, "loved/app", digest), list[list[str]]()
    found.append(listed(answer))
    while "next" in answer.links:
        query = answer.links["next"]["url"].partition("?")[2]
        answer = ask(twin, "loved/app", digest, f"?{query}")
        found.append(listed(answer))
    assert [len(page) for page in found] == [2, 2, 1]
    assert {one for page in found for one in page} == pushed


def test_the_list_under_a_tag_says_nothing_to_the_api(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "claimed/app:1", "claimed")
    stranger = push_image(twin.topology, "base", "claimed/app:other", "other")
    push_index(twin.topology, "base", f"claimed/app:{digest.replace(':', '-')}", "foreign")
    assert ask(twin, "claimed/app", digest).json()["manifests"] == []
    assert stranger != digest


def test_in_a_repository_that_is_not_there_nothing_can_be_asked(twin: Twin) -> None:
    answer = ask(twin, "absent/app", NOBODY)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "NAME_UNKNOWN")


def test_what_refers_to_a_manifest_goes_with_it_and_what_refers_to_that_too(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "doomed/app:1", "doomed")
    sbom = push_referrer(twin.topology, "base", "doomed/app", digest, SBOM, "sbom")
    signed = push_referrer(twin.topology, "base", "doomed/app", sbom, SIGNATURE, "signature of the sbom")
    kept = push_image(twin.topology, "base", "doomed/app:2", "kept")
    delete(twin, "doomed/app", digest)
    assert [digest_at(twin.topology, "base", f"doomed/app:{one}") for one in (digest, sbom, signed, kept)] == [
        None,
        None,
        None,
        kept,
    ]


def test_a_locked_referrer_stays_when_its_subject_goes(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "orphans/app:1", "parent")
    sbom = push_referrer(twin.topology, "base", "orphans/app", digest, SBOM, "sbom")
    with twin.client("base") as client:
        client.update_manifest_properties("orphans/app", sbom, can_delete=False)
    delete(twin, "orphans/app", digest)
    assert listed(ask(twin, "orphans/app", digest)) == [sbom]


def test_a_deleted_tag_leaves_what_refers_to_its_image(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "tagless/app:1", "tagless")
    sbom = push_referrer(twin.topology, "base", "tagless/app", digest, SBOM, "sbom")
    with twin.client("base") as client:
        client.delete_tag("tagless/app", "1")
    assert listed(ask(twin, "tagless/app", digest)) == [sbom]


def test_listing_referrers_has_a_limit_of_its_own(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "limits/app:1", "limits")
    twin.control("POST", "/settings", {"registry_limits": {"referrers": 1}})
    answers = [ask(twin, "limits/app", digest) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) > 0
    assert twin.control("GET", "/counts").json()["base"]["refused: GET referrers"] == 1


def customer_keys(twin: Twin, what: str) -> None:
    """Let a customer's keys encrypt base."""
    twin.control("POST", "/settings", {"customer_key_registries": {BASE: what}})


def test_where_a_customers_keys_encrypt_there_may_be_no_api_and_clients_keep_a_tag(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "vaulted/app:1", "vaulted")
    customer_keys(twin, "no-api")
    body = referrer(twin.topology, "base", "vaulted/app", digest, SBOM, "sbom")
    pushed = push_through_the_front(twin, "vaulted/app", body)
    assert (pushed.status_code, "OCI-Subject" in pushed.headers) == (201, False)
    assert ask(twin, "vaulted/app", digest).status_code == 404
    index: dict[str, Any] = {"schemaVersion": 2, "manifests": [{"digest": digest_of(body), "size": len(body)}]}
    index["manifests"][0]["mediaType"] = MANIFEST
    with twin.client("base") as client:
        tag = digest.replace(":", "-")
        client.set_manifest("vaulted/app", index, tag=tag, media_type="application/vnd.oci.image.index.v1+json")
        assert dict(client.get_manifest("vaulted/app", tag).manifest)["manifests"][0]["digest"] == digest_of(body)


def test_where_a_customers_keys_encrypt_the_list_may_name_no_types_and_not_filter(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "untyped/app:1", "untyped")
    push_referrer(twin.topology, "base", "untyped/app", digest, SBOM, "sbom")
    customer_keys(twin, "untyped")
    answer = ask(twin, "untyped/app", digest, f"?artifactType={SIGNATURE.replace('+', '%2B')}")
    assert "artifactType" not in answer.json()["manifests"][0]
    assert "OCI-Filters-Applied" not in answer.headers


def test_a_registry_tells_whether_a_customers_keys_encrypt_it(twin: Twin) -> None:
    before = twin.management.registries.get("tidegate", BASE).encryption
    customer_keys(twin, "no-api")
    after = twin.management.registries.get("tidegate", BASE).encryption
    assert [one.status for one in (before, after) if one] == ["disabled", "enabled"]


def test_a_fault_answers_a_list_that_lags_behind(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "lagging/app:1", "lagging")
    sbom = push_referrer(twin.topology, "base", "lagging/app", digest, SBOM, "sbom")
    empty = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    fault = {"front": "base", "kind": "GET referrers", "action": "status", "status": 200, "body": json.dumps(empty)}
    twin.control("POST", "/faults", {**fault, "headers": {"Content-Type": empty["mediaType"]}})
    assert [listed(ask(twin, "lagging/app", digest)) for _ in range(2)] == [[], [sbom]]


def test_a_manifest_that_is_not_there_cannot_be_deleted_and_none_by_its_tag(twin: Twin) -> None:
    push_image(twin.topology, "base", "careful/app:1", "careful")
    headers = {"Authorization": f"Bearer {docker_login(twin, 'repository:careful/app:delete')}"}
    url = f"{twin.topology.https('base')}/v2/careful/app/manifests"
    answers = [requests.delete(f"{url}/{one}", headers=headers, timeout=10) for one in ("1", NOBODY)]
    told = [(answer.status_code, answer.json()["errors"][0]["code"]) for answer in answers]
    assert told == [(405, "UNSUPPORTED"), (404, "MANIFEST_UNKNOWN")]
    with twin.client("base") as client, pytest.raises(ResourceNotFoundError):
        client.get_manifest_properties("careful/app", NOBODY)
