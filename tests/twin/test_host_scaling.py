"""Scaling: how many instances each scale group gets, and which go, decided alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.host.metadata import Function
from infra.local.host.scaling import Seen, Wish, allot, scale_groups, to_drain, wanted_for

pytestmark = pytest.mark.twin


def _function(name: str, kind: str) -> Function:
    def call(message: Any) -> None:
        """Run nothing."""

    return Function(name, kind, "message", {}, call, wants_context=False)


def test_http_functions_share_instances_and_every_other_function_has_its_own() -> None:
    kinds = {"api": "httpTrigger", "sweep": "timerTrigger", "webhook": "httpTrigger", "imports": "queueTrigger"}
    groups = scale_groups([_function(name, kind) for name, kind in kinds.items()])
    shared = {group.name: [one.name for one in group.functions] for group in groups}
    assert shared == {"http": ["api", "webhook"], "sweep": ["sweep"], "imports": ["imports"]}


def test_an_app_without_http_functions_has_no_http_group() -> None:
    assert [group.name for group in scale_groups([_function("sweep", "timerTrigger")])] == ["sweep"]


@pytest.mark.parametrize(("messages", "wanted"), [(0, 0), (1, 1), (24, 1), (25, 2), (500, 21)])
def test_a_queue_wants_an_instance_for_each_two_dozen_messages_begun(messages: int, wanted: int) -> None:
    assert wanted_for(messages, 24) == wanted


def test_each_group_gets_one_instance_before_any_gets_a_second() -> None:
    wishes = [Wish("imports", 21, 3), Wish("http", 2, 0), Wish("sweep", 0, 1)]
    assert allot(wishes, 4) == {"imports": 2, "http": 2, "sweep": 0}


def test_where_instances_are_fewer_than_groups_those_that_have_one_keep_it() -> None:
    assert allot([Wish("imports", 1, 0), Wish("http", 1, 1)], 1) == {"imports": 0, "http": 1}


_WISHES = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 30), st.integers(0, 3)))


@given(_WISHES, st.integers(0, 40))
def test_all_that_may_be_had_is_given_and_nobody_gets_more_than_wanted(
    given_wishes: dict[str, tuple[int, int]], most: int
) -> None:
    wishes = [Wish(group, *numbers) for group, numbers in given_wishes.items()]
    granted = allot(wishes, most)
    assert sum(granted.values()) == min(most, sum(wish.wanted for wish in wishes))
    assert all(granted[wish.group] <= wish.wanted for wish in wishes)


@given(_WISHES, st.integers(0, 40))
def test_nobody_has_two_less_than_another_and_less_than_wanted(
    given_wishes: dict[str, tuple[int, int]], most: int
) -> None:
    wishes = [Wish(group, *numbers) for group, numbers in given_wishes.items()]
    granted = allot(wishes, most)
    short = [granted[wish.group] for wish in wishes if granted[wish.group] < wish.wanted]
    assert all(max(granted.values()) - number <= 1 for number in short)


_THREE = [Seen("busy", 0.0), Seen("resting", 5.0), Seen("idle", 40.0)]


def test_the_last_instances_go_only_once_each_has_been_idle_for_long_enough() -> None:
    assert to_drain(_THREE, 0, over_seconds=99, after_seconds=30) == ["idle"]


def test_what_is_too_much_goes_the_idlest_first_once_it_has_been_too_much_for_long_enough() -> None:
    assert to_drain(_THREE, 1, over_seconds=29, after_seconds=30) == []
    assert to_drain(_THREE, 1, over_seconds=30, after_seconds=30) == ["idle", "resting"]


def test_a_busy_instance_goes_too_where_it_is_one_too_many() -> None:
    assert to_drain([Seen("one", 0.0), Seen("two", 0.0)], 1, over_seconds=30, after_seconds=30) == ["one"]


def test_nothing_goes_where_there_is_not_too_much() -> None:
    assert to_drain(_THREE, 3, over_seconds=99, after_seconds=30) == []
    assert to_drain(_THREE, 9, over_seconds=99, after_seconds=30) == []
