"""Housekeeping through every real adapter: what ended goes from staging, and what is needed stays pullable."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
import requests

from infra.local.emulator.assignments import APP
from infra.local.emulator.role_definitions import HOUSEKEEPING, LOCKS
from infra.local.topology import BASE
from shared.domain.housekeeping.reasons import Place, Spared
from shared.domain.references import Digest
from shared.domain.travel.locked import LockState
from tests.integration.conftest import Product
from tests.twin.images import push_referrer

pytestmark = pytest.mark.integration


def there(product: Product, part: str, digest: str) -> bool:
    """Whether a registry really has a manifest."""
    url = f"{product.twin.topology.http(f'backing_{part}')}/v2/{product.target}/manifests/{digest}"
    accept = "application/vnd.oci.image.manifest.v1+json"
    return requests.head(url, headers={"Accept": accept}, timeout=9).status_code == 200


def signed(product: Product, digest: str) -> str:
    """Push a signature of something in staging."""
    return push_referrer(product.twin.topology, "staging", product.target, digest, "text/x-signature", digest)


def test_what_was_rejected_goes_with_its_signature_and_what_is_in_force_or_was_stays(product: Product) -> None:
    first, second = product.update("one").digest, product.update("two").digest
    broken = product.update("three is broken").digest
    fourth = product.update("four").digest
    signatures = {digest: signed(product, digest) for digest in (second, broken)}
    assert product.base_digest() == fourth
    lister = product.parts.housekeeping.lister
    (site,) = lister.list(place=Place.STAGING, name=product.target).sites
    assert site.tally.deleted == {"ended": 1, "with-its-subject": 1}, "the clock is years ahead of the registry's"
    assert product.parts.housekeeping.keeper.sweep() is False
    assert [there(product, "staging", digest) for digest in (first, second, broken, fourth)] == [
        True,
        True,
        False,
        True,
    ]
    assert there(product, "staging", signatures[second])
    assert not there(product, "staging", signatures[broken])
    assert all(there(product, "base", digest) for digest in (first, second, fourth))
    (line,) = product.parts.activity.of(f"housekeeping:staging/{product.target}", 10)
    assert line.name == "house-kept"
    assert product.parts.housekeeping.keeper.sweep() is False
    (site,) = lister.list(place=Place.STAGING, name=product.target).sites
    assert site.tally.deleted == {}


def tags_in_base(product: Product) -> set[str]:
    """The tags that the base registry really has."""
    url = f"{product.twin.topology.http('backing_base')}/v2/{product.target}/tags/list"
    return set(requests.get(url, timeout=9).json()["tags"])


def asks_for_unique_tags(product: Product, travels: str = "") -> None:
    """Have each digest keep a name, of which one stays; and let the app delete in the base registry."""
    product.configure(settings={"HOUSEKEEPING": "staging,base", "UNIQUE_TAGS_KEPT": "1"})
    entry = f"{{name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, gate: release"
    text = f"images: [{entry}, unique_tag: '{{tag}}-{{yyyymmdd}}.{{n}}'{travels}}}]"
    product.parts.configuration._container.write("images.yaml", text.encode())  # type: ignore[attr-defined]
    product.given = product.emulated()["assignments"]
    scope = product.twin.topology.registry_id(BASE)
    product.emulate(assignments=[*product.given, {"principal": APP, "role": HOUSEKEEPING, "scope": scope}])


def days_pass(product: Product, days: int) -> None:
    """Let days pass, and have what was to be looked at meanwhile looked at: what may come late has not come."""
    product.clock.advance(timedelta(days=days))
    product.parts.travelling.sweep()
    product.settle()


def test_old_unique_tags_go_from_base_and_are_not_brought_back(product: Product) -> None:
    asks_for_unique_tags(product)
    releases = [product.update(release).digest for release in ("one", "two", "three", "four")]
    uniques = {f"1-20300101.{number}" for number in range(1, 5)}
    assert tags_in_base(product) == {"1", *uniques}
    (stored,) = product.parts.targets.of_repository(product.parts.target_book.registry, product.target)
    # Ten formers are kept in any case; a day's test has not as many.
    product.parts.targets.replace(stored, msgspec.structs.replace(stored.record, former=stored.record.former[:1]))
    days_pass(product, 20)
    assert product.parts.housekeeping.keeper.sweep() is False
    assert [there(product, "base", digest) for digest in releases] == [False, False, True, True]
    assert len(tags_in_base(product)) == 3
    left = tags_in_base(product)
    product.parts.comparer.plan("")
    product.parts.travelling.sweep()
    product.settle()
    assert tags_in_base(product) == left
    assert product.base_digest() == releases[-1]


def closed(product: Product, of: str) -> bool:
    """Whether a tag or a digest of the base registry is locked."""
    found = product.parts.base.attributes(product.target, of)
    assert found is not None, of
    return bool(found.closed)


def test_a_locked_name_goes_that_is_old_and_a_newer_one_and_one_that_others_locked_stay_locked(
    product: Product,
) -> None:
    asks_for_unique_tags(product, ", lock: unique, referrers: 'off'")
    product.permit(LOCKS, BASE)
    old = product.update("one").digest
    theirs = product.update("two").digest
    newer, newest = product.update("three").digest, product.update("four").digest
    names = [f"1-20300101.{number}" for number in range(1, 5)]
    assert all(closed(product, of) for of in (*names, old, theirs, newer, newest))
    # As it is noted where somebody had locked all of it before us.
    book = product.parts.travelling.book
    stored = book.read(product.target, Digest(theirs))
    assert stored is not None
    ours = tuple(msgspec.structs.replace(one, ours=(), state=LockState.THEIRS) for one in stored.record.locks)
    book.records.replace(stored, msgspec.structs.replace(stored.record, locks=ours))
    (target,) = product.parts.targets.of_repository(product.parts.target_book.registry, product.target)
    product.parts.targets.replace(target, msgspec.structs.replace(target.record, former=target.record.former[:1]))
    # A round a day, whatever a test before this one has had made by then.
    days_pass(product, 25)
    lister = product.parts.housekeeping.lister
    (site,) = lister.list(place=Place.BASE, name=product.target).sites
    assert [(one.digest, one.tags, one.unlocks) for one in site.goes] == [(old, (names[0],), True)]
    assert [one.digest for one in site.stays if one.why is Spared.LOCKED] == [theirs]
    assert all(closed(product, of) for of in (names[0], old))
    assert product.parts.housekeeping.keeper.sweep() is False
    assert [there(product, "base", digest) for digest in (old, theirs, newer, newest)] == [False, True, True, True]
    assert tags_in_base(product) == {"1", *names[1:]}
    assert all(closed(product, of) for of in (*names[1:], theirs, newer, newest))
    product.clock.advance(timedelta(hours=1))
    product.parts.comparer.plan("")
    product.parts.travelling.sweep()
    product.settle()
    assert tags_in_base(product) == {"1", *names[1:]}
    assert all(closed(product, of) for of in (*names[1:], theirs, newer, newest))
