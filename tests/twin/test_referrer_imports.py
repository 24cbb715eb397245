"""importImage and what refers to images: each is imported by its digest, none comes along."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError

from infra.local.topology import BASE, STAGING
from tests.twin.conftest import Twin
from tests.twin.images import digest_at, push_image, push_index, push_referrer
from tests.twin.listener import Listener
from tests.twin.test_imports import import_image
from tests.twin.test_referrers import NOBODY, SBOM, SIGNATURE, ask, listed
from tests.twin.test_webhooks import create, listener

__all__ = ["listener"]
pytestmark = pytest.mark.twin


@pytest.fixture(params=["copied", "played"])
def made(request: pytest.FixtureRequest, twin: Twin) -> str:
    """Let imports be made in each way there is, and return a word for the test's repositories."""
    twin.control("POST", "/settings", {"imports_played": request.param == "played"})
    return str(request.param)


def promote(twin: Twin, repository: str, digest: str, *tags: str) -> None:
    """Import one digest from staging into base, without a tag if none is named."""
    source = {"resourceId": twin.topology.registry_id(STAGING), "sourceImage": f"{repository}@{digest}"}
    untagged = [] if tags else [repository]
    import_image(twin, BASE, source, *tags, untaggedTargetRepositories=untagged)


def test_an_import_leaves_behind_what_refers_to_its_image(twin: Twin, made: str) -> None:
    repository = f"left-{made}/app"
    digest = push_index(twin.topology, "staging", f"{repository}:1", "amd64", "arm64")
    push_referrer(twin.topology, "staging", repository, digest, SBOM, "sbom")
    promote(twin, repository, digest, f"{repository}:1")
    assert listed(ask(twin, repository, digest)) == []


def test_a_referrer_is_imported_by_its_digest_without_a_tag_and_listed_there(twin: Twin, made: str) -> None:
    repository = f"brought-{made}/app"
    digest = push_image(twin.topology, "staging", f"{repository}:1", "image")
    sbom = push_referrer(twin.topology, "staging", repository, digest, SBOM, "sbom")
    signed = push_referrer(twin.topology, "staging", repository, sbom, SIGNATURE, "signature of the sbom")
    for one in (digest, sbom, signed):
        promote(twin, repository, one)
    answer = ask(twin, repository, digest)
    assert (listed(answer), answer.json()["manifests"][0]["artifactType"]) == ([sbom], SBOM)
    assert listed(ask(twin, repository, sbom)) == [signed]
    with twin.client("base") as client:
        assert client.get_repository_properties(repository).tag_count == 0


def test_a_referrer_may_be_imported_before_its_subject(twin: Twin, made: str) -> None:
    repository = f"first-{made}/app"
    digest = push_image(twin.topology, "staging", f"{repository}:1", "late")
    sbom = push_referrer(twin.topology, "staging", repository, digest, SBOM, "sbom")
    promote(twin, repository, sbom)
    assert listed(ask(twin, repository, digest)) == [sbom]
    assert digest_at(twin.topology, "base", f"{repository}:{digest}") is None


def test_where_subjects_are_required_a_referrer_is_not_imported_before_its_own(twin: Twin) -> None:
    twin.control("POST", "/settings", {"import_subjects": "required"})
    digest = push_image(twin.topology, "staging", "strict/app:1", "strict")
    sbom = push_referrer(twin.topology, "staging", "strict/app", digest, SBOM, "sbom")
    with pytest.raises(HttpResponseError, match="manifest unknown"):
        promote(twin, "strict/app", sbom)
    promote(twin, "strict/app", digest, "strict/app:1")
    promote(twin, "strict/app", sbom)
    assert listed(ask(twin, "strict/app", digest)) == [sbom]


def test_where_subjects_are_followed_they_come_along_without_a_tag(twin: Twin) -> None:
    twin.control("POST", "/settings", {"import_subjects": "followed"})
    digest = push_image(twin.topology, "staging", "followed/app:1", "followed")
    sbom = push_referrer(twin.topology, "staging", "followed/app", digest, SBOM, "sbom")
    signed = push_referrer(twin.topology, "staging", "followed/app", sbom, SIGNATURE, "signature of the sbom")
    promote(twin, "followed/app", signed)
    assert [digest_at(twin.topology, "base", f"followed/app:{one}") for one in (sbom, digest)] == [sbom, digest]


def test_a_referrer_whose_subject_is_nowhere_is_imported_all_the_same(twin: Twin) -> None:
    twin.control("POST", "/settings", {"import_subjects": "followed"})
    lone = push_referrer(twin.topology, "staging", "lone/app", NOBODY, SBOM, "lone")
    promote(twin, "lone/app", lone)
    assert listed(ask(twin, "lone/app", NOBODY)) == [lone]


def test_what_was_imported_without_a_tag_is_listed_without_one_and_as_new(twin: Twin) -> None:
    digest = push_image(twin.topology, "staging", "nameless/app:1", "nameless")
    promote(twin, "nameless/app", digest)
    with twin.client("base") as client:
        (found,) = client.list_manifest_properties("nameless/app")
        assert (found.digest, found.tags) == (digest, [])
        assert found.last_updated_on is not None
        assert "nameless/app" in list(client.list_repository_names())
        assert list(client.list_tag_properties("nameless/app")) == []


@pytest.mark.parametrize("told", [False, True])
def test_webhooks_tell_of_an_import_without_a_tag_only_where_the_settings_say_so(
    twin: Twin, listener: Listener, told: bool
) -> None:
    twin.control("POST", "/settings", {"untagged_pushes_told": told})
    repository = f"quiet-{told}/app".lower()
    create(twin, listener, scope=f"{repository}:*")
    digest = push_image(twin.topology, "staging", f"{repository}:1", "quiet")
    promote(twin, repository, digest)
    promote(twin, repository, digest, f"{repository}:last")
    bodies = [body["target"] for body, _ in listener.wait(2 if told else 1)]
    expected = [(digest, None), (digest, "last")] if told else [(digest, "last")]
    assert [(body["digest"], body.get("tag")) for body in bodies] == expected
