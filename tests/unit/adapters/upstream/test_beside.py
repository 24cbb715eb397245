"""What lies beside an image: few requests, nothing believed that is said of it, and bounds for whoever pushes much."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.upstream import beside as module
from shared.adapters.upstream.docker_hub import HubAddresses, docker_hub
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.adapters.upstream.upstreams import any_registry
from shared.domain.references import DOCKER_HUB, Repository
from shared.domain.signatures.material import LARGEST_CONTENT, Artefact, ArtefactKind, Layer
from shared.errors import RateLimited, Refused, ServiceError, Unavailable
from shared.signature_ports import Beside
from tests.doubles.beside import BUNDLE, INDEX, MANIFEST, Written, index_of, sha256, written
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire
from tests.made_signatures.authorities import new_key
from tests.made_signatures.cosign import bundle, key_bundle, legacy, legacy_layer, payload, statement

__all__ = ["wire"]
pytestmark = pytest.mark.unit

APP, DIGEST = Repository("ghcr.io", "org/app"), digest_of("app")
KEY = new_key()
TAG = DIGEST.replace(":", "-")
ROOT = "https://ghcr.io/v2/org/app"
LIST = {"Content-Type": INDEX}
SIGNED = written(bundle(key_bundle(statement(DIGEST), KEY)), DIGEST)
SBOM = "https://spdx.dev/Document"
ATTESTED = written(bundle(key_bundle(statement(DIGEST, SBOM), KEY)), DIGEST, predicate=SBOM)
OLD = written(legacy(legacy_layer(payload(DIGEST, str(APP)), KEY)), DIGEST)


class Registry:
    """A registry that is asked what lies beside one image."""

    def __init__(self, wire: ScriptedHttp, registry: OciRegistry | None = None) -> None:
        self.wire = wire
        self.registry = registry or any_registry("ghcr.io")
        self.pulls: list[bool] = []

    def beside(self, repository: Repository = APP, *, whole: bool = False) -> Beside:
        self.wire.requests.clear()
        self.pulls.clear()
        return self.registry.beside(repository, DIGEST, self.pulls.append, whole=whole)

    def holds(self, one: Written) -> None:
        """Answer the two requests for a referrer of one layer."""
        self.wire.answer(200, {"Content-Type": MANIFEST}, one.manifest)
        self.wire.answer(200, body=one.blobs[0])

    def lists(self, *entries: object) -> None:
        self.wire.answer(200, LIST, index_of(*entries))

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {str(one.url).removeprefix(ROOT)}" for one in self.wire.requests]


@pytest.fixture
def registry(wire: ScriptedHttp) -> Registry:
    return Registry(wire)


def test_a_bundle_takes_three_requests(registry: Registry) -> None:
    registry.lists(SIGNED.listed)
    registry.holds(SIGNED)
    found = registry.beside()
    assert found == Beside((SIGNED.artefact,), whole=False)
    assert registry.asked == [
        f"GET /referrers/{DIGEST}",
        f"GET /manifests/{SIGNED.digest}",
        f"GET /blobs/{sha256(SIGNED.blobs[0])}",
    ]
    assert registry.pulls == [False, True, False], "only reading a manifest may be a pull"


def test_what_is_said_to_be_a_signature_is_read_before_all_else_and_alone(registry: Registry) -> None:
    registry.lists(ATTESTED.listed, SIGNED.listed)
    registry.holds(SIGNED)
    assert registry.beside() == Beside((SIGNED.artefact,), whole=False)


def test_all_is_read_where_all_is_wanted(registry: Registry) -> None:
    registry.lists(ATTESTED.listed, SIGNED.listed)
    registry.holds(SIGNED)
    registry.holds(ATTESTED)
    registry.holds(OLD)
    found = registry.beside(whole=True)
    assert found == Beside((SIGNED.artefact, ATTESTED.artefact, OLD.artefact))
    assert registry.asked[-2] == f"GET /manifests/{TAG}.sig"


def test_without_a_list_of_referrers_the_tag_in_its_place_is_read_whatever_it_says_that_they_are(
    registry: Registry,
) -> None:
    silent = written(SIGNED.artefact, DIGEST, said=False)
    registry.wire.answer(404)
    registry.lists(silent.listed)
    registry.holds(silent)
    assert registry.beside().artefacts == (silent.artefact,)
    assert registry.asked[:2] == [f"GET /referrers/{DIGEST}", f"GET /manifests/{TAG}"]
    registry.lists(silent.listed)
    registry.holds(silent)
    registry.beside()
    assert len(registry.asked) == 3, "a registry that has no such list is asked for one once"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html>welcome</html>"),
        (200, {"Content-Type": "application/json"}, b"{}"),
        (200, {"Content-Type": MANIFEST}, OLD.manifest),
        (200, LIST, b'{"schemaVersion": 2, "manifests": '),
        (303, {"Location": "https://github.com/org/app"}, b""),
        (302, {"Location": "http://[nowhere"}, b""),
        (405, {}, b""),
        (400, {}, b""),
    ],
)
def test_what_is_no_list_is_no_reason_to_take_an_image_for_unsigned(
    registry: Registry, status: int, headers: dict[str, str], body: bytes
) -> None:
    registry.wire.answer(status, headers, body)
    registry.lists(SIGNED.listed)
    registry.holds(SIGNED)
    assert registry.beside().artefacts == (SIGNED.artefact,)


def test_a_list_that_is_kept_at_another_registry_is_read_there(registry: Registry) -> None:
    registry.wire.answer(307, {"Location": f"https://pkg.example.org/v2/org/app/referrers/{DIGEST}"})
    registry.lists(SIGNED.listed)
    registry.holds(SIGNED)
    assert registry.beside().artefacts == (SIGNED.artefact,)


def test_where_nothing_lies_beside_it_the_older_tag_is_looked_for_too(registry: Registry) -> None:
    registry.lists()
    registry.wire.answer(404)
    assert registry.beside() == Beside()
    assert registry.asked[1] == f"GET /manifests/{TAG}.sig"


def test_a_signature_of_the_older_form_is_read_with_its_annotations(registry: Registry) -> None:
    registry.lists()
    registry.holds(OLD)
    found = registry.beside()
    assert found == Beside((OLD.artefact,))
    assert "dev.cosignproject.cosign/signature" in found.artefacts[0].layers[0].annotations


def test_more_pages_are_read(registry: Registry) -> None:
    registry.wire.answer(200, {**LIST, "Link": f'</v2/org/app/referrers/{DIGEST}?n=1&next=a>; rel="next"'}, index_of())
    registry.lists(SIGNED.listed)
    registry.holds(SIGNED)
    assert registry.beside().artefacts == (SIGNED.artefact,)
    assert registry.asked[1] == f"GET /referrers/{DIGEST}?n=1&next=a"


def test_pages_at_another_registry_are_not_read(registry: Registry) -> None:
    away = f"https://evil.example.org/v2/org/app/referrers/{DIGEST}"
    registry.wire.answer(200, {**LIST, "Link": f'<{away}>; rel="next"'}, index_of(SIGNED.listed))
    with pytest.raises(Unavailable, match="another registry"):
        registry.beside()


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, Unavailable), (403, Refused)])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_no_answer_is_no_absence(registry: Registry, status: int, error: type[ServiceError], before: int) -> None:
    answers: list[tuple[dict[str, str], Any]] = [
        (LIST, index_of(SIGNED.listed)),
        ({"Content-Type": MANIFEST}, SIGNED.manifest),
    ]
    for headers, body in answers[:before]:
        registry.wire.answer(200, headers, body)
    registry.wire.answer(status)
    with pytest.raises(error):
        registry.beside()


def test_what_has_another_digest_than_it_is_listed_by_is_not_read_and_said_so(registry: Registry) -> None:
    registry.lists(SIGNED.listed)
    registry.wire.answer(200, {"Content-Type": MANIFEST}, ATTESTED.manifest)
    registry.wire.answer(404)
    found = registry.beside()
    assert (found.artefacts, found.hidden) == ((), True)
    assert "has another digest" in found.unread[0]


def test_a_layer_with_another_digest_keeps_its_place_and_is_empty(registry: Registry) -> None:
    registry.lists(SIGNED.listed)
    registry.wire.answer(200, {"Content-Type": MANIFEST}, SIGNED.manifest)
    registry.wire.answer(200, body=ATTESTED.blobs[0])
    found = registry.beside()
    assert (found.artefacts[0].layers[0].content, len(found.unread)) == (b"", 1)


def test_a_large_layer_is_left_and_said_to_be(registry: Registry) -> None:
    large = written(
        Artefact(ArtefactKind.SIGSTORE_BUNDLE, b"", (Layer(BUNDLE, {}, b"0" * (LARGEST_CONTENT + 1)),)), DIGEST
    )
    registry.lists(large.listed)
    registry.wire.answer(200, {"Content-Type": MANIFEST}, large.manifest)
    found = registry.beside()
    assert ("too much for a signature" in found.unread[0], found.hidden) == (True, False)
    assert len(registry.asked) == 2


def test_many_referrers_are_read_up_to_a_bound_and_that_is_said(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MANIFESTS", 2)
    signed = [written(bundle(key_bundle(statement(DIGEST), new_key())), DIGEST) for _ in range(3)]
    registry.lists(*(one.listed for one in signed))
    for one in signed[:2]:
        registry.holds(one)
    assert "more than 2 referrers" in registry.beside().unread[0]


def test_whoever_takes_long_over_it_is_left(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_READING", -1.0)
    with pytest.raises(Unavailable, match="took longer"):
        registry.beside()


@pytest.mark.parametrize(
    "entry", [{}, {"digest": "sha256:short"}, {"digest": 5}, 7, None, {**SIGNED.listed, "size": "1"}]
)
def test_an_entry_that_cannot_be_read_keeps_none_of_the_others_from_it(registry: Registry, entry: object) -> None:
    registry.lists(entry, SIGNED.listed)
    registry.holds(SIGNED)
    found = registry.beside()
    assert (found.artefacts, len(found.unread)) == ((SIGNED.artefact,), 1)


def test_what_is_listed_and_gone_is_said(registry: Registry) -> None:
    registry.lists(ATTESTED.listed)
    registry.wire.answer(404)
    registry.wire.answer(404)
    found = registry.beside()
    assert ("listed and not there" in found.unread[0], found.hidden) == (True, True)


def test_a_budget_that_is_spent_ends_the_reading(registry: Registry) -> None:
    def spent(pull: bool) -> None:  # noqa: ARG001  as the port has it
        raise RateLimited("spent")

    with pytest.raises(RateLimited):
        registry.registry.beside(APP, DIGEST, spent, whole=True)
    assert registry.wire.requests == []


def test_on_docker_hub_a_tag_is_read_only_if_a_look_shows_that_it_is_there(wire: ScriptedHttp) -> None:
    hub = docker_hub(HubAddresses("https://hub.example", "https://auth.example", "https://api.example"))
    site = Registry(wire, hub)
    wire.answer(200, body={"token": "granted", "expires_in": 300})
    for _ in range(3):
        wire.answer(404)
    assert site.beside(Repository(DOCKER_HUB, "library/app")) == Beside()
    assert [one.method for one in wire.requests[1:]] == ["GET", "HEAD", "HEAD"]
    assert not any(site.pulls), "and nothing was a pull"


def test_blobs_are_followed_to_where_docker_hub_keeps_them_without_its_token(wire: ScriptedHttp) -> None:
    hub = docker_hub(HubAddresses("https://hub.example", "https://auth.example", "https://api.example"))
    site = Registry(wire, hub)
    wire.answer(200, body={"token": "granted", "expires_in": 300})
    site.lists(SIGNED.listed)
    wire.answer(200, {"Content-Type": MANIFEST}, SIGNED.manifest)
    wire.answer(307, {"Location": "https://store.example.org/blob?signed=1"})
    wire.answer(200, body=SIGNED.blobs[0])
    assert site.beside(Repository(DOCKER_HUB, "library/app")).artefacts == (SIGNED.artefact,)
    assert "Authorization" not in wire.requests[-1].headers
