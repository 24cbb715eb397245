"""What housekeeping lists, reads and deletes of a registry, on the emulator and in memory alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.topology import STAGING
from shared.adapters.azure.repository_contents import RepositoryContents
from shared.adapters.azure.run_names import AcrRunNames
from shared.domain.housekeeping.manifests import Contents, Links, Shape
from shared.domain.promotion.rebuilds import Dependency
from shared.domain.references import Digest, Tag
from shared.errors import NotPermitted, RateLimited, ServiceError, Unavailable
from shared.housekeeping_ports import HouseRegistry, Locked
from tests.contract.registry_fixtures import Outside, emulator, outside, outside_or_none, side, word
from tests.contract.registry_sites import runs_site
from tests.doubles.house import InMemoryHouse
from tests.doubles.registries import digest_of
from tests.doubles.storage import SettableClock
from tests.twin.images import push_image, push_index, push_referrer

__all__ = ["emulator", "outside", "outside_or_none", "side", "word"]
pytestmark = pytest.mark.contract


class Site:
    """The staging registry of either side."""

    def __init__(self, outside: Outside | None) -> None:
        self.outside = outside
        self.clock = SettableClock(datetime.now(UTC))
        self.house = InMemoryHouse(self.clock)

    @property
    def registry(self) -> HouseRegistry:
        """What is asked."""
        if self.outside is None:
            return self.house
        return RepositoryContents(self.outside.clients(), self.outside.topology.address("staging"))

    def image(self, repository: str, tag: str) -> Digest:
        """Push an image."""
        if self.outside is not None:
            return Digest(push_image(self.outside.topology, "staging", f"{repository}:{tag}", f"{repository} {tag}"))
        return self.house.push(repository, digest_of(f"{repository} {tag}"), tag)

    def index(self, repository: str, tag: str) -> tuple[Digest, tuple[Digest, ...]]:
        """Push an index of two images; return its digest and theirs."""
        if self.outside is None:
            members = tuple(self.house.push(repository, digest_of(f"{tag}{n}"), f"member-{n}") for n in range(2))
            return self.house.push(repository, digest_of(tag), tag, children=members), members
        digest = Digest(push_index(self.outside.topology, "staging", f"{repository}:{tag}", "one", "two"))
        return digest, tuple(tag.digest for tag in listed(self.registry, repository).tags if "member" in tag.name)

    def signature(self, repository: str, subject: Digest) -> Digest:
        """Push what refers to something."""
        if self.outside is not None:
            found = push_referrer(self.outside.topology, "staging", repository, subject, "text/x-signature", "signed")
            return Digest(found)
        return self.house.push(repository, digest_of(f"signature of {subject}"), subject=subject)

    def lock(self, repository: str, digest: Digest) -> None:
        """Lock a manifest."""
        if self.outside is None:
            self.house.lock(repository, digest)
        else:
            client = self.outside.clients().data_plane(self.outside.topology.address("staging"))
            client.update_manifest_properties(repository, digest, can_delete=False)


@pytest.fixture
def site(outside_or_none: Outside | None) -> Iterator[Site]:
    """The staging registry, where an operator locks what is to be locked."""
    if outside_or_none is not None:
        deployed = outside_or_none.control("GET", "/settings")["assignments"]
        registry = outside_or_none.topology.registry_id(STAGING)
        more = [{"principal": "system-assigned", "role": "Owner", "scope": registry}]
        outside_or_none.control("POST", "/settings", {"assignments": [*deployed, *more]})
    yield Site(outside_or_none)


def listed(registry: HouseRegistry, repository: str) -> Contents:
    """Return all that a repository holds."""
    manifests = tuple(one for page in registry.manifests(repository) for one in page)
    return Contents(manifests, tuple(one for page in registry.tags(repository) for one in page))


def digests(pages: Iterable[Iterable[object]]) -> list[Digest]:
    """The digests of all pages."""
    return [getattr(one, "digest") for page in pages for one in page]  # noqa: B009


def test_everything_is_listed_with_its_tags_times_kinds_and_locks(site: Site, word: str) -> None:
    image = site.image(word, "1")
    index, members = site.index(word, "2")
    site.lock(word, image)
    found = listed(site.registry, word)
    by_digest = {one.digest: one for one in found.manifests}
    assert by_digest.keys() == {image, index, *members}
    assert {digest: one.shape for digest, one in by_digest.items()} == {
        image: Shape.ARTIFACT,
        index: Shape.INDEX,
        **dict.fromkeys(members, Shape.ARTIFACT),
    }
    assert {one.digest for one in found.manifests if one.locked} == {image}
    assert by_digest[index].tags == (Tag("2"),)
    assert {tag.name: tag.digest for tag in found.tags}["1"] == image
    assert all(one.updated and abs(site.clock() - one.updated) < timedelta(minutes=5) for one in found.manifests)


def test_what_is_not_there_holds_nothing(site: Site, word: str) -> None:
    assert listed(site.registry, word) == Contents((), ())
    assert site.registry.is_locked(word) is False
    assert site.registry.links(word, digest_of("nothing")) is None
    assert site.registry.manifest(word, digest_of("nothing")) is None
    assert site.registry.tag(word, Tag("1")) is None


def test_a_manifest_says_what_it_names_and_what_it_refers_to(site: Site, word: str) -> None:
    index, members = site.index(word, "1")
    signature = site.signature(word, index)
    links = site.registry.links(word, index)
    assert links is not None
    assert sorted(links.children) == sorted(members)
    assert site.registry.links(word, signature) == Links((), index)


def test_what_was_written_last_is_listed_first(site: Site, word: str) -> None:
    images = []
    for number in range(3):
        images.append(site.image(word, str(number)))
        site.clock.advance(timedelta(seconds=1))
    found = [one for page in site.registry.newest(word) for one in page]
    assert {one.digest for one in found} == set(images)
    times = [one.updated for one in found if one.updated]
    assert times == sorted(times, reverse=True)


def test_a_manifest_goes_with_its_tags_and_with_what_refers_to_it(site: Site, word: str) -> None:
    index, members = site.index(word, "1")
    site.signature(word, index)
    assert site.registry.delete_manifest(word, index) is None
    left = listed(site.registry, word)
    assert {one.digest for one in left.manifests} == set(members)
    assert "1" not in {tag.name for tag in left.tags}
    assert site.registry.delete_manifest(word, index) is None


def test_a_tag_goes_and_leaves_its_manifest(site: Site, word: str) -> None:
    image = site.image(word, "1")
    assert site.registry.delete_tag(word, Tag("1")) is None
    assert site.registry.tag(word, Tag("1")) is None
    found = site.registry.manifest(word, image)
    assert found is not None
    assert found.tags == ()
    assert site.registry.delete_tag(word, Tag("1")) is None


def test_what_is_locked_is_not_deleted(site: Site, word: str) -> None:
    image = site.image(word, "1")
    site.lock(word, image)
    locked = site.registry.delete_manifest(word, image)
    assert isinstance(locked, Locked)
    assert "REGISTRY_DISALLOWED_OPERATION" in locked.detail
    found = site.registry.manifest(word, image)
    assert found is not None
    assert found.locked


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, Unavailable)])
def test_an_answer_that_fails_is_not_an_empty_one(
    outside: Outside, word: str, status: int, error: type[ServiceError]
) -> None:
    site = Site(outside)
    site.image(word, "1")
    outside.fault("staging", "status", status=status, times=20)
    with pytest.raises(error):
        listed(site.registry, word)


def test_the_app_may_delete_in_staging_as_it_is_deployed_and_not_in_base(outside: Outside, word: str) -> None:
    push_image(outside.topology, "base", f"{word}:1", word)
    base = RepositoryContents(outside.clients(), outside.topology.address("base"))
    with pytest.raises(NotPermitted, match="AcrDelete"):
        base.delete_tag(word, Tag("1"))
    site = Site(outside)
    site.image(word, "1")
    assert site.registry.delete_tag(word, Tag("1")) is None


def test_every_read_after_the_first_is_one_request(outside: Outside, word: str) -> None:
    site = Site(outside)
    images = [site.image(word, str(number)) for number in range(4)]
    registry = site.registry
    assert registry.links(word, images[0]) == Links()
    before = sum(outside.counts("staging").values())
    assert [registry.links(word, image) for image in images[1:]] == [Links()] * 3
    assert sum(outside.counts("staging").values()) - before == 3


def test_names_of_runs_are_listed_with_their_ends_and_deleted(outside: Outside, word: str) -> None:
    runs, name = runs_site(outside), f"tidegate-{word}"
    on_node = Dependency("base.azurecr.io", "base/node", "22", digest_of("node"))
    names = AcrRunNames(outside.clients(), outside.registry_id(STAGING))
    task = runs.add_task(word, on_node, own_trigger=False)
    runs.runs.start_task(name, task)
    runs.wait(name)
    (found,) = [one for page in names.names() for one in page if one.name == name]
    assert found == names.name(name)
    assert found.ended_at is not None
    names.forget(name)
    assert names.name(name) is None
