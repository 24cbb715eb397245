"""``acr purge`` and the retention policy: what they take, what they spare, and what a lock lays bare."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from infra.local.emulator.purge_request import seconds
from infra.local.topology import BASE, STAGING
from tests.twin.conftest import Twin
from tests.twin.images import digest_at, push_docker_image, push_image, push_index, push_referrer
from tests.twin.test_imports import import_image
from tests.twin.test_referrers import SBOM, ask, listed

pytestmark = pytest.mark.twin


def purge(twin: Twin, repository: str, **options: Any) -> dict[str, list[str]]:
    """Purge one repository of base a week later, of what is a day old."""
    wanted = {"filter": [f"{repository}:.*"], "ago": "1d", "later": "7d", **options}
    found: dict[str, list[str]] = twin.control("POST", "/purge", {"registry": BASE, **wanted}).json()
    return found


def dangling(twin: Twin, repository: str, **options: Any) -> list[str]:
    """Purge what has no tag from a repository, and return the digests that are gone."""
    found = purge(twin, repository, untagged_only=True, **options)
    return sorted(name.partition("@")[2] for name in found["manifests"])


def promoted(twin: Twin, repository: str, digest: str) -> str:
    """Import a digest of staging into base without a tag."""
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"{repository}@{digest}"}
    import_image(twin, BASE, source, untaggedTargetRepositories=[repository])
    return digest


def an_index(twin: Twin, repository: str) -> tuple[str, list[str]]:
    """Have an index in base under the tag ``1``, whose children have no tags; return its digest and theirs."""
    digest = push_index(twin.topology, "base", f"{repository}:1", "amd64", "arm64")
    with twin.client("base") as client:
        children = [client.get_tag_properties(repository, f"member-{number}").digest for number in range(2)]
        for number in range(2):
            client.delete_tag(repository, f"member-{number}")
    return digest, sorted(children)


def test_tags_that_fit_and_are_old_enough_go_and_their_manifests_stay(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "old/app:build-1", "one")
    push_image(twin.topology, "base", "old/app:release", "two")
    found = purge(twin, "old/app", filter=["old/.*:^build-"])
    assert found == {"tags": ["old/app:build-1"], "manifests": [], "skipped": []}
    assert digest_at(twin.topology, "base", f"old/app:{digest}") == digest
    assert digest_at(twin.topology, "base", "old/app:release") is not None


def test_what_is_too_young_stays(twin: Twin) -> None:
    push_image(twin.topology, "base", "young/app:1", "young")
    assert purge(twin, "young/app", later="", untagged=True) == {"tags": [], "manifests": [], "skipped": []}


def test_the_newest_of_what_would_go_are_kept(twin: Twin) -> None:
    for number in range(4):
        push_image(twin.topology, "base", f"several/app:{number}", f"{number}")
        time.sleep(0.05)
    with twin.client("base") as client:
        client.update_tag_properties("several/app", "3", can_delete=False)
    assert sorted(purge(twin, "several/app", keep=2)["tags"]) == ["several/app:0"]


def test_with_untagged_the_manifests_go_that_the_tags_left_and_their_referrers_with_them(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "swept/app:1", "swept")
    sbom = push_referrer(twin.topology, "base", "swept/app", digest, SBOM, "sbom")
    found = purge(twin, "swept/app", untagged=True)
    assert (found["tags"], found["manifests"]) == (["swept/app:1"], [f"swept/app@{digest}"])
    assert [digest_at(twin.topology, "base", f"swept/app:{one}") for one in (digest, sbom)] == [None, None]


def test_what_refers_to_an_image_that_stands_is_spared_although_it_has_no_tag(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "standing/app:1", "standing")
    sbom = push_referrer(twin.topology, "base", "standing/app", digest, SBOM, "sbom")
    assert dangling(twin, "standing/app") == []
    assert listed(ask(twin, "standing/app", digest)) == [sbom]


def test_an_image_that_was_imported_without_a_tag_goes(twin: Twin) -> None:
    digest = promoted(twin, "waiting/app", push_image(twin.topology, "staging", "waiting/app:1", "waiting"))
    assert dangling(twin, "waiting/app") == [digest]


def test_what_was_imported_without_a_tag_today_is_too_young(twin: Twin) -> None:
    digest = promoted(twin, "fresh/app", push_image(twin.topology, "staging", "fresh/app:1", "fresh"))
    assert dangling(twin, "fresh/app", later="") == []
    assert digest_at(twin.topology, "base", f"fresh/app:{digest}") == digest


def test_the_children_of_a_tagged_index_are_spared(twin: Twin) -> None:
    an_index(twin, "whole/app")
    assert dangling(twin, "whole/app") == []


def test_the_children_of_a_locked_index_are_laid_bare(twin: Twin) -> None:
    digest, children = an_index(twin, "bare/index")
    with twin.client("base") as client:
        client.update_manifest_properties("bare/index", digest, can_delete=False, can_write=False)
    assert dangling(twin, "bare/index") == children
    assert digest_at(twin.topology, "base", "bare/index:1") == digest


def test_children_that_are_locked_themselves_are_not(twin: Twin) -> None:
    digest, children = an_index(twin, "armed/index")
    with twin.client("base") as client:
        for one in (digest, *children):
            client.update_manifest_properties("armed/index", one, can_delete=False, can_write=False)
    assert dangling(twin, "armed/index") == []


def test_a_lock_on_the_tag_alone_spares_index_and_children(twin: Twin) -> None:
    digest, _ = an_index(twin, "tagged/index")
    with twin.client("base") as client:
        client.update_tag_properties("tagged/index", "1", can_delete=False, can_write=False)
    assert purge(twin, "tagged/index", untagged=True) == {"tags": [], "manifests": [], "skipped": []}
    assert digest_at(twin.topology, "base", "tagged/index:1") == digest


def test_an_index_without_a_tag_goes_with_its_children(twin: Twin) -> None:
    digest, children = an_index(twin, "loose/index")
    with twin.client("base") as client:
        client.delete_tag("loose/index", "1")
    assert dangling(twin, "loose/index") == sorted([digest, *children])


def test_include_locked_unlocks_and_deletes(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "overruled/app:1", "overruled")
    with twin.client("base") as client:
        client.update_tag_properties("overruled/app", "1", can_write=False)
        client.update_manifest_properties("overruled/app", digest, can_write=False)
    assert purge(twin, "overruled/app", untagged=True)["tags"] == []
    found = purge(twin, "overruled/app", untagged=True, include_locked=True)
    assert (found["tags"], found["manifests"]) == (["overruled/app:1"], [f"overruled/app@{digest}"])


def test_a_locked_repository_is_only_seen_when_it_refuses(twin: Twin) -> None:
    push_image(twin.topology, "base", "shut/app:1", "shut")
    with twin.client("base") as client:
        client.update_repository_properties("shut/app", can_delete=False)
    assert purge(twin, "shut/app", untagged=True) == {"tags": [], "manifests": [], "skipped": ["shut/app:1"]}


def test_a_dry_run_tells_what_would_go_and_deletes_nothing(twin: Twin) -> None:
    digest = push_image(twin.topology, "base", "dry/app:1", "dry")
    push_image(twin.topology, "base", "dry/app:kept", "kept")
    options = {"filter": ["dry/app:^1$"], "untagged": True}
    would = purge(twin, "dry/app", dry_run=True, **options)
    assert digest_at(twin.topology, "base", "dry/app:1") == digest
    assert purge(twin, "dry/app", **options) == would
    assert would["manifests"] == [f"dry/app@{digest}"]


def test_without_a_filter_what_has_no_tag_goes_from_every_repository(twin: Twin) -> None:
    digests = [
        promoted(twin, f"all-{one}/app", push_image(twin.topology, "staging", f"all-{one}/app:1", one)) for one in "ab"
    ]
    found = twin.control("POST", "/purge", {"registry": BASE, "untagged_only": True, "later": "1d"}).json()
    assert {f"all-{one}/app@{digest}" for one, digest in zip("ab", digests, strict=True)} <= set(found["manifests"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "--filter"),
        ({"filter": ["a:b"]}, "--ago"),
        ({"filter": ["nothing"], "ago": "1d"}, "repository:tag"),
        ({"filter": ["a:("], "ago": "1d"}, "filter"),
        ({"filter": ["a:b"], "ago": "soon"}, "duration"),
        ({"untagged_only": True, "untagged": True}, "exclude"),
        ({"colour": "red"}, "colour"),
        ({"untagged_only": True, "registry": "elsewhere"}, "elsewhere"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(twin: Twin, options: dict[str, Any], word: str) -> None:
    answer = requests.post(twin.topology.http("control") + "/purge", json={"registry": BASE, **options}, timeout=5)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


def test_a_duration_is_in_days_hours_minutes_and_seconds() -> None:
    assert [seconds(text) for text in ("", "7d", "1d12h", "90m", "0.5s")] == [0, 604800, 129600, 5400, 0.5]


def retained(twin: Twin, later: str) -> list[str]:
    """Let base's policy do its work so much later, and return what is gone."""
    found: list[str] = twin.control("POST", "/retention", {"registry": BASE, "later": later}).json()["manifests"]
    return found


