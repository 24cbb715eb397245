"""When a target is looked at again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import begun, fell_through, has_passed, scheduled
from shared.domain.promotion.schedule import MOST_ATTEMPTS
from shared.errors import RateLimited, Unavailable
from tests.unit.domain.promotion.test_decision import target
from tests.unit.examples import NOON, ONE, TWO

pytestmark = pytest.mark.unit


def test_what_is_learned_while_an_import_is_under_way_does_not_put_off_its_look() -> None:
    """Else candidates that propose again and again would keep the sweep from an import whose message was lost."""
    importing = begun(decide(target(ONE, TWO, passed=(ONE,)), NOON)[0], NOON)
    later = scheduled(has_passed(importing, TWO), NOON + timedelta(minutes=1))
    assert later.look_at == importing.look_at is not None


def test_an_import_whose_look_failed_is_looked_at_when_it_is_to_be_tried_again() -> None:
    importing = begun(decide(target(ONE, passed=(ONE,)), NOON)[0], NOON)
    failed = scheduled(fell_through(importing, Unavailable("503"), NOON, over=False, settled=False), NOON)
    assert failed.importing is not None
    assert failed.look_at == failed.retry_at == NOON + timedelta(seconds=15)


def test_an_import_that_cannot_be_looked_at_for_hours_because_of_limits_is_not_given_up() -> None:
    importing = begun(decide(target(ONE, passed=(ONE,)), NOON)[0], NOON)
    after, now, pauses = importing, NOON, []
    for _ in range(40):
        over = after.failures + 1 >= MOST_ATTEMPTS
        after = fell_through(after, RateLimited("429"), now, over=over, settled=False)
        assert after.retry_at is not None
        pauses.append(after.retry_at - now)
        now = after.retry_at
    assert (after.importing, after.unsettled, after.gave_up) == (importing.importing, (), False)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=1)
    failed = fell_through(after, Unavailable("503"), now, over=after.failures + 1 >= MOST_ATTEMPTS, settled=False)
    assert (failed.importing, failed.failures) == (importing.importing, 1)


def test_an_import_that_azure_asked_to_ask_for_later_has_not_begun() -> None:
    importing = begun(decide(target(ONE, passed=(ONE,)), NOON)[0], NOON)
    after = fell_through(importing, RateLimited("429", retry_after=7200), NOON, over=True, settled=True)
    assert (after.importing, after.unsettled, after.retry_at) == (None, (), NOON + timedelta(hours=2))
