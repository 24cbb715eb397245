"""What a registry holds is listed whole with its locks, read by its digests, and deleted one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.repository_contents import RepositoryContents
from shared.adapters.azure.run_names import AcrRunNames
from shared.config import RegistryId
from shared.domain.housekeeping.manifests import Links, Manifest, TagAt
from shared.domain.housekeeping.task_runs import NamedRun
from shared.domain.references import Digest, Tag
from shared.errors import NotPermitted, RateLimited, ServiceError, Unavailable
from shared.housekeeping_ports import Locked
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.unit.adapters.azure.test_registry import StaticCredential

__all__ = ["wire"]
pytestmark = pytest.mark.unit

MANIFESTS, TAGS = "/acr/v1/base%2Fnode/_manifests", "/acr/v1/base%2Fnode/_tags"
A, B = digest_of("a"), digest_of("b")
AT = datetime(2026, 1, 1, tzinfo=UTC)
OCI = "application/vnd.oci.image.manifest.v1+json"
UNLOCKED = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
NOT_FOUND = {"errors": [{"code": "NAME_UNKNOWN", "message": "repository is not found"}]}


def clients() -> AzureClients:
    """Clients that nobody refuses."""
    return AzureClients(
        StaticCredential,
        arm_endpoint="https://management.azure.com",
        arm_audience="https://management.azure.com",
        acr_audience="https://containerregistry.azure.net",
    )


@pytest.fixture
def contents() -> RepositoryContents:
    """The base registry."""
    return RepositoryContents(clients(), "base.azurecr.io")


def listed(digest: Digest, **more: object) -> dict[str, object]:
    """Return a manifest as ACR lists it."""
    times = {"createdTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00.0000001Z"}
    return {"digest": digest, "mediaType": OCI, "imageSize": 7, **times, "changeableAttributes": UNLOCKED, **more}


def page(*manifests: object) -> dict[str, object]:
    """Return a page of manifests."""
    return {"registry": "base.azurecr.io", "imageName": "base/node", "manifests": list(manifests)}


def tag(name: str, **more: object) -> dict[str, object]:
    """Return a tag as ACR lists it."""
    times = {"createdTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z"}
    return {"name": name, "digest": A, "signed": False, **times, "changeableAttributes": UNLOCKED, **more}


def link(path: str, last: str) -> dict[str, str]:
    """Return the header that leads to the next page."""
    return {"Link": f'<{path}?last={last}&n=1000>; rel="next"'}


def test_every_page_of_manifests_is_read_with_what_the_sdk_leaves_out(
    wire: ScriptedHttp, contents: RepositoryContents
) -> None:
    wire.answer(200, link(MANIFESTS, A), page(listed(A, tags=["22", "latest"])))
    wire.answer(200, body=page(listed(B, mediaType="x/y", changeableAttributes={**UNLOCKED, "deleteEnabled": False})))
    assert list(contents.manifests("base/node")) == [
        (Manifest(digest=A, media_type=OCI, updated=AT, tags=(Tag("22"), Tag("latest"))),),
        (Manifest(digest=B, media_type="x/y", updated=AT, locked=True),),
    ]
    assert (wire.requests[0].url or "").endswith(f"{MANIFESTS}?n=1000")


def test_each_page_is_asked_for_when_it_is_needed(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    wire.answer(200, link(MANIFESTS, A), page(listed(A)))
    next(contents.manifests("base/node"))
    assert len(wire.requests) == 1


def test_what_was_written_last_is_asked_for_first(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    wire.answer(200, body=page(listed(A)))
    assert [one.digest for (one,) in contents.newest("base/node")] == [A]
    assert "orderby=timedesc" in (wire.requests[0].url or "")


@pytest.mark.parametrize("locks", [{}, {"deleteEnabled": True}, {**UNLOCKED, "writeEnabled": False}])
def test_what_is_not_said_to_be_unlocked_is_locked(
    wire: ScriptedHttp, contents: RepositoryContents, locks: dict[str, bool]
) -> None:
    wire.answer(200, body=page(listed(A, changeableAttributes=locks)))
    wire.answer(200, body={"tags": [tag("22", changeableAttributes=locks)]})
    assert [one.locked for (one,) in contents.manifests("base/node")] == [True]
    assert [one.locked for (one,) in contents.tags("base/node")] == [True]


def test_every_page_of_tags_is_read(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    wire.answer(200, link(TAGS, "21"), {"tags": [tag("21")]})
    wire.answer(200, body={"tags": [tag("22")]})
    found = [one for each in contents.tags("base/node") for one in each]
    assert found == [TagAt(name=Tag(name), digest=A, updated=AT) for name in ("21", "22")]


@pytest.fixture(params=["manifests", "tags"])
def listing(request: pytest.FixtureRequest, contents: RepositoryContents) -> Callable[[], Iterator[object]]:
    """Either listing."""
    return lambda: getattr(contents, request.param)("base/node")


def whole(digest: Digest) -> dict[str, object]:
    """A page of either listing."""
    return {**page(listed(digest)), "tags": [tag(digest[7:20])]}


def test_a_repository_that_the_registry_does_not_know_holds_nothing(
    wire: ScriptedHttp, listing: Callable[[], Iterator[object]]
) -> None:
    wire.answer(404, body=NOT_FOUND)
    assert list(listing()) == []


@pytest.mark.parametrize("body", [b"<html>no such page</html>", b'{"errors": []}'])
def test_a_404_that_is_not_the_registrys_own_is_no_listing(
    wire: ScriptedHttp, listing: Callable[[], Iterator[object]], body: bytes
) -> None:
    wire.answer(404, body=body)
    with pytest.raises(Unavailable, match="base/node"):
        list(listing())


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable)])
def test_a_listing_that_is_cut_off_is_no_listing(
    wire: ScriptedHttp, listing: Callable[[], Iterator[object]], status: int, error: type[ServiceError]
) -> None:
    wire.answer(200, link(MANIFESTS, A), whole(A))
    wire.answer(status)
    with pytest.raises(error, match="base/node"):
        list(listing())


@pytest.mark.parametrize("second", [whole(A), {"manifests": [], "tags": []}], ids=["same", "empty"])
def test_a_page_that_brings_nothing_new_is_no_listing(
    wire: ScriptedHttp, listing: Callable[[], Iterator[object]], second: dict[str, object]
) -> None:
    wire.answer(200, link(MANIFESTS, A), whole(A))
    wire.answer(200, link(MANIFESTS, A), second)
    with pytest.raises(Unavailable, match="not whole"):
        list(listing())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"manifests": [{"digest": "sha256:1"}]}', page({"digest": A}), page(listed(Digest("22")))]
)
def test_what_is_no_listing_of_manifests_is_none(
    wire: ScriptedHttp, contents: RepositoryContents, body: object
) -> None:
    wire.answer(200, {"Content-Type": "application/json"}, body)
    with pytest.raises(Unavailable, match=r"listing the manifests of base\.azurecr\.io/base/node"):
        list(contents.manifests("base/node"))


def manifest(wire: ScriptedHttp, content: object) -> Digest:
    """Let the registry have a manifest, and return its digest."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = Digest("sha256:" + hashlib.sha256(body).hexdigest())
    headers = {"Docker-Content-Digest": digest, "Content-Length": str(len(body)), "Content-Type": OCI}
    wire.answer(200, headers, body)
    return digest


