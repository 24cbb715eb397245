"""A listing of a repository's tags: whole, or no listing at all."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.azure.registry import AzureContainerRegistry
from shared.errors import NotPermitted, RateLimited, ServiceError, Unavailable
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import registry

__all__ = ["registry", "wire"]
pytestmark = pytest.mark.unit

_PATH = "/acr/v1/base%2Fnode/_tags"


def _tags(*names: str) -> dict[str, Any]:
    return {"tags": [{"name": name, "digest": digest_of(name), "changeableAttributes": {}} for name in names]}


def _link(last: str) -> dict[str, str]:
    return {"Link": f'<{_PATH}?last={last}&n=1000>; rel="next"'}


def test_a_thousand_tags_are_asked_for_at_once(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, body=_tags("21", "22"))
    assert registry.list_tags("base/node") == {"21": digest_of("21"), "22": digest_of("22")}
    assert [request.url for request in wire.requests] == [f"https://base.azurecr.io{_PATH}?n=1000"]


def test_every_page_of_a_listing_is_read(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, _link("21"), _tags("21"))
    wire.answer(200, body=_tags("22"))
    assert set(registry.list_tags("base/node")) == {"21", "22"}
    assert (wire.requests[1].url or "").endswith(f"{_PATH}?last=21&n=1000")


def test_a_repository_that_the_registry_does_not_know_lists_nothing(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(404, body={"errors": [{"code": "NAME_UNKNOWN", "message": 'repository "base/node" is not found'}]})
    assert registry.list_tags("base/node") == {}


def test_a_404_that_is_not_the_registrys_own_is_no_listing(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(404, body=b"<html>no such page</html>")
    with pytest.raises(Unavailable, match="base/node"):
        registry.list_tags("base/node")


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable)])
def test_a_listing_that_is_cut_off_is_no_listing(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int, error: type[ServiceError]
) -> None:
    wire.answer(200, _link("21"), _tags("21"))
    wire.answer(status)
    with pytest.raises(error):
        registry.list_tags("base/node")


@pytest.mark.parametrize("second", [_tags("21"), _tags("22", "21"), _tags()], ids=["same", "overlapping", "empty"])
def test_a_page_that_brings_nothing_new_is_no_listing(
    wire: ScriptedHttp, registry: AzureContainerRegistry, second: dict[str, Any]
) -> None:
    wire.answer(200, _link("21"), _tags("21"))
    wire.answer(200, _link("21"), second)
    with pytest.raises(Unavailable, match="not whole"):
        registry.list_tags("base/node")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>proxy</html>",
        {"tags": [{"name": "21"}]},
        {"tags": [{"name": "21", "digest": "sha256:abc", "changeableAttributes": {}}]},
        {"tags": [{"name": "no tag", "digest": digest_of("21"), "changeableAttributes": {}}]},
    ],
)
def test_what_is_no_listing_of_tags_is_not_taken_for_an_empty_one(
    wire: ScriptedHttp, registry: AzureContainerRegistry, body: object
) -> None:
    wire.answer(200, body=body)
    with pytest.raises(Unavailable):
        registry.list_tags("base/node")
