"""A round begins once a day, goes on where it broke off, and tells what it could not keep for two days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.housekeeping import rounds
from shared.domain.housekeeping.reasons import Goes, Place, Spared
from shared.domain.housekeeping.rounds import BUSY_FOR, EVERY, FAILS_FOR, Round, Site, Tally
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

NODE, PYTHON = Site(Place.STAGING, "base/node"), Site(Place.STAGING, "base/python")
A, B = digest_of("a"), digest_of("b")


def test_a_round_is_due_at_first_and_then_a_day_after_the_last_one_began() -> None:
    assert rounds.is_due(Round(), MIDDAY)
    over = rounds.ended(rounds.claimed(Round(), MIDDAY), (), MIDDAY + timedelta(hours=3))
    assert not rounds.is_due(over, MIDDAY + EVERY - timedelta(seconds=1))
    assert rounds.is_due(over, MIDDAY + EVERY)


def test_nobody_else_works_on_it_while_somebody_does_and_somebody_does_after_who_died() -> None:
    known = rounds.claimed(Round(), MIDDAY)
    assert not rounds.is_due(known, MIDDAY + BUSY_FOR - timedelta(seconds=1))
    assert rounds.is_due(known, MIDDAY + BUSY_FOR)


def test_a_round_that_paused_goes_on_at_once_and_where_it_was() -> None:
    known = rounds.done(rounds.claimed(Round(), MIDDAY), NODE, (), Tally(requests=3))
    known = rounds.paused(known, Tally(requests=1))
    assert rounds.is_due(known, MIDDAY)
    again = rounds.claimed(known, MIDDAY + timedelta(minutes=5))
    assert (again.began_at, again.after, again.tally) == (MIDDAY, NODE.key, Tally(sites=1, requests=4))


def test_a_new_round_begins_at_the_first_site_and_remembers_what_came_of_the_last() -> None:
    tally = rounds.counts([Goes.ENDED, Goes.ENDED], [Spared.YOUNG], 7)
    over = rounds.ended(rounds.done(rounds.claimed(Round(), MIDDAY), NODE, (), tally), [NODE], MIDDAY)
    known = rounds.claimed(over, MIDDAY + EVERY)
    assert (known.after, known.tally) == ("", Tally())
    assert known.last == Tally(1, {"ended": 2}, {"young": 1}, 7)


def test_who_asks_for_a_round_gets_one_after_the_one_under_way() -> None:
    known = rounds.claimed(Round(), MIDDAY)
    known = rounds.asked(known, MIDDAY + timedelta(minutes=1))
    over = rounds.ended(known, (), MIDDAY + timedelta(minutes=2))
    assert rounds.is_due(over, MIDDAY + timedelta(minutes=3))
    following = rounds.ended(rounds.claimed(over, MIDDAY + timedelta(minutes=3)), (), MIDDAY + timedelta(minutes=4))
    assert not rounds.is_due(following, MIDDAY + timedelta(minutes=5))


def test_sites_come_by_their_place_and_name() -> None:
    sites = [Site(Place.RUNS, "a"), Site(Place.BASE, "b"), Site(Place.BASE, "a/c"), PYTHON, NODE]
    assert sorted(sites, key=lambda one: one.key) == list(reversed(sites))


def test_what_was_begun_stays_begun_until_it_is_gone() -> None:
    known = rounds.begun(Round(), NODE, [(A, Goes.OLD_UNIQUE), (B, Goes.WITH_INDEX)])
    known = rounds.begun(known, PYTHON, [(A, Goes.OLD_UNIQUE)])
    known = rounds.begun(known, NODE, [(A, Goes.OLD_UNIQUE)])
    assert rounds.begun_at(known, NODE) == {B: Goes.WITH_INDEX, A: Goes.OLD_UNIQUE}
    known = rounds.failed(known, NODE, "no answer", MIDDAY, Tally())
    assert rounds.begun_at(known, NODE).keys() == {A, B}
    known = rounds.done(known, NODE, [B], Tally())
    assert rounds.begun_at(known, NODE).keys() == {B}
    assert rounds.begun_at(known, PYTHON).keys() == {A}


def test_a_failure_lasts_from_its_first_time_until_its_site_was_kept() -> None:
    known = rounds.failed(Round(), NODE, "no answer", MIDDAY, Tally())
    known = rounds.failed(known, NODE, "still none", MIDDAY + EVERY, Tally())
    assert rounds.lasting(known, MIDDAY + FAILS_FOR - timedelta(seconds=1)) == ()
    assert [one.detail for one in rounds.lasting(known, MIDDAY + FAILS_FOR)] == ["still none"]
    assert rounds.done(known, NODE, (), Tally()).failures == ()


def test_of_sites_that_are_none_any_more_nothing_is_remembered() -> None:
    known = rounds.failed(Round(), NODE, "no answer", MIDDAY, Tally())
    known = rounds.begun(known, PYTHON, [(A, Goes.LEFT)])
    over = rounds.ended(known, [NODE], MIDDAY)
    assert (len(over.failures), over.begun) == (1, ())


def test_tallies_are_added_by_their_names() -> None:
    one = rounds.counts([Goes.ENDED], [Spared.YOUNG, Spared.YOUNG], 2)
    other = rounds.counts([Goes.ENDED, Goes.LEFT], [Spared.LOCKED], 3)
    assert rounds.added(one, other) == Tally(0, {"ended": 2, "left": 1}, {"young": 2, "locked": 1}, 5)
