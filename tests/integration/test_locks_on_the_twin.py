"""Locks by every real adapter: closed in the base registry, moved with their tag, spared by purges, left to people."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import requests
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError

from infra.local.emulator.role_definitions import LOCKS, PUSH
from infra.local.topology import BASE
from infra.local.twin.images import put_manifest
from shared.domain.promotion.admission import Waiting
from shared.domain.references import Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import CHANGES, Right
from tests.doubles.beside import index_of
from tests.integration.conftest import Product
from tests.twin.images import ANY, INDEX, MANIFEST, push_index, push_referrer
from tests.twin.test_referrers import SBOM

pytestmark = pytest.mark.integration

STABLE = Tag("1")


@pytest.fixture
def locking(product: Product) -> Product:
    """A product whose one image keeps a name, which is locked like the tag, and may lock in the base registry."""
    write = product.parts.configuration._container.write  # type: ignore[attr-defined]
    travels = "referrers: required, unique_tag: '{tag}-{yyyymmdd}.{n}', lock: [unique, stable]"
    entry = f"{{name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, {travels}}}"
    write("images.yaml", f"images: [{entry}]".encode())
    product.gate = None
    product.permit(LOCKS, BASE)
    return product


def release(product: Product, name: str) -> tuple[str, list[str], str]:
    """Release an index of two platforms that has an SBOM, and work until all is done; return the digests of all."""
    topology = product.twin.topology
    digest = push_index(topology, "docker_hub", f"{product.path}:1", f"{name} amd64", f"{name} arm64")
    sbom = push_referrer(topology, "docker_hub", product.path, digest, SBOM, f"{name} sbom")
    listed = json.dumps(index_of({"mediaType": MANIFEST, "digest": sbom, "size": 1, "artifactType": SBOM})).encode()
    hub = topology.http("backing_docker_hub")
    put_manifest(hub, product.path, digest.replace(":", "-"), INDEX, listed)
    product.check()
    product.settle()
    index = requests.get(manifest_at(product, "docker_hub", product.path, digest), headers={"Accept": ANY}, timeout=9)
    return digest, [one["digest"] for one in index.json()["manifests"]], sbom


def manifest_at(product: Product, part: str, repository: str, reference: str) -> str:
    """Return the address of a manifest behind the twin's fronts."""
    return f"{product.twin.topology.http(f'backing_{part}')}/v2/{repository}/manifests/{reference}"


def is_there(product: Product, reference: str) -> bool:
    """Whether the base registry really has a tag or a digest, with all its content."""
    answer = requests.get(manifest_at(product, "base", product.target, reference), headers={"Accept": ANY}, timeout=9)
    return answer.status_code == 200


def closed(product: Product, of: str) -> frozenset[Right]:
    """Return what a tag or a digest of the base registry is closed to."""
    found = product.parts.base.attributes(product.target, of)
    assert found is not None, of
    return found.closed


def beside(product: Product, digest: str) -> Companions:
    """Return the companions of a digest."""
    found = [one.record for one in product.parts.companions.of_repository(BASE, product.target)]
    return next(one for one in found if one.digest == digest)


def refused(call: Callable[[], object]) -> bool:
    """Whether a lock forbids a call, in Azure's words."""
    with pytest.raises(HttpResponseError) as refusal:
        call()
    return refusal.value.status_code == 405 and "REGISTRY_DISALLOWED_OPERATION" in str(refusal.value.response.text())  # type: ignore[union-attr]


def client_of(product: Product) -> ContainerRegistryClient:
    """Return a client of the base registry."""
    base = product.parts.base
    return base._clients.data_plane(base._login_server)  # type: ignore[attr-defined,no-any-return]