def test_an_index_says_what_it_names_and_a_signature_what_it_refers_to(
    wire: ScriptedHttp, contents: RepositoryContents
) -> None:
    index = manifest(wire, {"manifests": [{"digest": A}, {"digest": B}]})
    assert contents.links("base/node", index) == Links((A, B))
    signature = manifest(wire, {"layers": [], "subject": {"digest": A, "size": 3}})
    assert contents.links("base/node", signature) == Links((), A)
    assert contents.links("base/node", manifest(wire, {"layers": []})) == Links()


@pytest.mark.parametrize(
    "content", [{"manifests": [{"size": 3}]}, {"subject": {"digest": "22"}}, [], b"x", {"manifests": 3}]
)
def test_a_manifest_that_cannot_be_read_says_nothing_and_not_that_it_names_nothing(
    wire: ScriptedHttp, contents: RepositoryContents, content: object
) -> None:
    digest = manifest(wire, content)
    with pytest.raises(Unavailable, match=digest):
        contents.links("base/node", digest)


def test_a_manifest_of_another_digest_says_nothing(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    manifest(wire, {"manifests": []})
    with pytest.raises(Unavailable):
        contents.links("base/node", A)


def test_what_is_gone_says_nothing(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    for _ in range(3):
        wire.answer(404, body={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
    assert contents.links("base/node", A) is None
    assert contents.manifest("base/node", A) is None
    assert contents.tag("base/node", Tag("22")) is None


def test_a_manifest_and_a_tag_are_looked_at_alone(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    wire.answer(200, body={"registry": "r", "imageName": "base/node", "manifest": listed(A, tags=["22"])})
    wire.answer(200, body={"registry": "r", "imageName": "base/node", "tag": tag("22")})
    assert contents.manifest("base/node", A) == Manifest(digest=A, media_type=OCI, updated=AT, tags=(Tag("22"),))
    assert contents.tag("base/node", Tag("22")) == TagAt(name=Tag("22"), digest=A, updated=AT)


@pytest.mark.parametrize(("locks", "locked"), [(UNLOCKED, False), ({**UNLOCKED, "deleteEnabled": False}, True)])
def test_a_repository_is_locked_as_a_whole_or_not(
    wire: ScriptedHttp, contents: RepositoryContents, locks: dict[str, bool], locked: bool
) -> None:
    wire.answer(200, body={"imageName": "base/node", "changeableAttributes": locks})
    assert contents.is_locked("base/node") is locked
    wire.answer(404, body=NOT_FOUND)
    assert contents.is_locked("base/node") is False


def deletions(contents: RepositoryContents) -> dict[str, Callable[[], Locked | None]]:
    """Both ways to delete."""
    return {
        f"{MANIFESTS[7:]}/{A}": lambda: contents.delete_manifest("base/node", A),
        f"{TAGS}/22": lambda: contents.delete_tag("base/node", Tag("22")),
    }


@pytest.mark.parametrize("status", [202, 404])
def test_what_is_deleted_or_gone_already_is_gone(wire: ScriptedHttp, contents: RepositoryContents, status: int) -> None:
    for delete in deletions(contents).values():
        wire.answer(status)
        assert delete() is None
    assert [(one.method, (one.url or "").partition(".io")[2].partition("?")[0]) for one in wire.requests] == [
        ("DELETE", f"/v2/base%2Fnode/manifests/{A}".replace("sha256:", "sha256%3A")),
        ("DELETE", f"{TAGS}/22"),
    ]


def test_what_somebody_locked_is_not_deleted_and_is_no_error(wire: ScriptedHttp, contents: RepositoryContents) -> None:
    said = {"errors": [{"code": "UNSUPPORTED", "message": "The operation is disallowed on this registry: locked"}]}
    for delete in deletions(contents).values():
        wire.answer(405, body=said)
        locked = delete()
        assert locked == Locked("UNSUPPORTED: The operation is disallowed on this registry: locked")


@pytest.mark.parametrize(("status", "error"), [(403, NotPermitted), (429, RateLimited), (503, Unavailable)])
def test_any_other_answer_to_a_deletion_is_an_error_and_names_the_role(
    wire: ScriptedHttp, contents: RepositoryContents, status: int, error: type[ServiceError]
) -> None:
    for delete in deletions(contents).values():
        wire.answer(status)
        with pytest.raises(error, match="AcrDelete" if status == 403 else r"deleting base\.azurecr\.io"):
            delete()


# Names of runs.


@pytest.fixture
def names() -> AcrRunNames:
    """The names of a registry's runs."""
    return AcrRunNames(clients(), RegistryId("s", "g", "staging", "/id"))


def task_run(name: str, run: dict[str, Any] | None, **more: object) -> dict[str, object]:
    """Return a ``taskRun`` as ARM lists it."""
    result = {"name": "ca1", "properties": {"runId": "ca1", **run}} if run else None
    return {"name": name, "properties": {"provisioningState": "Succeeded", "runResult": result, **more}}


def test_every_page_of_names_is_read_with_the_end_of_each_run(wire: ScriptedHttp, names: AcrRunNames) -> None:
    ended = {"status": "Succeeded", "finishTime": "2026-01-01T00:00:00Z"}
    more = "https://management.azure.com/next?api-version=2025-03-01-preview"
    wire.answer(200, body={"value": [task_run("a", ended), task_run("b", {"status": "Running"})], "nextLink": more})
    wire.answer(200, body={"value": [task_run("c", {**ended, "status": "Unheard"}), task_run("d", None)]})
    assert list(names.names()) == [(NamedRun("a", AT), NamedRun("b")), (NamedRun("c"), NamedRun("d"))]


def test_a_name_whose_run_could_not_be_scheduled_is_as_old_as_it_is_told(
    wire: ScriptedHttp, names: AcrRunNames
) -> None:
    told = {**task_run("a", None, provisioningState="Failed"), "systemData": {"lastModifiedAt": "2026-01-01T00:00:00Z"}}
    wire.answer(200, body={"value": [told, task_run("b", None, provisioningState="Failed")]})
    assert list(names.names()) == [(NamedRun("a", AT), NamedRun("b"))]


def test_a_name_is_looked_at_alone(wire: ScriptedHttp, names: AcrRunNames) -> None:
    wire.answer(200, body=task_run("a", {"status": "Failed", "finishTime": "2026-01-01T00:00:00Z"}))
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "gone"}})
    assert (names.name("a"), names.name("b")) == (NamedRun("a", AT), None)


@pytest.mark.parametrize("status", [200, 204])
def test_a_name_is_deleted(wire: ScriptedHttp, names: AcrRunNames, status: int) -> None:
    wire.answer(status)
    names.forget("tidegate-1")
    assert "/taskRuns/tidegate-1?" in (wire.requests[0].url or "")


def test_a_name_that_is_gone_is_gone(wire: ScriptedHttp, names: AcrRunNames) -> None:
    wire.answer(404, body={"error": {"code": "ResourceNotFound", "message": "gone"}})
    names.forget("tidegate-1")
