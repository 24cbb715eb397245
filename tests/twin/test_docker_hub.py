"""Docker Hub's token service, registry and API."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, push_image

pytestmark = pytest.mark.twin


def token(twin: Twin, *repositories: str, **options: Any) -> str:
    """Return a registry token for these repositories."""
    scopes = [f"repository:{repository}:pull" for repository in repositories]
    params = {"service": "registry.docker.io", "scope": scopes}
    return str(twin.get("docker_hub_auth", "/token", params=params, **options).json()["token"])


def manifest(twin: Twin, method: str, repository: str, bearer: str) -> requests.Response:
    """Ask for the manifest of the tag ``1``."""
    address = f"{twin.topology.https('docker_hub_registry')}/v2/{repository}/manifests/1"
    headers = {"Authorization": f"Bearer {bearer}", "Accept": MANIFEST}
    return requests.request(method, address, headers=headers, timeout=10)


def remaining(response: requests.Response) -> int:
    """Return how many pulls are left."""
    return int(response.headers["ratelimit-remaining"].partition(";")[0])


def test_a_head_tells_the_digest_and_costs_no_pull(twin: Twin) -> None:
    digest = push_image(twin.topology, "docker_hub", "library/headed:1", "headed")
    bearer = token(twin, "library/headed")
    first, second = (manifest(twin, "HEAD", "library/headed", bearer) for _ in range(2))
    assert first.headers["docker-content-digest"] == digest
    assert first.headers["ratelimit-limit"] == "100;w=21600"
    assert remaining(first) == remaining(second)
    assert twin.control("GET", "/counts").json()["docker_hub_registry"] == {"HEAD manifest": 2}


def test_a_get_of_a_manifest_costs_a_pull(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/pulled:1", "pulled")
    bearer = token(twin, "library/pulled")
    before = manifest(twin, "HEAD", "library/pulled", bearer)
    assert remaining(manifest(twin, "GET", "library/pulled", bearer)) == remaining(before) - 1


def test_an_exhausted_limit_answers_429_with_docker_hubs_words(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/exhausted:1", "exhausted")
    twin.control("POST", "/settings", {"anonymous_pull_limit": 0})
    refused = manifest(twin, "GET", "library/exhausted", token(twin, "library/exhausted"))
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert refused.headers["ratelimit-remaining"] == "0;w=21600"


def test_without_a_limit_no_header_speaks_of_one(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/unlimited:1", "unlimited")
    twin.control("POST", "/settings", {"anonymous_pull_limit": None})
    answer = manifest(twin, "GET", "library/unlimited", token(twin, "library/unlimited"))
    assert answer.status_code == 200
    assert "ratelimit-limit" not in answer.headers


def test_an_account_has_a_limit_of_its_own(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/account:1", "account")
    twin.control("POST", "/settings", {"hub_user": "robot", "hub_token": "right"})
    answer = manifest(twin, "HEAD", "library/account", token(twin, "library/account", auth=("robot", "right")))
    assert answer.headers["ratelimit-limit"] == "200;w=21600"
    assert answer.headers["docker-ratelimit-source"] == "robot"


def test_a_wrong_access_token_is_unauthorized(twin: Twin) -> None:
    twin.control("POST", "/settings", {"hub_user": "robot", "hub_token": "right"})
    params = {"service": "registry.docker.io", "scope": "repository:library/x:pull"}
    assert twin.get("docker_hub_auth", "/token", params=params, auth=("robot", "wrong")).status_code == 401


def test_one_token_may_cover_several_repositories_and_no_other(twin: Twin) -> None:
    for name in ("library/left", "library/right", "library/other"):
        push_image(twin.topology, "docker_hub", f"{name}:1", name)
    bearer = token(twin, "library/left", "library/right")
    statuses = [manifest(twin, "HEAD", f"library/{name}", bearer).status_code for name in ("left", "right", "other")]
    assert statuses == [200, 200, 401]


def test_a_request_without_a_token_is_told_where_to_get_one(twin: Twin) -> None:
    answer = manifest(twin, "GET", "library/x", "")
    expected = f'Bearer realm="{twin.topology.https("docker_hub_auth")}/token",service="registry.docker.io"'
    assert answer.headers["WWW-Authenticate"] == f'{expected},scope="repository:library/x:pull"'


def test_tags_are_listed_in_pages(twin: Twin) -> None:
    for tag in ("1", "2", "3"):
        push_image(twin.topology, "docker_hub", f"library/paged:{tag}", tag)
    headers = {"Authorization": f"Bearer {token(twin, 'library/paged')}"}
    first = twin.get("docker_hub_registry", "/v2/library/paged/tags/list?n=2", headers=headers)
    assert first.json()["tags"] == ["1", "2"]
    second = twin.get("docker_hub_registry", first.links["next"]["url"], headers=headers)
    assert second.json()["tags"] == ["3"]
    assert "next" not in second.links


def tags(twin: Twin, repository: str, query: str = "", **options: Any) -> requests.Response:
    """Ask the API for tags."""
    return twin.get("docker_hub_api", f"/v2/namespaces/library/repositories/{repository}/tags{query}", **options)


def test_the_api_lists_the_newest_tag_first_with_its_digest(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/newest:b", "older")
    digest = push_image(twin.topology, "docker_hub", "library/newest:a", "newer")
    push_image(twin.topology, "docker_hub", "library/newest:b", "older, renewed")
    digest = push_image(twin.topology, "docker_hub", "library/newest:c", "newest")
    page = tags(twin, "newest", "?page_size=2").json()
    assert [tag["name"] for tag in page["results"]] == ["c", "b"]
    assert page["results"][0]["digest"] == digest
    assert page["results"][0]["last_updated"] > page["results"][1]["last_updated"]
    assert [tag["name"] for tag in requests.get(page["next"], timeout=10).json()["results"]] == ["a"]


def test_the_api_turns_anonymous_callers_away_past_the_thousandth_tag(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/deep:1", "deep")
    twin.control("POST", "/settings", {"hub_user": "robot", "hub_token": "right"})
    login = requests.post(
        twin.topology.https("docker_hub_api") + "/v2/auth/token",
        json={"identifier": "robot", "secret": "right"},
        timeout=10,
    )
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    assert tags(twin, "deep", "?page=11&page_size=100").status_code == 403
    assert tags(twin, "deep", "?page=11&page_size=100", headers=headers).status_code == 404


def test_the_api_refuses_a_wrong_login(twin: Twin) -> None:
    address = twin.topology.https("docker_hub_api") + "/v2/auth/token"
    assert requests.post(address, json={"identifier": "x", "secret": "y"}, timeout=10).status_code == 401


def test_the_api_says_when_to_come_back_once_its_limit_is_used_up(twin: Twin) -> None:
    push_image(twin.topology, "docker_hub", "library/busy:1", "busy")
    twin.control("POST", "/settings", {"hub_api_limit": 0})
    refused = tags(twin, "busy")
    assert refused.status_code == 429
    assert refused.headers["X-Retry-After"] == refused.headers["X-RateLimit-Reset"]
