"""What refers to an image and to its platforms: few requests, every page, and nothing taken for a list that is none."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.upstream import around as module
from shared.adapters.upstream.upstreams import any_registry
from shared.domain.references import Digest, Repository, Tag
from shared.domain.travel.referrers import Listed, Listing
from shared.errors import NotFound, RateLimited, Refused, ServiceError, Unavailable
from tests.doubles.beside import INDEX, MANIFEST, index_of
from tests.doubles.referrers import SBOM, SIGNATURE, Made, content_of, index, legacy_tag, referrer
from tests.doubles.registries import digest_of
from tests.doubles.scripted_http import ScriptedHttp, wire

__all__ = ["wire"]
pytestmark = pytest.mark.unit

APP, IMAGE, ARM = Repository("ghcr.io", "org/app"), digest_of("app"), digest_of("app on arm")
ROOT = "https://ghcr.io/v2/org/app"
LIST = {"Content-Type": INDEX}
SIGNED, DESCRIBED = referrer(IMAGE), referrer(ARM, SBOM)
FALLBACK = Tag(IMAGE.replace(":", "-"))


class Registry:
    """A registry that is asked what refers to an image."""

    def __init__(self, wire: ScriptedHttp) -> None:
        self.wire = wire
        self.registry = any_registry("ghcr.io")
        self.spent: list[bool] = []

    def around(self, *manifests: Digest) -> Listing:
        self.wire.requests.clear()
        self.spent.clear()
        return self.registry.referrers(APP, manifests or (IMAGE,), self.spent.append)

    def lists(self, *made: Made, link: str = "") -> None:
        entries = [entry(one) for one in made]
        self.wire.answer(200, {**LIST, **({"Link": f'<{link}>; rel="next"'} if link else {})}, index_of(*entries))

    def has_no_older_tags(self) -> None:
        for _ in range(2):
            self.wire.answer(404)

    def has_tags(self, *tags: str) -> None:
        self.wire.answer(200, {"Content-Type": "application/json"}, {"name": "org/app", "tags": list(tags)})

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {str(one.url).removeprefix(ROOT)}" for one in self.wire.requests]


def entry(made: Made) -> dict[str, Any]:
    """Return what a list says of a referrer."""
    return {"mediaType": MANIFEST, "digest": made.digest, "size": made.size, "artifactType": made.kind}


def listed(made: Made, depth: int = 1) -> Listed:
    """Return the same as it is told."""
    return Listed(made.digest, made.subject, depth, MANIFEST, made.kind, made.size)


@pytest.fixture
def registry(wire: ScriptedHttp) -> Registry:
    return Registry(wire)


def test_nothing_to_carry_takes_one_request_for_the_image_and_two_for_older_clients(registry: Registry) -> None:
    registry.lists()
    registry.has_no_older_tags()
    assert registry.around() == Listing()
    assert registry.asked == [
        f"GET /referrers/{IMAGE}",
        f"HEAD /manifests/{legacy_tag(IMAGE)}",
        f"HEAD /manifests/{legacy_tag(IMAGE, 'att')}",
    ]
    assert registry.spent == [False] * 3, "none of it may be a pull"


def test_each_platform_takes_one_request_more(registry: Registry) -> None:
    platforms = [digest_of(f"platform {number}") for number in range(15)]
    for _ in range(16):
        registry.lists()
    registry.has_no_older_tags()
    assert registry.around(IMAGE, *platforms) == Listing()
    assert len(registry.asked) == 18


def test_what_refers_to_a_platform_or_to_a_referrer_is_listed_with_its_depth(registry: Registry) -> None:
    signature = referrer(SIGNED.digest, note="of the signature")
    registry.lists(SIGNED)
    registry.lists(DESCRIBED)
    registry.lists(signature)
    registry.lists()
    registry.lists()
    registry.has_no_older_tags()
    found = registry.around(IMAGE, ARM)
    assert found == Listing((listed(SIGNED), listed(DESCRIBED), listed(signature, 2)))


def test_every_page_is_read(registry: Registry) -> None:
    other = referrer(IMAGE, note="another")
    registry.lists(SIGNED, link=f"/v2/org/app/referrers/{IMAGE}?page=2")
    registry.lists(other)
    registry.lists()
    registry.lists()
    registry.has_no_older_tags()
    assert {one.digest for one in registry.around().entries} == {SIGNED.digest, other.digest}


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, Unavailable), (403, Refused)])
def test_a_page_that_fails_leaves_nothing_known(registry: Registry, status: int, error: type[ServiceError]) -> None:
    registry.lists(SIGNED, link=f"/v2/org/app/referrers/{IMAGE}?page=2")
    registry.wire.answer(status)
    with pytest.raises(error):
        registry.around()


def test_without_lists_of_its_own_a_registrys_tags_are_listed_once(registry: Registry) -> None:
    registry.wire.answer(404)
    registry.has_tags("v1", "latest")
    assert registry.around(IMAGE, ARM) == Listing()
    assert registry.asked[0] == f"GET /referrers/{IMAGE}"
    assert len(registry.asked) == 2
    registry.has_tags("v1", "latest")
    registry.around(IMAGE, ARM)
    assert len(registry.asked) == 1, "from then on that is the only request"


def test_without_lists_of_its_own_what_the_tags_name_is_read(registry: Registry) -> None:
    registry.wire.answer(404)
    registry.has_tags("v1", FALLBACK, legacy_tag(ARM, "att"))
    registry.lists(SIGNED)
    old = referrer(ARM, note="old", about="-")
    registry.wire.answer(200, {"Content-Type": MANIFEST, "Docker-Content-Digest": old.digest})
    found = registry.around(IMAGE, ARM)
    assert found == Listing((listed(SIGNED), Listed(old.digest, ARM, tag=legacy_tag(ARM, "att"))))


def test_a_tag_that_points_at_the_image_itself_is_no_list_of_referrers(registry: Registry) -> None:
    image = index(ARM)
    registry.wire.answer(404)
    registry.has_tags(image.replace(":", "-"))
    registry.wire.answer(200, LIST, content_of(image))
    found = registry.around(image, ARM)
    assert (found.entries, found.whole) == ((), True)
    assert "points at the image itself" in found.remarks[0]


def test_what_is_no_list_at_all_is_said_and_nothing_is_taken_to_be_absent(registry: Registry) -> None:
    registry.wire.answer(404)
    registry.has_tags(FALLBACK)
    registry.wire.answer(200, {"Content-Type": MANIFEST}, content_of(SIGNED.digest))
    found = registry.around()
    assert (found.entries, found.whole) == ((), False)


def test_what_older_clients_find_by_a_tag_is_listed_with_it(registry: Registry) -> None:
    registry.lists()
    old = referrer(IMAGE, SIGNATURE, note="old", about="-")
    registry.wire.answer(200, {"Content-Type": MANIFEST, "Docker-Content-Digest": old.digest})
    registry.wire.answer(404)
    assert registry.around().entries == (Listed(old.digest, IMAGE, tag=legacy_tag(IMAGE)),)


def test_a_repository_that_is_gone_is_no_list(registry: Registry) -> None:
    registry.wire.answer(404)
    registry.wire.answer(404)
    with pytest.raises(NotFound):
        registry.around()


def test_whoever_lists_hundreds_is_gone_through_no_deeper(registry: Registry) -> None:
    registry.lists(*(referrer(IMAGE, note=str(number)) for number in range(101)))
    registry.has_no_older_tags()
    found = registry.around()
    assert len(found.entries) == 101
    assert not found.whole


def test_a_reading_that_takes_too_long_is_none(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_READING", -1.0)
    with pytest.raises(Unavailable, match="took longer"):
        registry.around()


def test_a_list_that_is_denied_of_one_platform_says_nothing_of_the_others(registry: Registry) -> None:
    signature = referrer(SIGNED.digest, note="of the signature")
    registry.lists(SIGNED)
    registry.wire.answer(404)  # of a platform that the upstream pruned
    registry.has_tags("v1")
    registry.lists(signature)
    registry.lists()
    registry.has_no_older_tags()
    found = registry.around(IMAGE, ARM)
    assert (found.entries, found.whole) == ((listed(SIGNED), listed(signature, 2)), True)
    registry.lists()
    registry.has_no_older_tags()
    registry.around()
    assert registry.asked[0] == f"GET /referrers/{IMAGE}", "it is known to have lists of its own still"


def test_a_web_page_in_place_of_a_list_is_no_answer_where_lists_were_sent_before(registry: Registry) -> None:
    registry.lists(SIGNED)
    registry.wire.answer(200, {"Content-Type": "text/html"}, b"<html>maintenance</html>")
    with pytest.raises(Unavailable, match="this is none"):
        registry.around(IMAGE, ARM)
