"""From a watch list that calls another scanner to the base registry: all of it is real, the scanner too.

Trivy is the other scanner here, called as a list calls one and asked for a report in its own JSON.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator

import pytest

from infra.local.scanner.database import push_database
from infra.local.scanner.systems import CLEAN, FIXABLE_CRITICAL
from infra.local.scanner.upstream import DATABASE, JAVA_DATABASE, SCANNER, publish
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.scan.scan_runs import scan_log_name
from tests.integration.conftest import Product, push_bash

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the scanner's package is for x86_64"),
]

_COMMAND = (
    "image --quiet --config /dev/null --ignorefile /dev/null --image-src remote --skip-version-check "
    "--disable-telemetry --offline-scan --cache-dir {cache} --scanners vuln --platform {platform} --db-repository "
    "{database} --java-db-repository {java_database} --output {output} --format json {image}"
)
# Tools of names of their own: others on this twin are told apart from them.
_LIST = """
scanner:
  image: 'docker.io/{scanner}@{digest}'
  database: other-db
  java_database: other-java
  format: trivy-json
  command: {command}
policies: {{careful: {{scan: {{block: high, fixable: true, max_db_age: 3d}}}}}}
images:
  - {{name: other-db, source: '{other}/{database}', tags: [2], target: tools/other-db, registry: staging}}
  - {{name: other-java, source: '{other}/{java}', tags: [1], target: tools/other-java, registry: staging}}
  - {{name: it, source: docker.io/{path}, tags: [1], target: {target}, policy: careful}}
"""


@pytest.fixture
def scanned(product: Product) -> Iterator[Product]:
    """A product whose list calls another scanner, and whose database is of the day of its clock."""
    made, topology = publish(product.twin.topology), product.twin.topology
    push_database(topology.http("backing_other"), DATABASE, updated=product.clock.now)
    push_bash(product)
    text = _LIST.format(
        scanner=SCANNER,
        digest=made.scanner,
        command=json.dumps(_COMMAND.split()),
        other=topology.address("other"),
        database=DATABASE,
        java=JAVA_DATABASE,
        path=product.path,
        target=product.target,
    )
    product.parts.configuration._container.write("images.yaml", text.encode())  # type: ignore[attr-defined]
    product.gate = None
    yield product
    product.configure()


def decided(product: Product, release: str, files: dict[str, str]) -> Candidate:
    """Release an image of these files, and go on until something is decided of it."""
    digest = product.push(release, files=files).digest
    for _ in range(5):
        product.check()
        product.parts.tooling.sweep()
        product.settle()
        found = product.stored(digest)
        if found is not None and found.status in (Status.PROMOTED, Status.REJECTED):
            return found
    raise AssertionError(f"nothing was decided of {digest}: {found.last if found else 'it is not known'}")


def log_of(product: Product, candidate: Candidate) -> str:
    """Return the kept log of the run that scanned a candidate."""
    scan = product.parts.scan_book.of(candidate.digest)
    assert scan is not None
    assert scan.taken is not None
    return (product.parts.evidence.read(scan.id, scan_log_name(scan, scan.taken)) or b"").decode()


def test_what_another_scanner_finds_clean_is_promoted_and_what_it_speaks_against_is_rejected_by_name(
    scanned: Product,
) -> None:
    clean = decided(scanned, "release 1", CLEAN)
    assert (clean.status, scanned.base_digest()) == (Status.PROMOTED, clean.digest)
    found = decided(scanned, "release 2", FIXABLE_CRITICAL)
    assert (found.status, scanned.base_digest()) == (Status.REJECTED, clean.digest)
    assert "CVE-2026-90001" in found.last.detail
    assert "libssl3" in found.last.detail
    assert "packed trivy-json" in log_of(scanned, found), "it was the command of the list that was run"
