"""The port ``Upstream``: the doubles, Docker Hub, MCR and any other registry, all held to the same promises."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.references import Digest, Repository, Tag
from shared.errors import NotFound
from shared.ports import Hints
from tests.contract.registry_fixtures import Outside, emulator, outside, word
from tests.contract.registry_sites import EmulatedUpstreamSite, InMemoryUpstreamSite, UpstreamSite
from tests.doubles.registries import digest_of
from tests.twin.images import push_index

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

FRONTS = ("docker_hub", "mcr", "other")
LATEST, OLDER = Tag("22-alpine"), Tag("20-alpine")


@pytest.fixture(params=["double", "double with a catalogue", *FRONTS])
def site(request: pytest.FixtureRequest) -> UpstreamSite:
    """Each upstream in turn."""
    if request.param in FRONTS:
        return EmulatedUpstreamSite(request.getfixturevalue("outside"), request.param)
    return InMemoryUpstreamSite(catalogue=request.param != "double")


@pytest.fixture(params=["double with a catalogue", "docker_hub", "mcr"])
def catalogued(request: pytest.FixtureRequest) -> UpstreamSite:
    """Each upstream that has a catalogue."""
    if request.param in FRONTS:
        return EmulatedUpstreamSite(request.getfixturevalue("outside"), request.param)
    return InMemoryUpstreamSite(catalogue=True)


@pytest.fixture
def repository(site: UpstreamSite, word: str) -> Repository:
    """A repository of the test's own."""
    return Repository(site.registry, f"library/{word}")


@pytest.fixture
def told(catalogued: UpstreamSite, word: str) -> Repository:
    """A repository of the test's own in an upstream that has a catalogue."""
    return Repository(catalogued.registry, f"library/{word}")


@pytest.mark.parametrize(("part", "told"), [("docker_hub", 2), ("mcr", 2), ("other", None)])
def test_the_manifests_behind_a_tag_are_counted_where_that_is_no_pull(
    outside: Outside, word: str, part: str, told: int | None
) -> None:
    site = EmulatedUpstreamSite(outside, part)
    digest = Digest(push_index(outside.topology, part, f"library/{word}:{LATEST}", "one", "two"))
    outside.forget_counts()
    assert site.upstream.manifests(Repository(site.registry, f"library/{word}"), LATEST, digest) == told
    assert not [kind for kind in outside.counts("docker_hub_registry") if kind.startswith("GET manifest")]


# What a tag points at.


def test_a_tag_has_the_digest_that_was_pushed(site: UpstreamSite, repository: Repository) -> None:
    pushed = site.push(repository, LATEST, "first")
    assert site.upstream.digest(repository, LATEST) == pushed


def test_a_tag_that_moves_has_the_new_digest(site: UpstreamSite, repository: Repository) -> None:
    before = site.push(repository, LATEST, "first")
    after = site.push(repository, LATEST, "second")
    assert site.upstream.digest(repository, LATEST) == after != before


def test_a_tag_that_is_not_there_is_none(site: UpstreamSite, repository: Repository) -> None:
    site.push(repository, LATEST, "first")
    assert site.upstream.digest(repository, Tag("gone")) is None


def test_a_repository_that_is_not_there_has_no_tags(site: UpstreamSite, repository: Repository) -> None:
    assert site.upstream.digest(repository, LATEST) is None


# By digest.


def test_a_digest_can_be_had_while_it_is_tagged_and_after_its_tag_moved_on(
    site: UpstreamSite, repository: Repository
) -> None:
    before = site.push(repository, LATEST, "first")
    after = site.push(repository, LATEST, "second")
    assert site.upstream.holds(repository, before)
    assert site.upstream.holds(repository, after)


def test_a_digest_that_was_never_there_cannot_be_had(site: UpstreamSite, repository: Repository) -> None:
    site.push(repository, LATEST, "first")
    assert not site.upstream.holds(repository, digest_of("never pushed"))


# All tags.


def test_all_tags_of_a_repository_are_listed(site: UpstreamSite, repository: Repository) -> None:
    for tag in (LATEST, OLDER, Tag("RC.1")):
        site.push(repository, tag, "same")
    assert set(site.upstream.tags(repository)) == {LATEST, OLDER, "RC.1"}


def test_a_repository_that_is_not_there_cannot_be_listed(site: UpstreamSite, repository: Repository) -> None:
    with pytest.raises(NotFound):
        site.upstream.tags(repository)


def test_a_tag_that_moves_between_the_list_and_the_look_has_the_new_digest(
    site: UpstreamSite, repository: Repository
) -> None:
    site.push(repository, LATEST, "first")
    (tag,) = site.upstream.tags(repository)
    moved = site.push(repository, LATEST, "second")
    assert site.upstream.digest(repository, tag) == moved


def test_getting_ready_changes_nothing_that_is_seen(site: UpstreamSite, repository: Repository) -> None:
    pushed = site.push(repository, LATEST, "first")
    site.upstream.prepare((repository, Repository(repository.registry, "library/never-pushed")))
    assert site.upstream.digest(repository, LATEST) == pushed


# The catalogue.


def hints_of(site: UpstreamSite, repository: Repository, tags: set[str], since: datetime | None = None) -> Hints:
    """Return the hints once they speak of these tags: the emulator hears of pushes a moment later."""
    deadline = time.monotonic() + 5
    while True:
        hints = site.upstream.hints(repository, since)
        if hints is not None and {hint.tag for hint in hints.hints} == tags:
            return hints
        assert time.monotonic() < deadline, f"the catalogue says {hints}"
        time.sleep(0.05)


def test_the_catalogue_tells_every_tag_with_its_digest(catalogued: UpstreamSite, told: Repository) -> None:
    pushed = {tag: catalogued.push(told, tag, tag) for tag in (OLDER, LATEST)}
    hints = hints_of(catalogued, told, {OLDER, LATEST})
    assert hints.complete
    assert {hint.tag: hint.digest for hint in hints.hints} == pushed
    assert all(hint.updated is not None for hint in hints.hints)


def test_the_catalogue_tells_the_latest_pushed_first(catalogued: UpstreamSite, told: Repository) -> None:
    for tag in (LATEST, OLDER):
        catalogued.push(told, tag, tag)
        hints_of(catalogued, told, {LATEST} if tag == LATEST else {LATEST, OLDER})
    time.sleep(0.6)
    assert [hint.tag for hint in hints_of(catalogued, told, {LATEST, OLDER}).hints] == [OLDER, LATEST]


def test_a_repository_that_is_not_there_is_in_no_catalogue(catalogued: UpstreamSite, told: Repository) -> None:
    assert catalogued.upstream.hints(told, None) is None


def test_what_was_pushed_long_ago_need_not_be_told(catalogued: UpstreamSite, told: Repository) -> None:
    catalogued.push(told, LATEST, "first")
    hints_of(catalogued, told, {LATEST})
    hints = catalogued.upstream.hints(told, datetime.now(UTC) + timedelta(days=3650))
    assert hints is not None
    assert hints.complete or hints.hints == ()


@pytest.mark.parametrize("front", FRONTS)
def test_of_several_architectures_the_index_is_what_counts(outside: Outside, word: str, front: str) -> None:
    pushed = push_index(outside.topology, front, f"library/{word}:{LATEST}", "amd64", "arm64")
    site = EmulatedUpstreamSite(outside, front)
    assert site.upstream.digest(Repository(site.registry, f"library/{word}"), LATEST) == pushed
