"""What comes later is asked for ever more rarely, and by thousands together no faster than a registry grants."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.travel.following import FOLLOWED_FOR, MOST_A_MINUTE, lists_of, may_list, next_listing
from tests.bench.following import BEGINS, simulated
from tests.doubles.registries import digest_of
from tests.unit.domain.travel.records import IMAGE, NOW

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)


def test_an_image_is_listed_again_after_ten_minutes_and_fifteen_times_in_fourteen_days() -> None:
    listed, now = 1, NOW
    while (now := next_listing(IMAGE, listed, now)) <= NOW + FOLLOWED_FOR:
        assert listed > 1 or timedelta(minutes=8) <= now - NOW <= timedelta(minutes=10)
        listed += 1
    assert 13 <= listed - 1 <= 15


def test_images_that_were_decided_together_are_not_listed_together() -> None:
    assert len({next_listing(digest_of(str(number)), 1, NOW) for number in range(50)}) == 50


def test_a_listing_asks_once_for_each_manifest_and_each_referrer() -> None:
    assert (lists_of(0, 0), lists_of(1, 3), lists_of(16, 0)) == (1, 4, 16)


def test_within_a_minute_a_registry_is_asked_for_no_more_than_its_share() -> None:
    before = [(NOW - 59 * SECOND, 100), (NOW - 61 * SECOND, 1000)]
    assert may_list(before, MOST_A_MINUTE - 100, NOW)
    assert not may_list(before, MOST_A_MINUTE - 99, NOW)


def test_what_is_more_than_the_share_of_a_minute_is_listed_where_nothing_else_was() -> None:
    assert may_list([(NOW - 60 * SECOND, 1)], MOST_A_MINUTE + 1, NOW)
    assert not may_list([(NOW - 59 * SECOND, 1)], MOST_A_MINUTE + 1, NOW)


def test_hundreds_that_were_decided_at_once_are_all_followed_within_the_share() -> None:
    followed = simulated([BEGINS] * 600, 1, 0, 1440)
    assert 100 < followed.peak <= MOST_A_MINUTE
    assert followed.each > 12
    assert followed.late < 15
