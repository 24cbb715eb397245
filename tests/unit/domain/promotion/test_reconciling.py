"""When a target is looked at again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import begun, has_passed, scheduled
from tests.unit.domain.promotion.test_decision import target
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit


def test_what_is_learned_while_an_import_is_under_way_does_not_put_off_its_look() -> None:
    """Else candidates that propose again and again would keep the sweep from an import whose message was lost."""
    importing = begun(decide(target(ONE, TWO, passed=(ONE,)), NOON)[0], NOON)
    later = scheduled(has_passed(importing, TWO), NOON + timedelta(minutes=1))
    assert later.look_at == importing.look_at is not None


def test_an_import_whose_look_failed_is_taken_up_after_it_was_to_be_tried_again() -> None:
    importing = begun(decide(target(ONE, passed=(ONE,)), NOON)[0], NOON)
    failed = scheduled(msgspec.structs.replace(importing, retry_at=NOON + timedelta(hours=1)), NOON)
    assert failed.look_at is not None
    assert failed.look_at > NOON + timedelta(hours=1)
