"""The port ``Registry``: the double and the adapter to Azure Container Registry, held to the same promises."""

from __future__ import annotations

import pytest

from shared.domain.references import DOCKER_HUB, Repository, Tag
from shared.errors import NotFound, OperationFailed
from shared.ports import ImportSource
from tests.contract.registry_fixtures import Outside, emulator, outside, outside_or_none, side, word
from tests.contract.registry_sites import RegistrySite, registry_site
from tests.doubles.registries import digest_of

__all__ = ["emulator", "outside", "outside_or_none", "side", "word"]
pytestmark = pytest.mark.contract

UPSTREAM_TAG, STAGED, PROMOTED = Tag("22"), Tag("22-0123456789abcdef"), Tag("22")


@pytest.fixture
def site(outside_or_none: Outside | None) -> RegistrySite:
    """An upstream, a staging and a base registry."""
    return registry_site(outside_or_none)


@pytest.fixture
def upstream(word: str) -> Repository:
    """An upstream repository of the test's own."""
    return Repository(DOCKER_HUB, f"library/{word}")


@pytest.fixture
def source(site: RegistrySite, upstream: Repository) -> ImportSource:
    """An image upstream, named by its digest."""
    return ImportSource(upstream, site.upstream.push(upstream, UPSTREAM_TAG, "first"))


def test_an_import_ends_with_the_tag_at_the_digest(site: RegistrySite, source: ImportSource, word: str) -> None:
    site.stage(source, word, STAGED)
    assert site.staging.digest(word, STAGED) == source.digest


def test_an_operation_under_way_has_a_token_and_one_that_is_done_has_none(
    site: RegistrySite, source: ImportSource, word: str
) -> None:
    started = site.staging.start_import(source, word, STAGED)
    assert (started.done, bool(started.token)) == (False, True)
    site.finish(site.staging, started)


def test_what_a_tag_pointed_at_before_it_moved_can_still_be_imported(
    site: RegistrySite, source: ImportSource, upstream: Repository, word: str
) -> None:
    site.upstream.push(upstream, UPSTREAM_TAG, "second")
    site.stage(source, word, STAGED)
    assert site.staging.digest(word, STAGED) == source.digest


def test_importing_twice_leaves_the_same(site: RegistrySite, source: ImportSource, word: str) -> None:
    site.stage(source, word, STAGED)
    site.stage(source, word, STAGED)
    assert site.staging.digest(word, STAGED) == source.digest


def test_an_import_replaces_what_the_tag_pointed_at(
    site: RegistrySite, source: ImportSource, upstream: Repository, word: str
) -> None:
    site.stage(source, word, STAGED)
    newer = site.upstream.push(upstream, UPSTREAM_TAG, "second")
    site.stage(ImportSource(upstream, newer), word, STAGED)
    assert site.staging.digest(word, STAGED) == newer


def test_what_is_staged_is_promoted_under_the_same_digest(site: RegistrySite, source: ImportSource, word: str) -> None:
    site.stage(source, word, STAGED)
    staged = ImportSource(Repository("staging", word), source.digest, staging=True)
    site.finish(site.base, site.base.start_import(staged, word, PROMOTED))
    assert site.base.digest(word, PROMOTED) == source.digest


def test_what_staging_does_not_hold_any_more_comes_back_from_the_base_registry_by_its_digest(
    site: RegistrySite, source: ImportSource, word: str
) -> None:
    site.stage(source, word, STAGED)
    staged = ImportSource(Repository("staging", word), source.digest, staging=True)
    site.finish(site.base, site.base.start_import(staged, word, PROMOTED))
    back = ImportSource(Repository("base", word), source.digest, base=True)
    site.stage(back, f"{word}-back", Tag("scan-0123456789abcdef"))
    assert site.staging.digest(f"{word}-back", Tag("scan-0123456789abcdef")) == source.digest


def test_what_the_base_registry_does_not_hold_cannot_come_back(
    site: RegistrySite, source: ImportSource, word: str
) -> None:
    site.stage(source, word, STAGED)
    operation = site.staging.start_import(
        ImportSource(Repository("base", word), source.digest, base=True), f"{word}-back", STAGED
    )
    with pytest.raises(OperationFailed):
        site.finish(site.staging, operation)
    assert site.staging.digest(f"{word}-back", STAGED) is None


