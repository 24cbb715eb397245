"""When the instance of a timer is wanted: shortly before each run, until one was there for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.host.ncrontab import parse
from infra.local.host.timer_watch import TimerWatch

pytestmark = pytest.mark.twin

_NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
_AHEAD = timedelta(seconds=11)


def _at(seconds: float) -> datetime:
    return _NOON + timedelta(seconds=seconds)


def _quarterly() -> TimerWatch:
    """A timer of each quarter of an hour whose start at noon was served."""
    watch = TimerWatch(parse("0 */15 * * * *"), _AHEAD, _NOON)
    watch.wants(_at(6), served=True)
    return watch


def test_an_instance_is_wanted_when_the_host_starts_to_find_what_was_missed() -> None:
    watch = TimerWatch(parse("0 0 0 1 1 *"), _AHEAD, _NOON)
    assert watch.wants(_NOON, served=False)
    assert watch.wants(_at(60), served=False)
    assert watch.wants(_at(61), served=True) is False


def test_between_runs_none_is_wanted_and_shortly_before_the_next_one_is() -> None:
    watch = _quarterly()
    assert [watch.wants(_at(second), served=False) for second in (7, 888, 889, 899)] == [False, False, True, True]


def test_an_instance_stays_until_its_run_has_begun() -> None:
    watch = _quarterly()
    wanted = [watch.wants(_at(second), served=True) for second in (890, 900, 904, 905)]
    assert wanted == [True, True, True, False]


def test_a_run_that_nobody_was_there_for_is_still_wanted() -> None:
    watch = _quarterly()
    assert watch.wants(_at(1200), served=False)
    assert watch.wants(_at(1201), served=True) is False


def test_a_timer_of_each_second_always_wants_its_instance() -> None:
    watch = TimerWatch(parse("* * * * * *"), _AHEAD, _NOON)
    assert all(watch.wants(_at(second), served=True) for second in range(120))
