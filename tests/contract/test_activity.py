"""What every implementation of ``Activity`` promises."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.activity_table import ActivityTable
from shared.errors import InvalidReference
from shared.ports import ACTIVITY_DAYS, Activity, Event
from tests.contract.examples import NOON
from tests.doubles.storage import InMemoryActivity

pytestmark = pytest.mark.contract


@pytest.fixture
def activity(account_or_none: StorageAccount | None) -> Activity:
    """The implementation under test."""
    return ActivityTable(account_or_none) if account_or_none else InMemoryActivity()


def event(minute: int, name: str = "poisoned", subject: str = "imports") -> Event:
    """Return a line."""
    return Event(subject, name, NOON + timedelta(minutes=minute), f"detail of {minute}")


def test_a_subject_that_nothing_was_said_about_has_no_lines(activity: Activity) -> None:
    assert activity.of("imports", 10) == ()


def test_the_newest_lines_come_first_and_no_more_than_wanted(activity: Activity) -> None:
    for minute in (2, 1, 3, 100_000):
        activity.append(event(minute))
    assert activity.of("imports", 3) == (event(100_000), event(3), event(2))
    assert activity.of("imports", 0) == ()


def test_lines_a_microsecond_apart_are_in_order(activity: Activity) -> None:
    first = event(0)
    second = msgspec.structs.replace(first, at=first.at + timedelta(microseconds=1))
    for line in (first, second):
        activity.append(line)
    assert activity.of("imports", 2) == (second, first)


def test_the_same_line_added_again_is_one_line(activity: Activity) -> None:
    for _ in range(3):
        activity.append(event(1))
    assert activity.of("imports", 10) == (event(1),)


def test_two_things_that_happened_at_once_are_two_lines(activity: Activity) -> None:
    activity.append(event(1, "poisoned"))
    activity.append(event(1, "recovered"))
    assert {line.name for line in activity.of("imports", 10)} == {"poisoned", "recovered"}


def test_lines_of_other_subjects_are_not_mixed_in(activity: Activity) -> None:
    activity.append(event(1))
    activity.append(event(2, subject="imports-poison"))
    assert activity.of("imports", 10) == (event(1),)


def test_a_huge_detail_does_not_keep_a_line_from_being_added(activity: Activity) -> None:
    activity.append(msgspec.structs.replace(event(1), detail="problem ✗ " * 200_000))
    (line,) = activity.of("imports", 10)
    assert line.detail.startswith("problem ✗ problem")


def test_lines_about_everything_come_newest_first_over_midnight(activity: Activity) -> None:
    lines = tuple(event(minute, subject=f"task:{minute}") for minute in (0, 1, 1_000, 3_000))
    for line in lines:
        activity.append(line)
    assert activity.recent(NOON + timedelta(days=3), 10) == (tuple(reversed(lines)), "")


def test_lines_about_everything_are_read_on_where_an_answer_ended(activity: Activity) -> None:
    lines = [event(minute // 2, subject=f"task:{minute}") for minute in range(5)]
    for line in lines:
        activity.append(line)
    pages: list[tuple[Event, ...]] = []
    after = ""
    while not pages or after:
        page, after = activity.recent(NOON + timedelta(days=1), 2, after)
        pages.append(page)
    assert [len(page) for page in pages] == [2, 2, 1]
    read = [line for page in pages for line in page]
    assert sorted(read, key=str) == sorted(lines, key=str)
    assert [line.at for line in read] == sorted((line.at for line in lines), reverse=True)


def test_lines_about_everything_go_back_a_month(activity: Activity) -> None:
    activity.append(event(0))
    assert activity.recent(NOON + timedelta(days=ACTIVITY_DAYS), 10)[0] == (event(0),)
    assert activity.recent(NOON + timedelta(days=ACTIVITY_DAYS + 1), 10)[0] == ()


def test_a_line_of_a_clock_that_is_ahead_is_told_too(activity: Activity) -> None:
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    ahead = Event("task:a", "rebuilt", midnight + timedelta(seconds=30))
    activity.append(ahead)
    assert activity.recent(midnight - timedelta(seconds=1), 10)[0] == (ahead,)


@pytest.mark.parametrize(
    "after", ["x", "0", "9" * 18, "9" * 18 + "-" + "0" * 24, "0" * 18 + "-" + "0" * 23, "' or 1 eq 1", "é" * 43]
)
def test_a_place_to_go_on_that_no_answer_said_is_refused(activity: Activity, after: str) -> None:
    with pytest.raises(InvalidReference):
        activity.recent(NOON, 10, after)
