"""What our registries have by digest: the very bytes, whole lists, and imports that leave no tag."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.adapters.azure.registry import AzureContainerRegistry
from shared.domain.travel.referrers import Listed, Listing
from shared.errors import DigestMismatch, NotPermitted, RateLimited, ServiceError, Unavailable
from tests.doubles.beside import INDEX, MANIFEST, index_of
from tests.doubles.referrers import SBOM, content_of, index, referrer
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import FROM_STAGING, LOCATION, registry

__all__ = ["registry", "wire"]
pytestmark = pytest.mark.unit

IMAGE = index(digest_of("amd64"), digest_of("arm64"))
SIGNED, DESCRIBED = referrer(IMAGE), referrer(IMAGE, SBOM)
LIST = {"Content-Type": INDEX}
ROOT = "https://base.azurecr.io/v2/base/node"


def entry(digest: str, kind: str = "") -> dict[str, Any]:
    """Return what a list says of a referrer."""
    return {"mediaType": MANIFEST, "digest": digest, "size": 7, "artifactType": kind}


def test_an_import_without_a_tag_names_the_repository_alone(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(202, LOCATION)
    registry.start_import(FROM_STAGING, "base/node")
    body = json.loads(wire.requests[0].body or b"{}")
    assert body["untaggedTargetRepositories"] == ["base/node"]
    assert "targetTags" not in body


def test_a_manifest_is_read_as_the_bytes_that_it_is(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, {"Content-Type": MANIFEST}, content_of(SIGNED.digest))
    assert registry.manifest("base/node", SIGNED.digest) == content_of(SIGNED.digest)
    assert [one.url for one in wire.requests] == [f"{ROOT}/manifests/{SIGNED.digest}"]


def test_a_manifest_that_is_not_there_is_none(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(404, body={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
    assert registry.manifest("base/node", SIGNED.digest) is None


def test_other_bytes_than_those_asked_for_are_believed_by_nobody(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(200, {"Content-Type": MANIFEST}, content_of(DESCRIBED.digest))
    with pytest.raises(DigestMismatch):
        registry.manifest("base/node", SIGNED.digest)


def test_every_page_of_a_list_of_referrers_is_read(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(200, {**LIST, "Link": f'<{ROOT}/referrers/{IMAGE}?last=1>; rel="next"'}, index_of(entry(SIGNED.digest)))
    wire.answer(200, LIST, index_of(entry(DESCRIBED.digest, SBOM)))
    assert registry.referrers("base/node", IMAGE) == Listing(
        (Listed(SIGNED.digest, IMAGE, 1, MANIFEST, "", 7), Listed(DESCRIBED.digest, IMAGE, 1, MANIFEST, SBOM, 7))
    )
    assert wire.requests[1].url == f"{ROOT}/referrers/{IMAGE}?last=1"


def test_a_registry_without_lists_of_referrers_says_so(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    wire.answer(404)
    assert registry.referrers("base/node", IMAGE) is None


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable)])
def test_a_list_that_is_cut_off_is_none(
    wire: ScriptedHttp, registry: AzureContainerRegistry, status: int, error: type[ServiceError]
) -> None:
    wire.answer(200, {**LIST, "Link": f'<{ROOT}/referrers/{IMAGE}?last=1>; rel="next"'}, index_of(entry(SIGNED.digest)))
    wire.answer(status)
    with pytest.raises(error):
        registry.referrers("base/node", IMAGE)


@pytest.mark.parametrize(
    "body", [b"<html>proxy</html>", b"{}", b'{"schemaVersion": 2, "manifests": [{"digest": "no"}]}']
)
def test_an_answer_that_is_no_list_is_none(wire: ScriptedHttp, registry: AzureContainerRegistry, body: bytes) -> None:
    wire.answer(200, LIST, body)
    with pytest.raises(Unavailable):
        registry.referrers("base/node", IMAGE)


def test_a_listing_of_manifests_is_whole_or_none(wire: ScriptedHttp, registry: AzureContainerRegistry) -> None:
    path = "/acr/v1/base%2Fnode/_manifests"
    link = {"Link": f'<{path}?last=1&n=1000>; rel="next"'}
    wire.answer(200, link, {"manifests": [{"digest": SIGNED.digest}]})
    wire.answer(200, body={"manifests": [{"digest": DESCRIBED.digest}]})
    assert registry.closed("base/node").keys() == {SIGNED.digest, DESCRIBED.digest}
    wire.answer(200, link, {"manifests": [{"digest": SIGNED.digest}]})
    wire.answer(503)
    with pytest.raises(Unavailable):
        registry.closed("base/node")


def test_a_repository_that_the_registry_does_not_know_has_no_manifests(
    wire: ScriptedHttp, registry: AzureContainerRegistry
) -> None:
    wire.answer(404, body={"errors": [{"code": "NAME_UNKNOWN", "message": "not found"}]})
    assert registry.closed("base/node") == {}
