"""The oracle is as fast as its limits let it be, and no faster."""

from __future__ import annotations

import pytest

from tests.burst.oracle import Limits, Oracle
from tests.burst.plan import SECONDS, SMALL_TEAMS, Move, plan

pytestmark = pytest.mark.unit

_TIMES = {"import": 20.0, "gate": 90.0, "promotion": 20.0}


def _drain(updates: int, limits: Limits) -> float:
    moves = tuple(Move(0.0, "r", str(number), "t") for number in range(updates))
    ends = Oracle(limits, lambda _, stage: _TIMES[stage]).ends(moves)
    assert len(ends) == updates
    return max(ends.values())


def test_one_update_takes_as_long_as_its_parts() -> None:
    assert _drain(1, Limits()) == pytest.approx(130)


def test_a_full_bucket_lets_as_many_begin_at_once_as_it_holds() -> None:
    assert _drain(60, Limits()) == pytest.approx(130)


def test_where_writes_are_the_limit_the_last_update_waits_for_its_tokens() -> None:
    # 1,500 writes, of which 200 are there at the beginning; the last of them begins an import of 20 seconds.
    assert 130 + 20 <= _drain(500, Limits()) < 130 + 20 + 90


def test_runs_wait_for_agents() -> None:
    assert _drain(3, Limits(agents=1)) == pytest.approx(20 + 3 * 90 + 20)


def test_promotions_go_before_imports() -> None:
    # One import at a time: the third import waits for both promotions.
    times = {"import": 10.0, "gate": 1.0, "promotion": 10.0}
    moves = tuple(Move(0.0, "r", str(number), "t") for number in range(3))
    ends = Oracle(Limits(imports=1), lambda _, stage: times[stage]).ends(moves)
    assert sorted(ends.values()) == [pytest.approx(30), pytest.approx(40), pytest.approx(61)]


def test_an_update_is_not_begun_before_its_push() -> None:
    ends = Oracle(Limits(), lambda _, stage: _TIMES[stage]).ends((Move(7.0, "r", "1", "t"),))
    assert list(ends.values()) == [pytest.approx(137)]


def test_a_plan_is_the_same_for_the_same_seed_only() -> None:
    assert plan(100, 1) == plan(100, 1)
    assert plan(100, 1) != plan(100, 2)


def test_a_plan_has_one_large_team_and_many_small_ones() -> None:
    moves = plan(500, 3)
    assert len({move.name for move in moves}) == 500
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert max(move.at for move in moves) <= SECONDS
    assert sum(move.team == "team-large" for move in moves) == 500 - SMALL_TEAMS
    assert len({move.team for move in moves}) == SMALL_TEAMS + 1