def test_a_policy_deletes_what_a_tag_left_long_enough_ago_and_nothing_of_oci(twin: Twin) -> None:
    twin.control("POST", "/settings", {"retention_days": {BASE: 7}})
    digest = push_docker_image(twin.topology, "base", "kept-a-week/app:1", "docker")
    push_image(twin.topology, "base", "kept-a-week/oci:1", "oci")
    with twin.client("base") as client:
        client.delete_tag("kept-a-week/app", "1")
        client.delete_tag("kept-a-week/oci", "1")
    assert retained(twin, "6d") == []
    assert retained(twin, "8d") == [f"kept-a-week/app@{digest}"]


def test_a_policy_leaves_what_lost_its_tag_before_and_what_may_not_be_deleted(twin: Twin) -> None:
    digests = [push_docker_image(twin.topology, "base", f"spared/app:{one}", one) for one in ("early", "locked")]
    with twin.client("base") as client:
        client.delete_tag("spared/app", "early")
        twin.control("POST", "/settings", {"retention_days": {BASE: 0}})
        client.update_manifest_properties("spared/app", digests[1], can_delete=False)
        client.delete_tag("spared/app", "locked")
    assert retained(twin, "1d") == []


def test_a_tag_that_an_import_moves_leaves_its_manifest_to_the_policy(twin: Twin) -> None:
    twin.control("POST", "/settings", {"retention_days": {BASE: 7}})
    old = push_docker_image(twin.topology, "staging", "left/app:1", "old")
    new = push_docker_image(twin.topology, "staging", "left/app:2", "new")
    for digest in (old, new):
        source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"left/app@{digest}"}
        import_image(twin, BASE, source, "left/app:stable")
    assert retained(twin, "8d") == [f"left/app@{old}"]


def test_without_a_policy_nothing_goes_and_the_registry_tells_of_it(twin: Twin) -> None:
    assert retained(twin, "365d") == []
    policies = [twin.management.registries.get("tidegate", BASE).policies]
    twin.control("POST", "/settings", {"retention_days": {BASE: 30}})
    policies.append(twin.management.registries.get("tidegate", BASE).policies)
    told = [one.retention_policy for one in policies if one]
    assert [(one.status, one.days) for one in told if one] == [("disabled", 7), ("enabled", 30)]
