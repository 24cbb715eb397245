"""What images claim of their bases is read where nothing better is known, once a digest, and never taken for more."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from shared.domain.promotion.rebuilds import ApplicationTask, Dependency
from shared.domain.promotion.task_runs import Pushed, TaskRuns
from shared.domain.references import Digest, Tag
from shared.domain.waves.annotations import claim_of
from shared.domain.waves.builders import Claim
from shared.errors import Unavailable
from shared.rules.claims import MOST_READ, Claims
from tests.doubles.referrers import CONTENTS
from tests.doubles.registries import InMemoryRegistry, digest_of

pytestmark = pytest.mark.unit

BASE_SERVER = "tidegatebase.azurecr.io"
NODE = f"{BASE_SERVER}/base/node:22"
NAME, DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"


def pushes(name: str, registry: str = BASE_SERVER, *bases: Dependency) -> ApplicationTask:
    """Return a task that pushed an image of its name."""
    runs = TaskRuns(None, (Pushed(registry, f"apps/{name}", "1", digest_of(name)),))
    return ApplicationTask("tidegatebase", name, f"/tasks/{name}", True, False, bases, runs=runs)


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> InMemoryRegistry:
    """A base registry with images whose annotations name their bases."""
    found = InMemoryRegistry()
    for name, said in (("shop", {NAME: NODE, DIGEST: digest_of("one")}), ("plain", {})):
        monkeypatch.setitem(CONTENTS, digest_of(name), json.dumps({"annotations": said}).encode())
        found.push(f"apps/{name}", Tag("1"), digest_of(name))
    return found


def test_an_image_of_the_base_registry_whose_task_reports_no_base_is_asked_once(base: InMemoryRegistry) -> None:
    claims = Claims(base, BASE_SERVER)
    tasks = [pushes("shop"), pushes("plain"), pushes("gone")]
    for _ in range(3):
        assert claims.of(tasks) == ((Claim(f"{BASE_SERVER}/apps/shop:1", NODE, digest_of("one")),), "")
    assert base.asked["manifest"] == 3


def test_where_something_better_is_known_or_the_app_may_not_pull_nothing_is_asked(base: InMemoryRegistry) -> None:
    reported = Dependency(BASE_SERVER, "base/node", "22", digest_of("one"))
    tasks = [pushes("shop", BASE_SERVER, reported), pushes("plain", "contosoapps.azurecr.io")]
    assert Claims(base, BASE_SERVER).of(tasks) == ((), "")
    assert base.asked["manifest"] == 0


def test_no_more_are_asked_for_than_an_answer_can_wait_for_and_the_next_goes_on(base: InMemoryRegistry) -> None:
    claims = Claims(base, BASE_SERVER)
    tasks = [pushes(f"t{number}") for number in range(MOST_READ + 5)]
    assert claims.of(tasks) == ((), "what 5 images claim of their bases is not read yet")
    assert claims.of(tasks) == ((), "")
    assert base.asked["manifest"] == MOST_READ + 5


def test_a_registry_that_does_not_answer_is_told_and_asked_again(base: InMemoryRegistry) -> None:
    claims = Claims(base, BASE_SERVER)
    base.fail("manifest", Unavailable("503"))
    assert claims.of([pushes("shop")]) == ((), "what images claim of their bases is not known now: 503")
    assert len(claims.of([pushes("shop")])[0]) == 1


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"annotations": null}',
        b'{"annotations": []}',
        b"[" * 100_000,
        json.dumps({"annotations": {NAME: 5}}).encode(),
        json.dumps({"annotations": {NAME: ""}}).encode(),
        json.dumps({"annotations": {NAME: "a" * 601}}).encode(),
    ],
)
def test_what_says_nothing_that_can_be_read_claims_nothing(manifest: bytes) -> None:
    assert claim_of("a.io/b:1", manifest) is None


@pytest.mark.parametrize(
    ("said", "digest"),
    [({NAME: NODE}, ""), ({NAME: NODE, DIGEST: "sha256:x"}, "sha256:x"), ({NAME: NODE, DIGEST: 1}, "")],
)
def test_a_claim_may_say_no_digest(said: Mapping[str, object], digest: str) -> None:
    assert claim_of("a.io/b:1", json.dumps({"annotations": said}).encode()) == Claim("a.io/b:1", NODE, Digest(digest))
