"""Microsoft's public registry, asked without a token."""

from __future__ import annotations

import pytest
import requests

from tests.twin.conftest import Twin
from tests.twin.images import MANIFEST, push_image

pytestmark = pytest.mark.twin


def test_a_head_needs_no_token_and_tells_the_digest(twin: Twin) -> None:
    digest = push_image(twin.topology, "mcr", "dotnet/runtime:8", "runtime")
    address = twin.topology.https("mcr") + "/v2/dotnet/runtime/manifests/8"
    answer = requests.head(address, headers={"Accept": MANIFEST}, timeout=10)
    assert answer.headers["Docker-Content-Digest"] == digest
    assert twin.control("GET", "/counts").json()["mcr"] == {"HEAD manifest": 1}


def test_a_tag_that_does_not_exist_is_not_found(twin: Twin) -> None:
    push_image(twin.topology, "mcr", "dotnet/absent:8", "present")
    assert twin.get("mcr", "/v2/dotnet/absent/manifests/9").status_code == 404


def test_tags_are_listed(twin: Twin) -> None:
    for tag in ("9", "8"):
        push_image(twin.topology, "mcr", f"dotnet/listed:{tag}", tag)
    assert twin.get("mcr", "/v2/dotnet/listed/tags/list").json()["tags"] == ["8", "9"]


def test_the_portals_api_lists_every_tag_with_its_digest(twin: Twin) -> None:
    digest = push_image(twin.topology, "mcr", "dotnet/portal:8", "portal")
    listed = twin.get("mcr", "/api/v1/catalog/dotnet/portal/tags?reg=mar").json()
    assert [(tag["name"], tag["digest"]) for tag in listed] == [("8", digest)]
    assert listed[0]["lastModifiedDate"] >= listed[0]["createdDate"]
