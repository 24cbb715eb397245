"""A long list is read in parts, newest first, and nothing is left out or told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pages import MOST_LISTED, newest_first
from shared.errors import InvalidReference

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Line = tuple[datetime, str]
LINES = st.lists(
    st.tuples(st.integers(0, 3).map(lambda n: NOON + timedelta(microseconds=n)), st.sampled_from("abcdefgh")),
    unique_by=lambda line: line[1],
)


def part(lines: list[Line], limit: int, after: str = "") -> tuple[tuple[Line, ...], str]:
    """Return a part of some lines."""
    return newest_first(lines, lambda line: line[0], lambda line: line[1], limit, after)


@given(LINES, st.integers(1, 4))
def test_all_parts_together_are_the_list_newest_first(lines: list[Line], limit: int) -> None:
    read, after = part(lines, limit)
    while after:
        more, after = part(lines, limit, after)
        read += more
    assert list(read) == sorted(lines, key=lambda line: (-line[0].timestamp(), line[1]))


def test_what_changes_between_two_parts_is_not_told_twice_and_hides_nothing() -> None:
    lines = [(NOON - timedelta(hours=n), f"line-{n}") for n in range(4)]
    first, after = part(lines, 2)
    moved = [(NOON + timedelta(hours=1), name) if name in {"line-1", "line-3"} else (at, name) for at, name in lines]
    second, end = part(moved, 2, after)
    assert [name for _, name in first] == ["line-0", "line-1"]
    assert [name for _, name in second] == ["line-2"]
    assert end == ""


def test_no_part_holds_more_than_the_most_there_may_be() -> None:
    lines = [(NOON, f"line-{n:04}") for n in range(MOST_LISTED + 1)]
    found, after = part(lines, MOST_LISTED * 2)
    assert len(found) == MOST_LISTED
    assert part(lines, 1, after) == ((lines[-1],), "")


@pytest.mark.parametrize("after", ["x", "1", "1.", "-1.a", "1.a/b", "1." + "a" * 501, "1" * 18 + ".a", "٣.a"])
def test_a_place_that_no_answer_said_is_refused(after: str) -> None:
    with pytest.raises(InvalidReference, match="was said by no earlier answer"):
        part([], 1, after)
