"""Imports that are played: the registry has the image, whole and byte for byte, and no process has copied it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from infra.local.emulator import arm_imports
from infra.local.emulator.backing import Backing
from infra.local.emulator.copies import Source
from infra.local.emulator.played_copies import PlayedCopies
from infra.local.topology import BASE, STAGING, Topology
from tests.twin.conftest import Twin
from tests.twin.images import ANY, digest_at, push_image, push_index
from tests.twin.test_imports import import_image

pytestmark = pytest.mark.twin


@pytest.fixture
def played(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Twin:
    """The twin whose imports are played, and that has no other way to make one."""
    twin.control("POST", "/settings", {"imports_played": True})
    monkeypatch.setattr(arm_imports, "copy_really", None)
    return twin


def from_hub(image: str) -> dict[str, Any]:
    """Return a source at Docker Hub."""
    return {"registryUri": "docker.io", "sourceImage": image}


def everything(topology: Topology, part: str, repository: str, reference: str) -> list[int]:
    """Return the status of the answers for an image and all it is made of."""
    url = f"{topology.http(f'backing_{part}')}/v2/{repository}"
    answer = requests.get(f"{url}/manifests/{reference}", headers={"Accept": ANY}, timeout=9)
    manifest = json.loads(answer.content)
    found = [answer.status_code]
    for entry in manifest.get("manifests", []):
        found += everything(topology, part, repository, entry["digest"])
    for blob in [manifest.get("config"), *manifest.get("layers", [])]:
        found += [requests.head(f"{url}/blobs/{blob['digest']}", timeout=9).status_code] if blob else []
    return found


def test_a_played_import_brings_the_whole_image_under_the_tag(played: Twin) -> None:
    digest = push_image(played.topology, "docker_hub", "library/swift:1", "swift")
    import_image(played, STAGING, from_hub(f"library/swift@{digest}"), "staged/swift:1", "staged/swift:2")
    assert digest_at(played.topology, "staging", "staged/swift:2") == digest
    assert everything(played.topology, "staging", "staged/swift", "1") == [200] * 3


def test_a_played_import_of_an_index_brings_all_its_manifests(played: Twin) -> None:
    digest = push_index(played.topology, "docker_hub", "library/many-sided:1", "amd64 side", "arm64 side")
    import_image(played, STAGING, from_hub("library/many-sided:1"), "staged/many-sided:1")
    assert digest_at(played.topology, "staging", "staged/many-sided:1") == digest
    assert everything(played.topology, "staging", "staged/many-sided", digest) == [200] * 7


def test_a_tag_moves_on_with_the_next_played_import(played: Twin) -> None:
    for text in ("first", "second"):
        digest = push_image(played.topology, "docker_hub", "library/moves:1", text)
        import_image(played, STAGING, from_hub(f"library/moves@{digest}"), "staged/moves:1")
        assert digest_at(played.topology, "staging", "staged/moves:1") == digest


def test_what_is_in_another_repository_already_is_mounted_and_whole(played: Twin) -> None:
    digest = push_image(played.topology, "docker_hub", "library/shared:1", "shared by two")
    for repository in ("one/shared", "two/shared"):
        import_image(played, STAGING, from_hub(f"library/shared@{digest}"), f"{repository}:1")
        assert everything(played.topology, "staging", repository, digest) == [200] * 3


def test_what_is_prepared_cannot_be_found_before_it_is_due(played: Twin) -> None:
    digest = push_index(played.topology, "docker_hub", "library/due:1", "amd64 due", "arm64 due")
    hub, staging = (
        Backing(f"127.0.0.1:{played.topology.port(f'backing_{part}')}") for part in ("docker_hub", "staging")
    )
    member = hub.head("library/due", "member-0")
    assert member is not None
    source, copies = Source(hub, "library/due", digest), PlayedCopies()
    copies.prepare(source, staging, ["staged/due"], 5)
    assert [staging.head("staged/due", reference) for reference in ("1", digest)] == [None, None]
    assert everything(played.topology, "staging", "staged/due", member.digest) == [200] * 3
    copies.copy(source, staging, "staged/due", "1")
    assert everything(played.topology, "staging", "staged/due", digest) == [200] * 7


def test_a_played_import_takes_the_time_that_is_drawn_with_its_copying_in_it(played: Twin) -> None:
    played.control("POST", "/settings", {"import_seconds": 1.0})
    digest = push_image(played.topology, "docker_hub", "library/whole-time:1", "whole time")
    import_image(played, STAGING, from_hub(f"library/whole-time@{digest}"), "staged/whole-time:1")
    taken = next(one for one in played.control("GET", "/operations").json() if one["target"].endswith("/whole-time:1"))
    assert 1.0 <= taken["finished"] - taken["started"] < 2.5


def test_a_blob_that_was_deleted_since_is_brought_again(played: Twin) -> None:
    digest = push_image(played.topology, "docker_hub", "library/deleted:1", "deleted")
    import_image(played, STAGING, from_hub(f"library/deleted@{digest}"), "staged/deleted:1")
    url = f"{played.topology.http('backing_staging')}/v2/staged/deleted"
    layer = requests.get(f"{url}/manifests/{digest}", headers={"Accept": ANY}, timeout=9).json()["layers"][0]["digest"]
    requests.delete(f"{url}/blobs/{layer}", timeout=9).raise_for_status()
    import_image(played, STAGING, from_hub(f"library/deleted@{digest}"), "staged/deleted:2")
    assert everything(played.topology, "staging", "staged/deleted", "2") == [200] * 3


def test_a_played_promotion_goes_from_one_registry_to_the_other_and_to_a_bare_digest(played: Twin) -> None:
    digest = push_image(played.topology, "staging", "checked/swift:1", "checked swift")
    source = {"resourceId": played.topology.registry_id(STAGING), "sourceImage": f"checked/swift@{digest}"}
    import_image(played, BASE, source, "base/swift:1", untaggedTargetRepositories=["kept/swift"])
    assert everything(played.topology, "base", "base/swift", "1") == [200] * 3
    assert digest_at(played.topology, "base", f"kept/swift:{digest}") == digest


def test_a_played_import_of_what_is_not_there_or_not_whole_fails(played: Twin) -> None:
    with pytest.raises(HttpResponseError, match="StatusCode: 404"):
        import_image(played, STAGING, from_hub("library/never:1"), "staged/never:1")
    digest = push_image(played.topology, "docker_hub", "library/broken:1", "broken")
    url = f"{played.topology.http('backing_docker_hub')}/v2/library/broken"
    layer = requests.get(f"{url}/manifests/{digest}", headers={"Accept": ANY}, timeout=9).json()["layers"][0]["digest"]
    requests.delete(f"{url}/blobs/{layer}", timeout=9).raise_for_status()
    with pytest.raises(HttpResponseError, match="Error copying blobs"):
        import_image(played, STAGING, from_hub(f"library/broken@{digest}"), "staged/broken:1")
    assert digest_at(played.topology, "staging", "staged/broken:1") is None
