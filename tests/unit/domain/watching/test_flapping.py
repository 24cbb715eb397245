"""A tag that goes back is believed after a second look, and one that flaps does not have all rebuilt each time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import Digest
from shared.domain.watching.flapping import REMEMBERED_FOR, believed, patience, remembering
from shared.domain.watching.observation import Doubt, Observation, is_news, noted, observed
from tests.doubles.registries import digest_of
from tests.unit.examples import NOON, ONE, TAG, TWO

pytestmark = pytest.mark.unit

THREE = digest_of("three")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SECOND_LOOK = 3 * MINUTE


class Watched:
    """A tag that is looked at; ``decisions`` are the digests that were gone by, each with its time."""

    def __init__(self, first: Digest = ONE, *, second_look: timedelta = SECOND_LOOK) -> None:
        self.second_look = second_look
        self.known: Observation | None = None
        self.now = NOON
        self.decisions: list[tuple[datetime, Digest]] = []
        self.look(first, timedelta(0))

    def look(self, digest: Digest | None, later: timedelta) -> Digest:
        """Look at the tag some time after the last look; return the digest that is in force afterwards."""
        self.now += later
        heard, doubted = believed(self.known, digest, self.now, self.second_look)
        if heard is not None and is_news(self.known, heard):
            order = (self.known.order if self.known else 0) + 1
            self.known = remembering(self.known, noted(self.known, TAG, heard, order, self.now), self.now)
            self.decisions.append((self.now, heard))
        self.known = observed(self.known, TAG, heard, ("base/node:22",), self.now, doubted)
        return self.known.digest

    @property
    def doubt(self) -> Doubt | None:
        """Why the last look was not believed."""
        return self.known.doubted.reason if self.known and self.known.doubted else None


def test_a_digest_that_is_new_to_the_tag_is_believed_at_once() -> None:
    assert Watched().look(TWO, MINUTE) == TWO


def test_one_look_at_a_copy_that_lags_behind_leads_to_no_decision() -> None:
    watched = Watched()
    watched.look(TWO, 15 * MINUTE)
    assert watched.look(ONE, 15 * MINUTE) == TWO
    assert watched.doubt is Doubt.SECOND_LOOK
    assert watched.look(TWO, SECOND_LOOK) == TWO
    assert (len(watched.decisions), watched.doubt) == (2, None)


def test_a_tag_that_really_goes_back_is_believed_after_the_second_look_and_not_before() -> None:
    watched = Watched()
    watched.look(TWO, 15 * MINUTE)
    assert watched.look(ONE, 15 * MINUTE) == TWO
    assert watched.look(ONE, MINUTE) == TWO, "messages come twice"
    assert watched.look(ONE, 2 * MINUTE) == ONE


def test_a_tag_that_was_not_there_in_between_is_doubted_anew() -> None:
    watched = Watched()
    watched.look(TWO, MINUTE)
    watched.look(ONE, MINUTE)
    watched.look(None, MINUTE)
    assert watched.look(ONE, 5 * MINUTE) == TWO


def test_a_tag_that_bore_a_digest_more_than_a_day_ago_goes_back_to_it_at_once() -> None:
    watched = Watched()
    watched.look(TWO, MINUTE)
    assert watched.look(ONE, REMEMBERED_FOR) == ONE


def test_where_there_is_no_second_look_everything_is_believed_at_once() -> None:
    watched = Watched(second_look=timedelta(0))
    for digest in (TWO, ONE) * 10:
        assert watched.look(digest, MINUTE) == digest


def test_the_third_return_within_a_day_must_stay_for_an_hour_and_a_new_digest_need_not() -> None:
    watched = Watched()
    watched.look(TWO, MINUTE)
    for digest in (ONE, TWO):
        watched.look(digest, MINUTE)
        assert watched.look(digest, SECOND_LOOK) == digest
    watched.look(ONE, MINUTE)
    assert watched.doubt is Doubt.FLAPPING
    assert watched.look(ONE, 59 * MINUTE) == TWO
    assert watched.look(ONE, MINUTE) == ONE
    assert watched.look(THREE, MINUTE) == THREE


def test_the_patience_grows_and_is_never_longer_than_it_takes_to_be_forgotten() -> None:
    assert [patience(returns, SECOND_LOOK) for returns in range(9)] == [
        SECOND_LOOK,
        SECOND_LOOK,
        *(hours * HOUR for hours in (1, 2, 4, 8, 16, 16, 16)),
    ]


LOOKS = st.lists(
    st.tuples(st.sampled_from([ONE, TWO, THREE, None]), st.sampled_from([1, 3, 5, 15, 60, 120, 600])), max_size=120
)


@given(LOOKS, st.sampled_from([ONE, TWO, THREE]))
def test_whatever_flips_however_often_there_are_few_decisions_a_day_and_what_stays_is_taken(
    looks: list[tuple[Digest | None, int]], stays: Digest
) -> None:
    watched = Watched()
    for digest, minutes in looks:
        watched.look(digest, minutes * MINUTE)
    returns = [at for at, _ in watched.decisions if at in (watched.known.returns if watched.known else ())]
    for at in returns:
        assert sum(at - REMEMBERED_FOR < other <= at for other in returns) <= 6
    for at, _ in watched.decisions:
        within = sum(at - REMEMBERED_FOR < other <= at for other, _ in watched.decisions)
        assert within <= 6 + 3, "six returns, and each digest once for being new"
    for _ in range(65):
        watched.look(stays, 15 * MINUTE)
    assert watched.look(stays, 15 * MINUTE) == stays


@given(st.integers(1, 60), st.integers(20, 300))
def test_a_tag_that_flips_at_every_look_is_never_decided_again(minutes: int, looks: int) -> None:
    watched = Watched()
    watched.look(TWO, MINUTE)
    for number in range(looks):
        watched.look((ONE, TWO)[number % 2], minutes * MINUTE)
    assert len(watched.decisions) == 2
