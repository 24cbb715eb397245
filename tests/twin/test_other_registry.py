"""The other registry: whoever knows its host alone finds out by its challenges what it wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, push_image

pytestmark = pytest.mark.twin

SERVICE = "registry.other.example"


@pytest.fixture(autouse=True)
def as_it_was(twin: Twin) -> Iterator[None]:
    """Take back what a test changes of the secret settings, which the twin does not show."""
    yield
    twin.control("POST", "/settings", {"other_user": "", "other_password": ""})


def head(twin: Twin, repository: str, **options: object) -> requests.Response:
    """Ask what the tag ``1`` points at."""
    address = f"{twin.topology.https('other')}/v2/{repository}/manifests/1"
    return requests.request("HEAD", address, headers={"Accept": MANIFEST, **options}, timeout=10, allow_redirects=False)  # type: ignore[dict-item]


def token(twin: Twin, *repositories: str) -> str:
    """Return a token for these repositories."""
    scopes = [f"repository:{repository}:pull" for repository in repositories]
    return str(twin.get("other", "/service/token", params={"service": SERVICE, "scope": scopes}).json()["token"])


def test_a_challenge_names_the_token_service_at_the_registrys_own_host(twin: Twin) -> None:
    realm = f"{twin.topology.https('other')}/service/token"
    expected = f'Bearer realm="{realm}",service="{SERVICE}",scope="repository:org/any:pull"'
    assert head(twin, "org/any").headers["WWW-Authenticate"] == expected


def test_a_token_is_good_for_the_repositories_it_was_asked_for(twin: Twin) -> None:
    digest = push_image(twin.topology, "other", "org/granted:1", "granted")
    bearer = f"Bearer {token(twin, 'org/granted')}"
    assert head(twin, "org/granted", Authorization=bearer).headers["Docker-Content-Digest"] == digest
    assert head(twin, "org/another", Authorization=bearer).status_code == 401


def test_a_private_registry_asks_for_user_and_password(twin: Twin) -> None:
    twin.control("POST", "/settings", {"other_auth": "basic", "other_user": "robot", "other_password": "right"})
    assert head(twin, "org/any").headers["WWW-Authenticate"].startswith("Basic ")
    twin.control("POST", "/settings", {"other_auth": "bearer"})
    assert twin.get("other", "/service/token", params={"service": SERVICE}, auth=("robot", "wrong")).status_code == 401
    assert twin.get("other", "/service/token", params={"service": SERVICE}, auth=("robot", "right")).ok


def test_its_password_is_not_shown_by_the_control_port(twin: Twin) -> None:
    twin.control("POST", "/settings", {"other_password": "right"})
    assert "right" not in twin.control("GET", "/settings").text


def test_redirects_lead_to_another_host_that_wants_no_token(twin: Twin) -> None:
    push_image(twin.topology, "other", "org/moved:1", "moved")
    twin.control("POST", "/settings", {"other_auth": "", "other_redirects": True})
    sent = head(twin, "org/moved")
    assert sent.status_code == 307
    assert sent.headers["Location"].startswith(f"https://127.0.0.1:{twin.topology.port('other')}/")
    assert requests.head(sent.headers["Location"], headers={"Accept": MANIFEST}, timeout=10).status_code == 200
    shown = {"Authorization": "Bearer stray"}
    assert requests.head(sent.headers["Location"], headers=shown, timeout=10).status_code == 400


def test_tags_come_in_pages_no_larger_than_the_registry_likes(twin: Twin) -> None:
    for tag in ("1", "2", "3"):
        push_image(twin.topology, "other", f"org/paged:{tag}", tag)
    twin.control("POST", "/settings", {"other_auth": "", "other_page": 2})
    first = twin.get("other", "/v2/org/paged/tags/list?n=1000")
    assert first.json()["tags"] == ["1", "2"]
    assert twin.get("other", first.links["next"]["url"]).json()["tags"] == ["3"]
