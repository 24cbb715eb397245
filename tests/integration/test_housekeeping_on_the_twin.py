"""Housekeeping through every real adapter: what ended goes from staging, and what is needed stays pullable."""

from __future__ import annotations

import pytest
import requests

from shared.domain.housekeeping.reasons import Place
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
