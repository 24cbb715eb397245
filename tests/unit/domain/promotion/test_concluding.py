"""What a target means for a candidate that proposed to it, or is to."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.promotion.concluding import conclusion
from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import has_passed, landed
from shared.domain.promotion.statuses import Reason
from tests.unit.domain.promotion.test_decision import THREE, target
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit


def test_a_target_that_was_not_told_of_a_later_digest_has_not_decided_on_it() -> None:
    """Else a proposal that broke off would end its candidate, and the tag would keep the older digest."""
    known = landed(decide(target(ONE, TWO, THREE, passed=(ONE,)), NOON)[0], ONE, NOON)
    waiting_for_another = msgspec.structs.replace(known, awaited=None)
    assert conclusion(waiting_for_another, TWO) is None
    told = decide(has_passed(waiting_for_another, TWO), NOON)[0]
    assert conclusion(told, ONE) is Reason.PROMOTION_VERIFIED
    assert conclusion(decide(has_passed(told, THREE), NOON)[0], TWO) is Reason.NEWER_DIGEST
