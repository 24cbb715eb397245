"""The port ``Upstream``: the double, Docker Hub and MCR, all held to the same promises."""

from __future__ import annotations

import pytest

from shared.domain.references import DOCKER_HUB, MCR, Repository, Tag
from tests.contract.registry_fixtures import Outside, emulator, outside, word
from tests.contract.registry_sites import EmulatedUpstreamSite, InMemoryUpstreamSite, UpstreamSite
from tests.twin.images import push_index

__all__ = ["emulator", "outside", "word"]
pytestmark = pytest.mark.contract

UPSTREAMS = ("double", DOCKER_HUB, MCR)
LATEST = Tag("22-alpine")


@pytest.fixture(params=UPSTREAMS)
def site(request: pytest.FixtureRequest) -> UpstreamSite:
    """Each upstream in turn."""
    if request.param == "double":
        return InMemoryUpstreamSite()
    return EmulatedUpstreamSite(request.getfixturevalue("outside"), request.param)


@pytest.fixture
def repository(site: UpstreamSite, word: str) -> Repository:
    """A repository of the test's own."""
    registry = MCR if getattr(site, "_part", "") == "mcr" else DOCKER_HUB
    return Repository(registry, f"library/{word}")


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


@pytest.mark.parametrize("registry", [DOCKER_HUB, MCR])
def test_of_several_architectures_the_index_is_what_counts(outside: Outside, word: str, registry: str) -> None:
    part = "mcr" if registry == MCR else "docker_hub"
    pushed = push_index(outside.topology, part, f"library/{word}:{LATEST}", "amd64", "arm64")
    upstream = EmulatedUpstreamSite(outside, registry).upstream
    assert upstream.digest(Repository(registry, f"library/{word}"), LATEST) == pushed