def test_all_of_an_image_is_locked_and_nobody_pushes_to_its_name_while_we_move_its_tag(locking: Product) -> None:
    one, children, _ = release(locking, "one")
    (name,) = (each.name for each in beside(locking, one).unique)
    assert locking.base_digest() == one
    assert {closed(locking, of) for of in (name, STABLE, one, *children)} == {CHANGES}
    assert closed(locking, "") == frozenset()

    locking.permit(PUSH, BASE)
    client = client_of(locking)
    manifest = client.get_manifest(locking.target, children[0]).manifest
    assert refused(lambda: client.set_manifest(locking.target, manifest, tag=name))
    assert refused(lambda: client.set_manifest(locking.target, manifest, tag=STABLE))

    two, others, _ = release(locking, "two")
    assert (locking.base_digest(), closed(locking, STABLE)) == (two, CHANGES)
    assert {closed(locking, of) for of in (name, one, *children, two, *others)} == {CHANGES}
    lock = beside(locking, two).lock_of(STABLE)
    assert lock is not None
    assert set(lock.ours) == CHANGES


def test_a_purge_at_any_time_leaves_everything_to_be_pulled(locking: Product) -> None:
    one, children, sbom = release(locking, "one")
    (name,) = (each.name for each in beside(locking, one).unique)
    two, others, another = release(locking, "two")
    everything = (name, STABLE, one, *children, sbom, two, *others, another)
    assert [of for of in everything if not is_there(locking, of)] == []
    for options in ({"untagged_only": True}, {"untagged": True}):
        gone = locking.purge(**options)
        assert (gone["tags"], gone["manifests"]) == ([], [])
        assert [of for of in everything if not is_there(locking, of)] == []


def test_a_lock_of_a_person_holds_the_tag_and_unlocking_lets_it_go_on(product: Product) -> None:
    write = product.parts.configuration._container.write  # type: ignore[attr-defined]
    travels = "referrers: 'off', unique_tag: '{tag}-{yyyymmdd}.{n}', lock: unique"
    entry = f"{{name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, {travels}}}"
    write("images.yaml", f"images: [{entry}]".encode())
    product.gate = None
    product.permit(LOCKS, BASE)
    one, _, _ = release(product, "one")
    product.parts.base.lock(product.target, STABLE, CHANGES)
    topology = product.twin.topology
    two = push_index(topology, "docker_hub", f"{product.path}:1", "two amd64", "two arm64")
    product.check()
    for _ in range(400):
        product.step()
        target = product.parts.target_book.of(product.target, STABLE)
        if target is not None and target.barred is not None:
            break
    assert target is not None
    assert target.barred is not None
    assert (target.barred.waiting, product.base_digest()) == (Waiting.LOCKED, one)
    product.parts.base.unlock(product.target, STABLE, CHANGES)
    product.clock.now += timedelta(minutes=61)
    stored = product.parts.targets.get(target.id)
    assert stored is not None
    product.parts.reconciler.look(stored)
    product.settle()
    assert (product.base_digest(), closed(product, STABLE)) == (two, frozenset())


def test_without_the_right_to_lock_the_tag_waits_and_says_what_the_app_may_not_do(product: Product) -> None:
    write = product.parts.configuration._container.write  # type: ignore[attr-defined]
    travels = "referrers: 'off', unique_tag: '{tag}-{yyyymmdd}.{n}', lock: unique"
    entry = f"{{name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, {travels}}}"
    write("images.yaml", f"images: [{entry}]".encode())
    product.gate = None
    topology = product.twin.topology
    digest = push_index(topology, "docker_hub", f"{product.path}:1", "one amd64")
    product.check()
    for _ in range(400):
        product.step()
        known = [one.record for one in product.parts.companions.of_repository(BASE, product.target)]
        troubles = [lock.tries.trouble for one in known for lock in one.locks if lock.tries.trouble]
        if troubles:
            break
    assert [one.digest for one in known] == [digest]
    assert all("the role 'Tidegate locks'" in trouble for trouble in troubles)
    assert product.base_digest() is None
    assert closed(product, known[0].unique[0].name) == frozenset()


def test_a_name_that_is_not_there_locks_nothing_else(locking: Product) -> None:
    one, _, _ = release(locking, "one")
    assert locking.parts.base.lock(locking.target, "never", CHANGES) is None
    assert closed(locking, "") == frozenset()
    counted = locking.counts()["base"]
    assert not any(kind.startswith("PATCH repository") for kind in counted), json.dumps(counted)
    assert is_there(locking, one)
