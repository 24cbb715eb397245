"""The judge, given lies: each fault that he is there to find, put into facts that are otherwise clean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.cast import Asked, image_of, passes
from tests.chaos.judge import Facts, Record, Tag, Task, Verdict, built_nothing_new, judge
from tests.chaos.judge_beside import Lying
from tests.chaos.judge_waves import Decided, Member, Rebuild, Rolled, Run, Wave

pytestmark = pytest.mark.unit

_DIGESTS = [image_of(f"it {number}").digest for number in range(200)]
_GOOD = [digest for digest in _DIGESTS if passes(digest)]
OLD, NEW, OTHER = _GOOD[:3]
BAD = next(digest for digest in _DIGESTS if not passes(digest))
NOW = datetime(2030, 1, 1, tzinfo=UTC)
TAG = Tag("base/ant:1", NEW, frozenset({OLD, NEW, BAD}), NEW, NEW, story=("what was",))
CANDIDATE = Record("candidate", "one", f"ant {NEW}", True)
REBUILD = Rebuild("it", "app", TAG.name, 2, ("first", "second"))
RUN = Run("apps", "ca1", "first", "app", "Succeeded", {TAG.name: NEW})
CLEAN = Facts(
    now=NOW,
    longest=timedelta(minutes=6),
    grace=timedelta(seconds=30),
    tags=(TAG,),
    tasks=(Task("app", {TAG.name: NEW}),),
    records=(CANDIDATE, Record("target", "ant", "ant", True), Record("rebuild", "it", "it", True)),
    rebuilds=(REBUILD,),
    runs=(RUN,),
)


def verdict_of_tag(**changes: object) -> Verdict:
    """Only the tag is judged: no task is built on it."""
    return judge(replace(CLEAN, tasks=(), tags=(replace(TAG, **changes),)))  # type: ignore[arg-type]


def test_what_is_as_it_should_be_is_clean() -> None:
    assert judge(CLEAN).is_clean
    assert CLEAN.candidates == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": OLD}, "the last decision says"),
        ({"base": None}, "the last decision says"),
        ({"wanted": ""}, "the last decision says nothing"),
        ({"base": OTHER, "wanted": OTHER}, "its upstream never bore"),
        ({"base": BAD, "wanted": BAD, "upstream": BAD}, "its gate rejects"),
        ({"base": OLD, "wanted": OLD}, "upstream bears"),
        ({"base": None, "wanted": ""}, "upstream bears"),
    ],
)
def test_a_tag_that_is_not_what_it_should_be_is_lost(changes: dict[str, object], why: str) -> None:
    found = verdict_of_tag(**changes).lost
    assert [finding.what for finding in found] == [TAG.name]
    assert why in found[0].why
    assert "what was" in found[0].story


@pytest.mark.parametrize("upstream", [None, BAD])
def test_what_was_there_is_kept_where_upstream_vanished_or_does_not_pass(upstream: str | None) -> None:
    assert verdict_of_tag(upstream=upstream, base=OLD, wanted=OLD).is_clean
    assert not verdict_of_tag(upstream=upstream, base=None, wanted=OLD).is_clean


def test_what_never_passed_anything_need_not_be_there() -> None:
    assert verdict_of_tag(upstream=BAD, bore=frozenset({BAD}), base=None, wanted="").is_clean


def test_what_people_had_put_there_stays_until_something_passes() -> None:
    assert verdict_of_tag(upstream=BAD, before=OLD, base=OLD, wanted="").is_clean
    assert not verdict_of_tag(upstream=BAD, before=OLD, base=None, wanted="").is_clean
    assert not verdict_of_tag(upstream=NEW, before=OLD, base=OLD, wanted="").is_clean


def test_a_task_that_is_built_on_what_its_base_no_longer_bears_is_lost() -> None:
    lost = judge(replace(CLEAN, tasks=(Task("app", {TAG.name: OLD}),))).lost
    assert [finding.what for finding in lost] == ["app"]
    assert any("ca1" in line for line in lost[0].story)


def test_two_records_of_one_candidate_are_doubled() -> None:
    twice = replace(CLEAN, records=(*CLEAN.records, replace(CANDIDATE, id="two")))
    assert [finding.what for finding in judge(twice).doubled] == [f"candidate {CANDIDATE.key}"]


def test_two_runs_of_one_name_are_doubled_however_they_ended() -> None:
    twice = replace(CLEAN, runs=(RUN, replace(RUN, id="ca2", status="Failed")))
    assert [finding.why for finding in judge(twice).doubled] == ["2 runs were started under this name"]


def test_runs_without_a_name_are_not_each_others_double() -> None:
    unnamed = replace(RUN, name="")
    assert judge(replace(CLEAN, runs=(unnamed, replace(unnamed, id="ca2")))).is_clean


def test_two_builds_for_one_decision_are_doubled_under_whatever_names() -> None:
    twice = replace(CLEAN, runs=(RUN, replace(RUN, id="ca2", name="second")))
    assert [finding.what for finding in judge(twice).doubled] == ["app"]


def test_two_builds_for_one_decision_are_doubled_though_two_records_ask_for_them() -> None:
    rebuilds = (replace(REBUILD, runs=("first",)), replace(REBUILD, id="other", runs=("second",)))
    twice = replace(CLEAN, rebuilds=rebuilds, runs=(RUN, replace(RUN, id="ca2", name="second")))
    assert [finding.what for finding in judge(twice).doubled] == ["app"]


def test_a_run_that_decided_nothing_may_be_repeated() -> None:
    assert judge(replace(CLEAN, runs=(replace(RUN, status="Canceled"), replace(RUN, id="ca2", name="second")))).is_clean


@pytest.mark.parametrize("due", [None, NOW - timedelta(minutes=1), NOW + timedelta(minutes=7)])
def test_what_has_not_ended_and_is_not_due_soon_is_stuck(due: datetime | None) -> None:
    waiting = Record("target", "ant", "ant", False, due, ("importing",))
    stuck = judge(replace(CLEAN, records=(CANDIDATE, waiting))).stuck
    assert [(finding.what, finding.story) for finding in stuck] == [("target ant", ("importing",))]


@pytest.mark.parametrize("due", [NOW - timedelta(seconds=20), NOW, NOW + timedelta(minutes=5)])
def test_what_is_due_soon_is_not_stuck(due: datetime) -> None:
    assert judge(replace(CLEAN, records=(Record("target", "ant", "ant", False, due),))).is_clean


def test_a_run_on_what_its_task_was_built_on_before_built_nothing_new() -> None:
    again, failed, moved = replace(RUN, id="2"), replace(RUN, status="Failed"), replace(RUN, bases={TAG.name: OLD})
    assert built_nothing_new((RUN, failed, again)) == 1
    assert built_nothing_new((RUN, moved, again, replace(RUN, task="other"))) == 0


def test_what_is_decided_for_a_tag_that_people_locked_waits_for_them() -> None:
    assert verdict_of_tag(base=OLD, locked=True).is_clean
    assert not verdict_of_tag(base=OTHER, locked=True).is_clean


def test_a_rebuild_for_what_no_watched_tag_is_told() -> None:
    woken = replace(REBUILD, id="other", tag="base/ant:1-20300101.1", runs=())
    (found,) = judge(replace(CLEAN, rebuilds=(REBUILD, woken))).doubled
    assert "base/ant:1-20300101.1" in found.why


def test_what_is_lost_beside_an_image_and_what_people_found_open_is_not_clean() -> None:
    lying = Lying(TAG.name, NEW, Asked("required"), upstream=frozenset({OTHER}))
    assert [found.what for found in judge(replace(CLEAN, lying=(lying,))).lost] == [f"{TAG.name} at {NEW}"]
    assert [found.what for found in judge(replace(CLEAN, touched=("base/cat:1",))).lost] == ["base/cat:1"]


HELD = Wave("ant~3", TAG.name, 3, NEW, OLD, "held", "canary-failed", holds=True, held_until=NOW + timedelta(days=14))
LATE = Task("late", {TAG.name: OLD})


def rolled(wave: Wave, refused: frozenset[str] = frozenset(), wanted: str = NEW) -> Rolled:
    return Rolled((wave,), {TAG.name: Decided(3, wanted, refused)})


def test_a_task_that_its_wave_leaves_as_it_is_is_not_lost_and_any_other_is() -> None:
    waits = replace(HELD, members=(Member("late", "waiting"),))
    assert judge(replace(CLEAN, tasks=(LATE,), rolled=rolled(waits))).is_clean
    (found,) = judge(replace(CLEAN, tasks=(LATE,), rolled=rolled(HELD))).lost
    assert (found.what, "which bears" in found.why) == ("late", True)


def test_what_is_built_on_an_image_between_is_held_against_that_and_left_by_the_wave_of_its_root() -> None:
    between = {"middles": {"middle/ant:1": "new"}, "roots": {"middle/ant:1": TAG.name}}
    facts = replace(CLEAN, **between)  # type: ignore[arg-type]
    assert judge(replace(facts, tasks=(Task("end", {"middle/ant:1": "new"}),))).is_clean
    behind = replace(facts, tasks=(Task("end", {"middle/ant:1": "old"}),))
    assert [found.what for found in judge(behind).lost] == ["end"]
    waits = replace(HELD, members=(Member("end", "waiting", chained=True),))
    assert judge(replace(behind, rolled=rolled(waits))).is_clean


def test_what_upstream_bears_is_not_wanted_where_it_is_refused_and_must_not_be_borne_then() -> None:
    back = replace(HELD, state="restored", restored_by=3, number=2)
    refused = rolled(back, frozenset({NEW}), OLD)
    gone_back = replace(TAG, base=OLD, wanted=OLD)
    clean = replace(CLEAN, tags=(gone_back,), tasks=(), rolled=refused)
    assert judge(clean).is_clean
    (found,) = judge(replace(clean, tags=(replace(TAG, wanted=NEW),))).lost
    assert "on which its canaries failed" in found.why


def test_a_fault_of_a_wave_is_told_with_all_others_under_its_name() -> None:
    without_end = replace(HELD, held_until=None)
    assert [found.what for found in judge(replace(CLEAN, rolled=rolled(without_end))).stuck] == ["wave ant~3"]
    twice = replace(HELD, members=(Member("late", "waiting"),) * 2)
    assert [found.what for found in judge(replace(CLEAN, rolled=rolled(twice))).doubled] == ["wave ant~3"]
    never = replace(HELD, members=(Member("late", "built"),))
    assert [found.what for found in judge(replace(CLEAN, rolled=rolled(never))).lost] == ["wave ant~3"]
