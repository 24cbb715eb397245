"""What people do, through every real adapter."""

from __future__ import annotations

import pytest

from shared.domain.access.callers import Caller, Role
from shared.domain.access.callers import Kind as CallerKind
from shared.domain.promotion.rulings import Kind
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.target import Target, target_id
from shared.domain.references import Digest, Tag
from shared.rules.sources import Place
from tests.integration.conftest import Product

pytestmark = pytest.mark.integration


def said(product: Product) -> Said:
    """Say something now."""
    return Said("ada", "it broke the shop", product.clock())


def name(product: Product) -> str:
    """Return the target's id."""
    return target_id(product.parts.target_book.registry, product.target, Tag("1"))


def target(product: Product) -> Target:
    """Return the target as it is."""
    stored = product.parts.targets.get(name(product))
    assert stored is not None
    return stored.record


def test_a_rollback_is_copied_within_the_base_registry_and_holds_against_the_next_check(product: Product) -> None:
    first, second = product.update("release 1"), product.update("release 2")
    assert product.base_digest() == second.digest
    assert product.parts.sources.where(target(product), Digest(first.digest)) is Place.BASE
    product.parts.actor.roll_back(name(product), None, said(product))
    product.settle()
    product.check()
    product.settle()
    assert product.base_digest() == first.digest
    assert target(product).why is Why.ROLLED_BACK
    assert [line.name for line in product.parts.activity.of(f"target:{name(product)}", 9)] == ["rolled-back"]
    third = product.update("release 3")
    assert product.base_digest() == third.digest


def test_a_broken_release_is_promoted_against_its_gate_and_blocked_again(product: Product) -> None:
    good, bad = product.update("release 1"), product.update("release 2 broken")
    assert product.base_digest() == good.digest
    now = product.parts.clock()
    for who in ("bob", "ada"):
        caller = Caller(CallerKind.PERSON, f"{who}@tenant", who, frozenset({Role.APPROVER}), now)
        product.parts.actor.promote(name(product), Digest(bad.digest), caller, "it has to go out", now)
    product.settle()
    assert product.base_digest() == bad.digest
    ruled = product.parts.ruler.block(Digest(bad.digest), said(product))
    assert [one.id for one in ruled.targets] == [name(product)]
    product.settle()
    assert product.base_digest() == good.digest
    stored = product.parts.rulings.get(Kind.BLOCK, bad.digest)
    assert stored is not None
    assert not stored.ruling.open


def test_what_was_never_pushed_can_be_had_nowhere(product: Product) -> None:
    product.update("release 1")
    assert product.parts.sources.where(target(product), Digest(f"sha256:{'0' * 64}")) is None
