"""A watch list that is not valid never takes the place of one that was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.watching.watch_list import WatchList
from shared.errors import Unavailable, WatchListError
from shared.flows.watch_lists import WatchLists
from shared.watch_list_yaml import parse_watch_list
from tests.doubles.storage import InMemoryActivity, InMemoryConfiguration

pytestmark = pytest.mark.unit

GOOD = b"images: [{name: node, source: node, tags: [22], target: base/node}]\n"
BETTER = GOOD.replace(b"22", b"24")
BAD, WORSE = b"images: [{name: node}]\n", b"images: ["


class Lists:
    """A watch list in storage, the activity log, and what was parsed."""

    def __init__(self, text: bytes) -> None:
        self.configuration = InMemoryConfiguration(text)
        self.activity = InMemoryActivity()
        self.parsed: list[bytes] = []
        self.start()

    def start(self) -> None:
        """Start the app: nothing is remembered but what is stored."""
        self.watch_lists = WatchLists(self.configuration, self.activity, self._parse)

    def store(self, text: bytes) -> None:
        """Store another list, one minute after the one before."""
        self.configuration.text = text
        self.configuration.modified += timedelta(minutes=1)

    def tags(self) -> list[str]:
        """Return the tags that are watched now."""
        return [tag for image in self.watch_lists.in_force().images for tag in image.tags]

    def _parse(self, text: bytes) -> WatchList:
        self.parsed.append(text)
        return parse_watch_list(text)


@pytest.fixture
def lists() -> Lists:
    return Lists(GOOD)


def test_the_stored_list_is_in_force_and_remembered_as_good(lists: Lists) -> None:
    assert lists.tags() == ["22"]
    last_good = lists.configuration.last_good()
    assert last_good is not None
    assert last_good.text == GOOD


def test_a_list_that_changes_is_in_force_at_once(lists: Lists) -> None:
    lists.tags()
    lists.store(BETTER)
    assert lists.tags() == ["24"]


def test_an_unchanged_list_is_parsed_once(lists: Lists) -> None:
    for _ in range(5):
        lists.tags()
    assert lists.parsed == [GOOD]


def test_a_list_that_is_not_valid_leaves_the_last_good_one_in_force(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    assert lists.tags() == ["22"]


def test_the_last_good_list_stays_in_force_when_the_app_starts_again(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    lists.start()
    assert lists.tags() == ["22"]


def test_a_list_that_is_not_valid_is_recorded_with_its_problems_and_the_time_it_was_stored(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    lists.tags()
    (event,) = lists.activity.events
    assert (event.subject, event.name, event.at) == ("watch-list", "watch-list-invalid", lists.configuration.modified)
    assert "images[0]: the field 'source' is missing" in event.detail


def test_a_list_that_is_not_valid_is_recorded_once_however_often_and_by_how_many_it_is_found(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    for _ in range(3):
        lists.start()
        lists.tags()
        lists.tags()
    assert len(lists.activity.events) == 1


def test_every_list_that_is_not_valid_is_recorded(lists: Lists) -> None:
    lists.tags()
    for text in (BAD, WORSE):
        lists.store(text)
        lists.tags()
    assert len(lists.activity.events) == 2


def test_a_list_that_is_not_valid_is_parsed_once(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    lists.tags()
    lists.parsed.clear()
    lists.tags()
    assert lists.parsed == []


def test_a_list_that_is_repaired_is_taken(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    lists.tags()
    lists.store(BETTER)
    assert lists.tags() == ["24"]


def test_a_first_list_that_is_not_valid_is_told_and_recorded_once() -> None:
    lists = Lists(BAD)
    for _ in range(3):
        with pytest.raises(WatchListError, match="the field 'source' is missing"):
            lists.watch_lists.in_force()
    assert len(lists.activity.events) == 1
    assert lists.configuration.last_good() is None


def test_a_first_list_that_is_repaired_is_taken() -> None:
    lists = Lists(BAD)
    with pytest.raises(WatchListError):
        lists.watch_lists.in_force()
    lists.store(GOOD)
    assert lists.tags() == ["22"]


def test_storage_that_does_not_answer_is_told_as_such_and_forgets_nothing(lists: Lists) -> None:
    lists.tags()
    lists.configuration.fail("watch_list", Unavailable("503"))
    with pytest.raises(Unavailable):
        lists.watch_lists.in_force()
    assert lists.tags() == ["22"]
    assert lists.parsed == [GOOD]


@pytest.mark.parametrize("method", ["keep_last_good", "last_good"])
def test_storage_that_fails_half_way_is_asked_again_for_what_is_missing(lists: Lists, method: str) -> None:
    lists.tags()
    lists.store(BETTER if method == "keep_last_good" else BAD)
    lists.configuration.fail(method, Unavailable("503"))
    with pytest.raises(Unavailable):
        lists.watch_lists.in_force()
    assert lists.tags() == (["24"] if method == "keep_last_good" else ["22"])
