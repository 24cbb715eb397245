"""Backoff: how long a listener waits between two looks at its queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.host.backoff import Backoff

pytestmark = pytest.mark.twin


def _steady(low: float, high: float) -> float:
    return (low + high) / 2


def test_waits_double_from_the_minimum_to_the_maximum_and_stay_there() -> None:
    backoff = Backoff(0.1, 2.0, _steady)
    assert [round(backoff.next(found=False), 3) for _ in range(8)] == [0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 2.0, 2.0]


def test_a_message_brings_the_wait_back_to_the_minimum() -> None:
    backoff = Backoff(0.1, 2.0, _steady)
    for _ in range(10):
        backoff.next(found=False)
    assert backoff.next(found=True) == 0.1
    assert backoff.next(found=False) == pytest.approx(0.2)


@given(st.lists(st.booleans(), max_size=40), st.floats(0.1, 60))
def test_a_wait_is_never_under_the_minimum_nor_over_the_maximum(founds: list[bool], maximum: float) -> None:
    backoff = Backoff(0.1, maximum)
    assert all(0.1 <= backoff.next(found) <= maximum for found in founds)


def test_waits_are_spread_by_a_fifth() -> None:
    waits = set()
    for _ in range(200):
        backoff = Backoff(0.1, 2.0)
        backoff.next(found=False)
        waits.add(backoff.next(found=False))
    assert min(waits) >= 0.18
    assert max(waits) <= 0.22
    assert len(waits) > 100
