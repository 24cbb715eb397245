"""The port ``TravelRegistry``: the double and the adapter to Azure Container Registry, held to the same promises."""

from __future__ import annotations

import pytest
import requests

from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import LOCKS
from infra.local.topology import BASE
from shared.domain.references import Digest, Repository, Tag
from shared.domain.travel.locked import CHANGES, Attributes, ListedTags, Right
from shared.domain.travel.manifests import parts_of
from shared.ports import ImportSource
from shared.travel_ports import TravelRegistry
from tests.contract.registry_fixtures import Outside, emulator, outside, outside_or_none, side, word
from tests.contract.registry_sites import RegistrySite, registry_site
from tests.doubles.referrers import index, referrer
from tests.doubles.registries import InMemoryRegistry, digest_of
from tests.twin.images import push_index, push_referrer

__all__ = ["emulator", "outside", "outside_or_none", "side", "word"]
pytestmark = pytest.mark.contract

SBOM = "application/spdx+json"


class Site:
    """A staging and a base registry, with an image of two platforms and its SBOM in staging."""

    def __init__(self, outside: Outside | None, word: str) -> None:
        self.all: RegistrySite = registry_site(outside)
        self.base: TravelRegistry = self.all.base  # type: ignore[assignment]
        self.staging: TravelRegistry = self.all.staging  # type: ignore[assignment]
        self.repository = word
        if outside is None:
            self.image = index(digest_of("amd64"), digest_of("arm64"))
            self.sbom = referrer(self.image, SBOM).digest
            assert isinstance(self.staging, InMemoryRegistry)
            self.staging._manifests |= {(word, self.image), (word, self.sbom)}
        else:
            self.image = Digest(push_index(outside.topology, "staging", f"{word}:1", "amd64", "arm64"))
            self.sbom = Digest(push_referrer(outside.topology, "staging", word, self.image, SBOM, "sbom"))

    def bring(self, digest: Digest) -> None:
        """Import a digest into the base registry, under no tag."""
        source = ImportSource(Repository("staging", self.repository), digest, staging=True)
        self.all.finish(self.base, self.base.start_import(source, self.repository))


@pytest.fixture
def site(outside_or_none: Outside | None, word: str) -> Site:
    """The registries under test."""
    return Site(outside_or_none, word)


def test_what_is_imported_without_a_tag_is_there_by_its_digest_alone(site: Site) -> None:
    assert not site.base.holds(site.repository, site.image)
    site.bring(site.image)
    assert site.base.holds(site.repository, site.image)
    assert site.base.list_tags(site.repository) == {}
    assert site.image in site.base.closed(site.repository)


def test_a_referrer_that_is_imported_is_listed_beside_its_subject(site: Site) -> None:
    site.bring(site.image)
    before = site.base.referrers(site.repository, site.image)
    assert before is not None
    assert before.entries == ()
    site.bring(site.sbom)
    after = site.base.referrers(site.repository, site.image)
    assert after is not None
    assert [(one.digest, one.subject) for one in after.entries] == [(site.sbom, site.image)]


def test_the_manifest_of_a_digest_is_read_as_it_is_or_is_not_there(site: Site) -> None:
    body = site.staging.manifest(site.repository, site.image)
    assert body is not None
    assert b"manifests" in body
    assert site.base.manifest(site.repository, site.image) is None


def test_a_repository_that_nobody_knows_has_nothing(site: Site) -> None:
    assert site.base.closed(f"{site.repository}/none") == {}


# Locks.


@pytest.fixture
def locking(site: Site, outside_or_none: Outside | None) -> Site:
    """The same, with the right to change locks, and the image in the base registry under a tag."""
    if outside_or_none is not None:
        permit_locks(outside_or_none)
    source = ImportSource(Repository("staging", site.repository), site.image, staging=True)
    site.all.finish(site.base, site.base.start_import(source, site.repository, Tag("22")))
    return site


def permit_locks(outside: Outside) -> None:
    """Give the app the role that the templates give where locks are on."""
    control = outside.topology.http("control")
    given = requests.get(f"{control}/settings", timeout=9).json().get("assignments")
    if given:
        more = {"principal": APP, "role": LOCKS, "scope": outside.topology.registry_id(BASE)}
        requests.post(f"{control}/settings", json={"assignments": [*given, more]}, timeout=9).raise_for_status()


def test_tag_and_manifest_are_closed_and_opened_apart_right_by_right(locking: Site) -> None:
    base, of = locking.base, locking.repository
    assert base.attributes(of, "22") == Attributes(frozenset(), locking.image)
    assert base.lock(of, "22", CHANGES) == Attributes(CHANGES, locking.image)
    assert base.attributes(of, locking.image) == Attributes(frozenset(), locking.image)
    assert base.lock(of, locking.image, [Right.READ]) == Attributes(frozenset({Right.READ}), locking.image)
    assert base.unlock(of, "22", [Right.DELETE]) == Attributes(frozenset({Right.WRITE}), locking.image)
    assert base.attributes(of, "") == Attributes(frozenset())


def test_two_listings_tell_what_is_closed(locking: Site) -> None:
    base, of = locking.base, locking.repository
    base.lock(of, "22", CHANGES)
    base.lock(of, locking.image, CHANGES)
    tags = base.list_tags(of)
    assert isinstance(tags, ListedTags)
    assert (dict(tags), tags.closed) == ({"22": locking.image}, {"22": CHANGES})
    closed = base.closed(of)
    assert closed[locking.image] == CHANGES
    index = base.manifest(of, locking.image)
    assert index is not None
    assert closed.keys() == {locking.image, *parts_of(index)}
    assert base.closed(f"{of}/none") == {}


def test_what_is_not_there_is_none_and_nothing_else_is_closed(locking: Site) -> None:
    base, of = locking.base, locking.repository
    for missing in ("never", digest_of("never")):
        assert base.attributes(of, missing) is None
        assert base.lock(of, missing, CHANGES) is None
        assert base.unlock(of, missing, CHANGES) is None
    assert base.attributes(f"{of}/none", "") is None
    assert base.attributes(of, "") == Attributes(frozenset())
    assert set(base.closed(of).values()) == {frozenset()}


def test_an_import_moves_a_locked_tag_and_leaves_its_lock(locking: Site) -> None:
    base, of = locking.base, locking.repository
    base.lock(of, "22", CHANGES)
    source = ImportSource(Repository("staging", of), locking.sbom, staging=True)
    locking.all.finish(base, base.start_import(source, of, Tag("22")))
    assert base.attributes(of, "22") == Attributes(CHANGES, locking.sbom)
