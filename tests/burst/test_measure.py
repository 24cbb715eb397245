"""What a burst's figures mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.local.topology import STAGING
from shared.watch_list_yaml import parse_watch_list
from tests.bench.scans import shown
from tests.burst.applications import REBUILD, Rebuilt, judged, tasks_of
from tests.burst.burst import Asked
from tests.burst.measure import Measured, Requests, beside_runs, delay, doubled, over_alone, requests_of
from tests.burst.plan import SMALL_TEAMS, Move, plan, rolling
from tests.burst.profiles import GATE_SECONDS, PROFILES, seconds_of, settings_of
from tests.burst.stage import ends_of, target_of, watch_list
from tests.chaos.judge_beside import Finding
from tests.chaos.judge_waves import Member, Rebuild, Rolled, Run, Wave

pytestmark = pytest.mark.unit

_MINE, _OTHERS = Move(10.0, "small/t0", "1", "team-0"), Move(20.0, "large/r0", "1", "team-large")


def _import(tags: str, finished: float, outcome: str = "Succeeded") -> dict[str, object]:
    return {"kind": "import", "target": f"base/{tags}", "outcome": outcome, "finished": finished}


def test_an_update_ends_with_its_last_import_that_ended_well() -> None:
    both = f"{target_of(_MINE)}:1,{target_of(_OTHERS)}:1"
    operations = [_import(both, 50.0), _import(f"{target_of(_MINE)}:1", 60.0), _import(both, 70.0, "Failed")]
    assert ends_of(operations, (_MINE, _OTHERS), "base") == {_MINE: 60.0, _OTHERS: 50.0}


def test_small_teams_are_compared_with_what_their_own_work_takes() -> None:
    ends, alone = {_MINE: 140.0, _OTHERS: 900.0}, {_MINE: 100.0, _OTHERS: 100.0}
    assert over_alone(ends, alone) == pytest.approx(1.3)
    assert delay({_MINE: 140.0}, alone) == pytest.approx(30.0)


def test_what_is_spent_beside_the_runs_counts_from_staged_to_the_last_decision() -> None:
    told = ("import-verified", "2026-01-01T00:00:00Z"), ("promotion-started", "2026-01-01T00:00:20Z")
    held = (*told, ("promotion-started", "2026-01-01T00:01:40Z"))
    histories = {"a": told, "b": held, "other": told}
    candidates = [
        {"digest": digest, "status": "promoted", "history": [{"reason": why, "at": at} for why, at in history]}
        for digest, history in histories.items()
    ]
    assert beside_runs(candidates, {"a": 12.0, "b": 90.0}) == pytest.approx(9.0)


def test_nothing_promoted_is_no_time_beside_the_runs() -> None:
    assert beside_runs([{"digest": "a", "status": "rejected", "history": []}], {"a": 12.0}) is None


def test_a_burst_of_short_runs_is_reckoned_with_the_times_that_the_emulator_is_given() -> None:
    asked = Asked("arm", 50, 7, 1.0, 60.0, scans=True, run_seconds=2.0)
    settings = settings_of(asked.limits, asked.seed, asked.scale, asked.run_seconds)
    assert settings["run_seconds"] == 2.0
    for run in ("gate", "scan"):
        assert asked.seconds_of(_MINE, run) == pytest.approx(seconds_of(_MINE, run, 7) * 2.0 / GATE_SECONDS)


def test_the_bench_shows_what_scans_cost_and_no_burst_in_which_something_was_lost() -> None:
    well = Measured(50, 1.1, 0.0, 0, 4.6, 60.0, 1.5, 9.0, 2.5, lost=0, doubled=0)
    assert [(row.measured, row.goal) for row in shown(2.0, "3 s", well)] == [
        ("2.5 s", "3 s"),
        ("4.6", "7"),
        ("60.0", ""),
    ]
    for badly in (replace(well, lost=1), replace(well, doubled=1), replace(well, beside=None)):
        with pytest.raises(ValueError, match="did not go well"):
            shown(2.0, "3 s", badly)


def test_what_goes_to_blobs_is_no_request_to_arm() -> None:
    assert requests_of({"GET log": 3, "PUT source": 2, "put taskRun": 1}) == Requests(1, 0, 0)


def test_refused_requests_are_requests_and_counted_apart() -> None:
    counts = {"get run": 6, "refused: get run": 3, "refused early: get run": 1}
    assert requests_of(counts) == Requests(all=10, refused=4, early=1)


def test_a_gate_beyond_one_for_each_update_is_doubled() -> None:
    runs = [{"registry": STAGING}, {"registry": STAGING}, {"registry": "apps"}]
    assert (doubled(runs, 2), doubled(runs, 1)) == (0, 1)


def test_the_watch_list_of_a_burst_is_valid_and_names_its_teams() -> None:
    moves = plan(60, 1)
    images = parse_watch_list(watch_list(moves).encode(), base="base.azurecr.io").images
    assert len({image.owner for image in images}) == SMALL_TEAMS + 1
    assert sum(len(image.tags) for image in images) == len(moves)


def test_the_oracle_takes_its_times_from_where_the_emulator_does() -> None:
    assert seconds_of(_MINE, "gate", 1) == seconds_of(_MINE, "gate", 1) != seconds_of(_MINE, "gate", 2)
    settings = settings_of(PROFILES["few"], 7, scale=0.1)
    assert (settings["times_seed"], settings["agents"], settings["arm_buckets"]["reads"]) == (7, 25, (25.0, 2.5))


def test_of_a_share_of_the_repositories_one_tag_each_asks_for_waves_with_tasks_on_it() -> None:
    moves = plan(500, 1)
    rolled = rolling(moves, 0.2)
    repositories = {move.repository for move in moves}
    assert len(rolled) == len({move.repository for move in rolled}) == round(len(repositories) * 0.2)
    assert {move.team for move in rolled} > {"team-large"}
    assert rolling(moves, 0.0) == ()
    fields = {move.repository: REBUILD for move in rolled}
    images = parse_watch_list(watch_list(moves, "", fields).encode(), base="base.azurecr.io").images
    assert sum(image.rebuild is not None for image in images) == len(rolled)
    assert len(tasks_of(rolled)) == 3 * len(rolled)


_WAVE = Wave("w", "base/t0:1", 1, "new", "old", "done", members=(Member("a", "built", canary=True),))
_REBUILDS = (Rebuild("r", "a", _WAVE.tag, 1, ("run",), "w", canary=True),)
_RUN = Run("apps", "ca1", "run", "a", "Succeeded", {_WAVE.tag: "new"}, asked=1.0, started=1.0, finished=2.0)


def test_the_waves_of_a_burst_are_told_and_are_nothing_where_nobody_asked_for_them() -> None:
    told = judged(Rolled((_WAVE,)), _REBUILDS, (_RUN,), ())
    assert (told.line, told.lost, told.doubled) == (", 1 waves of 1 rebuilds, 1 at once", (), ())
    assert Rebuilt().line == ""


def test_what_is_not_built_and_more_at_once_than_may_be_make_a_burst_that_did_not_go_well() -> None:
    well = Measured(50, 1.1, 0.0, 0, 4.6, 60.0, 1.5, 9.0, 2.5, lost=0, doubled=0)
    beside = Run("apps", "ca2", "other", "b", "Succeeded", asked=1.5, started=2.5, finished=3.0)
    many = judged(Rolled((_WAVE,), at_once=1), _REBUILDS, (_RUN, beside), ())
    left = judged(Rolled((_WAVE,)), _REBUILDS, (_RUN,), (Finding("b", "it is not built"),))
    assert well.is_clean
    assert many.at_once == 2
    assert "lost 0, doubled 1" in replace(well, rebuilt=many).line
    assert "lost 1, doubled 0" in replace(well, rebuilt=left).line
    assert not replace(well, rebuilt=many).is_clean
    assert not replace(well, rebuilt=left).is_clean
