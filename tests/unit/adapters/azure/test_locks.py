"""Locks at a registry: read, closed and opened of exactly what is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.adapters.azure.registry import AzureContainerRegistry
from shared.domain.references import Tag
from shared.domain.travel.locked import CHANGES, Attributes, ListedTags, Right
from shared.errors import InvalidReference, Locked, NotPermitted, RateLimited, ServiceError, Unavailable
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import FROM_STAGING, registry

__all__ = ["registry", "wire"]
pytestmark = pytest.mark.unit

IMAGE, OTHER = digest_of("image"), digest_of("other")
ROOT = "https://base.azurecr.io/acr/v1/base%2Fnode"
TAG_UNKNOWN = {"errors": [{"code": "TAG_UNKNOWN", "message": "the specified tag does not exist"}]}


def told(*, write: bool = True, delete: bool = True, read: bool = True) -> dict[str, bool]:
    """Return what a registry says may be done."""
    return {"writeEnabled": write, "deleteEnabled": delete, "readEnabled": read, "listEnabled": True}


def a_tag(name: str = "22", **rights: bool) -> dict[str, Any]:
    """Return what a registry says of a tag."""
    return {"name": name, "digest": IMAGE, "changeableAttributes": told(**rights)}


def a_manifest(digest: str = IMAGE, **rights: bool) -> dict[str, Any]:
    """Return what a registry says of a manifest."""
    return {"digest": digest, "changeableAttributes": told(**rights)}


def asked(wire: ScriptedHttp) -> list[tuple[str, str]]:
    """Return what was asked, and where."""
    return [(one.method, one.url.partition("?")[0]) for one in wire.requests]


def test_what_a_tag_is_closed_to_and_points_at_is_told_together(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(200, body={"tag": a_tag(write=False)})
    assert registry.attributes("base/node", "22") == Attributes(frozenset({Right.WRITE}), IMAGE)
    assert asked(wire) == [("GET", f"{ROOT}/_tags/22")]


def test_a_manifest_and_a_repository_are_asked_for_apart(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, body={"manifest": a_manifest(write=False, delete=False, read=False)})
    wire.answer(200, body={"imageName": "base/node", "changeableAttributes": told(write=False)})
    assert registry.attributes("base/node", IMAGE) == Attributes(frozenset(Right), IMAGE)
    assert registry.attributes("base/node", "") == Attributes(frozenset({Right.WRITE}))
    assert [place for _, place in asked(wire)] == [f"{ROOT}/_manifests/{IMAGE.replace(':', '%3A')}", ROOT]


@pytest.mark.parametrize("of", ["22", IMAGE, ""])
def test_what_is_not_there_is_none(wire: ScriptedHttp, registry: AzureContainerRegistry, of: str) -> None:
    wire.answer(404, body=TAG_UNKNOWN)
    assert registry.attributes("base/node", of) is None


def test_only_what_is_named_is_closed_and_all_else_is_left_as_it_is(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(200, body={"tag": a_tag(write=False, delete=False)})
    assert registry.lock("base/node", "22", CHANGES) == Attributes(CHANGES, IMAGE)
    (sent,) = wire.requests
    assert asked(wire) == [("PATCH", f"{ROOT}/_tags/22")]
    assert json.loads(sent.body or b"") == {"writeEnabled": False, "deleteEnabled": False}


def test_what_is_opened_is_opened_alone(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, body={"manifest": a_manifest(write=False, delete=False)})
    assert registry.unlock("base/node", IMAGE, [Right.READ]) == Attributes(CHANGES, IMAGE)
    assert json.loads(wire.requests[0].body or b"") == {"readEnabled": True}


def test_a_missing_tag_is_an_answer_and_nothing_wider_is_asked(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(404, body=TAG_UNKNOWN)
    assert registry.lock("base/node", "22", CHANGES) is None
    assert asked(wire) == [("PATCH", f"{ROOT}/_tags/22")]


@pytest.mark.parametrize("of", ["", ":", "../node", "22/..", "sha256:1", "-"])
def test_what_names_no_tag_and_no_manifest_is_asked_of_nobody(
    wire: ScriptedHttp, registry: AzureContainerRegistry, of: str
) -> None:
    for change in (registry.lock, registry.unlock):
        with pytest.raises(InvalidReference):
            change("base/node", of, CHANGES)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("status", "error"), [(403, NotPermitted), (405, Locked), (429, RateLimited), (503, Unavailable)]
)
def test_a_refusal_says_what_it_is(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int, error: type[ServiceError]
) -> None:
    wire.answer(status, body={"errors": [{"code": "SOME", "message": "why"}]})
    with pytest.raises(error):
        registry.lock("base/node", "22", CHANGES)


def test_who_lacks_the_role_is_told_which(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(403, body={"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]})
    with pytest.raises(NotPermitted, match="give the app's identity the role 'Tidegate locks' there"):
        registry.unlock("base/node", IMAGE, CHANGES)


@pytest.mark.parametrize("body", [{}, {"tag": {"name": "22"}}])
@pytest.mark.parametrize(
    "ask", [lambda to: to.attributes("base/node", "22"), lambda to: to.lock("base/node", "22", CHANGES)]
)
def test_an_answer_that_is_none_of_a_registry_is_not_believed(
    wire: ScriptedHttp,
    registry: AzureContainerRegistry,
    body: dict[str, Any],
    ask: Callable[[AzureContainerRegistry], object],
) -> None:
    wire.answer(200, body=body)
    with pytest.raises(Unavailable):
        ask(registry)


def test_two_listings_tell_every_lock(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, body={"tags": [a_tag("22", write=False), a_tag("latest")]})
    tags = registry.list_tags("base/node")
    assert isinstance(tags, ListedTags)
    assert (dict(tags), tags.closed) == ({"22": IMAGE, "latest": IMAGE}, {"22": {Right.WRITE}})
    wire.answer(200, body={"manifests": [a_manifest(read=False), a_manifest(OTHER)]})
    assert registry.closed("base/node") == {IMAGE: {Right.READ}, OTHER: frozenset()}


def test_a_listing_of_locks_is_whole_or_none(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    link = {"Link": '</acr/v1/base%2Fnode/_manifests?last=1&n=1000>; rel="next"'}
    for again in ({"manifests": [a_manifest()]}, {"manifests": []}):
        wire.answer(200, link, {"manifests": [a_manifest()]})
        wire.answer(200, body=again)
        with pytest.raises(Unavailable):
            registry.closed("base/node")
    wire.answer(404, body={"errors": [{"code": "NAME_UNKNOWN", "message": "not found"}]})
    assert registry.closed("base/node") == {}


@pytest.mark.parametrize("status", [400, 405, 409])
def test_an_import_that_a_lock_refuses_says_that(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int
) -> None:
    told = (
        "Operation registries-1a failed. Resource /subscriptions/s/resourceGroups/g/providers/"
        "Microsoft.ContainerRegistry/registries/base The operation is disallowed on this registry, repository or image."
    )
    wire.answer(status, body={"error": {"code": "InvalidParameters", "message": told}})
    with pytest.raises(Locked, match="locked in the registry"):
        registry.start_import(FROM_STAGING, "base/node", Tag("22"))
