"""The scanner and its databases, as upstreams have them, come through every real adapter to where runs find them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from infra.local.scanner.database import push_database
from infra.local.scanner.upstream import DATABASE, JAVA_DATABASE, SCANNER, Published, publish
from shared.errors import ToolMissing
from shared.run_ports import ScannerInUse
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration


@pytest.fixture
def published(product: Product) -> Iterator[Published]:
    """The scanner and its databases, upstream, and a watch list that names them."""
    made = publish(product.twin.topology)
    other = product.twin.topology.address("other")
    text = f"""
scanner: {{image: 'docker.io/{SCANNER}@{made.scanner}', database: trivy-db, java_database: java}}
images:
  - {{name: trivy-db, source: '{other}/{DATABASE}', tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: java, source: '{other}/{JAVA_DATABASE}', tags: [1], target: tools/java, registry: staging}}
"""
    product.parts.configuration._container.write("images.yaml", text.encode())  # type: ignore[attr-defined]
    yield made
    product.configure()


def current(product: Product) -> ScannerInUse:
    """Return the scanner in use."""
    return product.parts.tooling.scanners.current()


def go_on(product: Product) -> None:
    """Check, sweep, and work until all is done."""
    product.check()
    product.parts.tooling.sweep()
    product.settle()


def staged(product: Product, place: str) -> str:
    """Return the kind of the manifest that the staging registry really has at a digest."""
    repository, _, digest = place.partition("@")
    url = f"{product.twin.topology.http('backing_staging')}/v2/{repository}/manifests/{digest}"
    answer = requests.get(url, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}, timeout=9)
    answer.raise_for_status()
    return str(answer.json()["layers"][0]["mediaType"])


def test_artefacts_and_the_scanner_are_mirrored_by_digest_and_followed_and_fetched_again(
    product: Product, published: Published
) -> None:
    with pytest.raises(ToolMissing):
        current(product)
    go_on(product)
    in_use = current(product)
    assert in_use == ScannerInUse(
        f"tools/scanner@{published.scanner}",
        f"tools/trivy-db@{published.database}",
        f"tools/java@{published.java_database}",
    )
    assert staged(product, in_use.database) == "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
    newer = push_database(
        product.twin.topology.http("backing_other"), DATABASE, updated=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert newer != published.database
    go_on(product)
    assert current(product).database == f"tools/trivy-db@{newer}"
    url = f"{product.twin.topology.http('backing_staging')}/v2/tools/trivy-db/manifests/{newer}"
    requests.delete(url, timeout=9).raise_for_status()
    product.clock.now = product.clock.now.replace(year=product.clock.now.year + 1)
    with pytest.raises(ToolMissing, match="does not hold tools/trivy-db@"):
        current(product)
    product.settle()
    assert current(product).database == f"tools/trivy-db@{newer}"
