"""Signatures by every real adapter: read from a registry that keeps referrers under a tag, judged, and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest
from tests.doubles.beside import written
from tests.integration.conftest import Product
from tests.made_signatures.authorities import new_key, public_pem
from tests.made_signatures.cosign import bundle, key_bundle, statement
from tests.twin.images import push_beside

pytestmark = pytest.mark.integration

OURS, THEIRS = new_key(), new_key()


@pytest.fixture
def signed(product: Product) -> Product:
    """A product whose one image has to be signed by our key, and nothing else.

    Time passes by the looks at what is real: a test, on a busy machine, would take more than an image may be unsigned.
    """
    write = product.parts.configuration._container.write  # type: ignore[attr-defined]
    policy = "{signatures: {cosign: {key: keys/build.pem}}}"
    entry = f"{{name: it, source: docker.io/{product.path}, tags: [1], target: {product.target}, policy: {policy}}}"
    write("images.yaml", f"images: [{entry}]".encode())
    write("trust/keys/build.pem", public_pem(OURS))
    product.gate = None
    return product


def sign(product: Product, digest: str, key: object = OURS) -> None:
    """Sign a release as cosign does where a registry keeps no list of referrers."""
    made = written(bundle(key_bundle(statement(digest), key)), Digest(digest), said=False)
    push_beside(product.twin.topology, "docker_hub", product.path, digest, made)


def test_what_is_signed_after_it_was_staged_waits_for_nothing_else(signed: Product) -> None:
    pushed = signed.update("release 1")
    held = signed.candidate(pushed.digest)
    assert (held.status, held.last.reason, signed.base_digest()) == (Status.HELD, Reason.SIGNATURE_HELD, None)
    sign(signed, pushed.digest)
    signed.clock.now += timedelta(minutes=3)
    stored = signed.parts.candidates.get(held.id)
    assert stored is not None
    signed.parts.promoter.promote(stored)
    signed.settle()
    assert signed.base_digest() == pushed.digest
    assert signed.candidate(pushed.digest).status is Status.PROMOTED


def test_what_others_signed_stays_out_and_what_was_found_is_kept(signed: Product) -> None:
    pushed = signed.push("release 1")
    sign(signed, pushed.digest, THEIRS)
    signed.check()
    signed.settle()
    rejected = signed.candidate(pushed.digest)
    assert (rejected.status, rejected.last.reason) == (Status.REJECTED, Reason.SIGNATURE_REJECTED)
    assert signed.base_digest() is None
    container = signed.parts.evidence._container  # type: ignore[attr-defined]
    (kept,) = [one.name for one in container.under(f"{rejected.id}/signatures-")]
    assert b'"outcome": "wrong"' in container.read(kept, 10**6).content