def test_one_import_points_several_tags_at_its_digest(site: RegistrySite, source: ImportSource, word: str) -> None:
    site.stage(source, word, STAGED)
    staged = ImportSource(Repository("staging", word), source.digest, staging=True)
    tags = (PROMOTED, Tag("second"), Tag("third"))
    site.finish(site.base, site.base.start_import(staged, word, *tags))
    assert [site.base.digest(word, tag) for tag in tags] == [source.digest] * 3


def test_what_is_not_staged_cannot_be_promoted(site: RegistrySite, source: ImportSource, word: str) -> None:
    operation = site.base.start_import(ImportSource(source.repository, source.digest, staging=True), word, PROMOTED)
    with pytest.raises(OperationFailed):
        site.finish(site.base, operation)
    assert site.base.digest(word, PROMOTED) is None


def test_importing_a_digest_that_is_not_there_fails_for_good(
    site: RegistrySite, upstream: Repository, word: str
) -> None:
    site.upstream.push(upstream, UPSTREAM_TAG, "first")
    operation = site.staging.start_import(ImportSource(upstream, digest_of("never pushed")), word, STAGED)
    with pytest.raises(OperationFailed) as failed:
        site.finish(site.staging, operation)
    assert failed.value.temporary is False
    assert site.staging.digest(word, STAGED) is None


def test_a_token_that_cannot_be_read_is_an_operation_nobody_knows(site: RegistrySite) -> None:
    with pytest.raises(NotFound):
        site.staging.look_at_import("no token of ours")


def test_a_repository_that_is_not_there_lists_no_tags(site: RegistrySite, word: str) -> None:
    assert site.base.list_tags(word) == {}


def test_every_tag_is_listed_with_its_digest(
    site: RegistrySite, source: ImportSource, upstream: Repository, word: str
) -> None:
    other = ImportSource(upstream, site.upstream.push(upstream, UPSTREAM_TAG, "second"))
    site.stage(source, word, STAGED)
    site.stage(other, word, Tag("latest"))
    site.stage(source, f"{word}/below", STAGED)
    assert site.staging.list_tags(word) == {STAGED: source.digest, "latest": other.digest}


def test_a_tag_that_is_not_there_has_no_digest(site: RegistrySite, word: str) -> None:
    assert site.staging.digest(word, STAGED) is None


# By digest.


def test_a_digest_can_be_had_while_it_is_tagged_and_after_its_tag_moved_on(
    site: RegistrySite, source: ImportSource, upstream: Repository, word: str
) -> None:
    site.stage(source, word, STAGED)
    assert site.staging.holds(word, source.digest)
    newer = site.upstream.push(upstream, UPSTREAM_TAG, "second")
    site.stage(ImportSource(upstream, newer), word, STAGED)
    assert site.staging.holds(word, source.digest)
    assert site.staging.holds(word, newer)


def test_a_digest_that_was_never_there_cannot_be_had(site: RegistrySite, source: ImportSource, word: str) -> None:
    assert not site.staging.holds(word, source.digest)
    site.stage(source, word, STAGED)
    assert not site.staging.holds(word, digest_of("never pushed"))


def test_a_tag_goes_back_to_what_its_own_registry_still_has_without_a_tag(
    site: RegistrySite, source: ImportSource, upstream: Repository, word: str
) -> None:
    site.stage(source, word, STAGED)
    newer = site.upstream.push(upstream, UPSTREAM_TAG, "second")
    site.stage(ImportSource(upstream, newer), word, STAGED)
    site.stage(ImportSource(Repository("staging", word), source.digest, own=True), word, STAGED)
    assert site.staging.digest(word, STAGED) == source.digest


def test_what_its_own_registry_never_had_cannot_be_copied_there(
    site: RegistrySite, source: ImportSource, word: str
) -> None:
    operation = site.staging.start_import(
        ImportSource(Repository("staging", word), source.digest, own=True), word, STAGED
    )
    with pytest.raises(OperationFailed):
        site.finish(site.staging, operation)
