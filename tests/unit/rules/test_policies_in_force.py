"""The list in force is read once a minute for what may go by one of a minute ago."""

from __future__ import annotations

import pytest

from shared.domain.watching.watch_list import WatchList
from shared.errors import Unavailable, WatchListError
from shared.rules.policies import KEPT_FOR, Policies
from tests.doubles.storage import SettableClock

pytestmark = pytest.mark.unit


def test_who_asks_for_the_list_and_who_asks_for_policies_share_one_read_a_minute() -> None:
    read: list[WatchList] = []

    def reading() -> WatchList:
        read.append(WatchList(images=[]))
        return read[-1]

    clock = SettableClock()
    policies = Policies(reading, clock)
    assert (policies.watch_list(), policies.watch_list()) == (read[0], read[0])
    policies.now()
    assert len(read) == 1
    clock.now += KEPT_FOR
    assert policies.watch_list() is read[1]


def test_a_list_that_cannot_be_read_is_an_outage_to_whoever_asks_for_it() -> None:
    def reading() -> WatchList:
        raise WatchListError(("it is no list",))

    with pytest.raises(Unavailable, match="there is no watch list"):
        Policies(reading, SettableClock()).watch_list()
