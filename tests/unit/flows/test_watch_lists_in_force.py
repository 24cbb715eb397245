"""A watch list that is not valid never takes the place of one that was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.watching.troubles import Kind
from shared.domain.watching.watch_list import ListFile, WatchList
from shared.errors import Unavailable, WatchListError
from shared.flows.watch_lists import WatchLists
from shared.watch_list_yaml import parse_watch_list
from tests.doubles.storage import InMemoryActivity, InMemoryConfiguration
from tests.unit.flows.test_scanned_promotion import LIST as SCANNED

pytestmark = pytest.mark.unit

GOOD = b"images: [{name: node, source: node, tags: [22], target: base/node}]\n"
BETTER = GOOD.replace(b"22", b"24")
BAD, WORSE = b"images: [{name: node}]\n", b"images: ["


class Lists:
    """A watch list in storage, the activity log, and what was parsed."""

    def __init__(self, text: bytes | None) -> None:
        self.configuration = InMemoryConfiguration(text)
        self.activity = InMemoryActivity()
        self.parsed: list[bytes] = []
        self.start()

    def start(self) -> None:
        """Start the app: nothing is remembered but what is stored."""
        self.watch_lists = WatchLists(self.configuration, self.activity, self._parse, 20)

    def store(self, text: bytes | None) -> None:
        """Store another list, one minute after the one before; ``None`` deletes it."""
        self.configuration.text = text
        self.configuration.modified += timedelta(minutes=1)

    def tags(self) -> list[str]:
        """Return the tags that are watched now."""
        return [tag for image in self.watch_lists.in_force().images for tag in image.tags]

    def _parse(self, text: bytes, *more: ListFile) -> WatchList:
        self.parsed.append(text)
        return parse_watch_list(text, *more)


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


# A list that is not there.


def test_where_no_list_was_ever_stored_nothing_is_watched_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lists = Lists(None)
    assert lists.tags() == lists.tags() == []
    assert [record.message for record in caplog.records] == [
        "no watch list was ever stored: nothing is watched until the blob config/images.yaml is"
    ]
    lists.store(GOOD)
    assert lists.tags() == ["22"]


def test_a_list_that_is_deleted_leaves_the_last_good_one_in_force_also_when_the_app_starts_again(lists: Lists) -> None:
    lists.tags()
    lists.store(None)
    for _ in range(2):
        assert lists.tags() == ["22"]
        lists.start()
    (event,) = lists.activity.events
    assert (event.subject, event.name) == ("watch-list", "watch-list-missing")
    lists.store(BETTER)
    assert lists.tags() == ["24"]


def test_a_list_that_was_not_valid_when_it_was_deleted_leaves_the_last_good_one_in_force(lists: Lists) -> None:
    lists.tags()
    lists.store(BAD)
    lists.tags()
    lists.store(None)
    assert lists.tags() == ["22"]


# A list that lacks very much.


def of(*names: str, removes: int | None = None) -> bytes:
    """Return a list with an entry for each name."""
    entries = "".join(f"  - {{name: {name}, source: {name}, tags: [{name}], target: base/{name}}}\n" for name in names)
    said = f"removes: {removes}\n" if removes is not None else ""
    return f"{said}images:\n{entries or '  []'}".encode()


TWENTY = [f"entry-{number}" for number in range(20)]


@pytest.fixture
def twenty() -> Lists:
    """Twenty entries in force."""
    made = Lists(of(*TWENTY))
    made.tags()
    return made


def test_a_list_that_lacks_more_than_its_share_is_held_and_the_last_good_one_stays_whole(twenty: Lists) -> None:
    twenty.store(of(*TWENTY[6:], "new"))
    for _ in range(3):
        assert twenty.tags() == TWENTY
        twenty.start()
    (event,) = twenty.activity.events
    assert (event.subject, event.name, event.at) == ("watch-list", "watch-list-held", twenty.configuration.modified)
    assert "lacks 6 of 20 entries, more than 20 %: entry-0, entry-1" in event.detail
    assert "'removes: 6'" in event.detail


def test_a_list_that_is_held_is_not_taken_after_some_time_nor_when_it_is_uploaded_once_more(twenty: Lists) -> None:
    for _ in range(3):
        twenty.store(of(*TWENTY[6:]))
        assert twenty.tags() == TWENTY


def test_a_list_that_says_how_many_entries_it_removes_is_taken(twenty: Lists) -> None:
    twenty.store(of(*TWENTY[6:]))
    twenty.tags()
    twenty.store(of(*TWENTY[6:], removes=6))
    assert twenty.tags() == TWENTY[6:]
    twenty.start()
    assert twenty.tags() == TWENTY[6:]


def test_what_a_list_said_of_an_earlier_removal_does_not_let_another_one_pass(twenty: Lists) -> None:
    twenty.store(of(*TWENTY[6:], removes=6))
    twenty.tags()
    twenty.store(of(*TWENTY[13:], removes=6))
    assert twenty.tags() == TWENTY[6:]


def test_an_emptied_list_is_held(twenty: Lists) -> None:
    twenty.store(b"images: []")
    assert twenty.tags() == TWENTY


@pytest.mark.parametrize("left", [0, 3])
def test_a_small_list_is_edited_freely(left: int) -> None:
    lists = Lists(of(*TWENTY[:5]))
    lists.tags()
    lists.store(of(*TWENTY[:left]))
    assert lists.tags() == TWENTY[:left]


def test_five_entries_go_from_any_list_and_a_share_from_a_long_one(twenty: Lists) -> None:
    twenty.store(of(*TWENTY[5:]))
    assert twenty.tags() == TWENTY[5:]
    many = [f"entry-{number}" for number in range(100)]
    lists = Lists(of(*many))
    lists.tags()
    lists.store(of(*many[20:]))
    assert lists.tags() == many[20:]


def test_an_entry_that_is_only_renamed_or_has_another_source_is_not_removed(twenty: Lists) -> None:
    renamed = of(*TWENTY).replace(b"name: entry", b"name: other")
    twenty.store(renamed)
    assert twenty.tags() == TWENTY
    twenty.store(renamed.replace(b"source: entry", b"source: ghcr.io/entry"))
    assert twenty.tags() == TWENTY
    assert twenty.activity.events == ()


def test_instances_that_see_lists_at_other_times_go_by_the_same_one_in_the_end(twenty: Lists) -> None:
    slow = WatchLists(twenty.configuration, twenty.activity, parse_watch_list, 20)
    first, second = of(*TWENTY[4:]), of(*TWENTY[7:])
    twenty.store(second)
    assert len(slow.in_force().images) == 20, "held against what it knows"
    twenty.store(first)
    twenty.tags()
    twenty.store(second)
    assert twenty.tags() == [image.name for image in slow.in_force().images] == TWENTY[7:]


def test_who_holds_a_list_takes_it_once_another_instance_did(twenty: Lists) -> None:
    slow = WatchLists(twenty.configuration, twenty.activity, parse_watch_list, 20)
    twenty.store(of(*TWENTY[7:]))
    slow.in_force()
    taken = twenty.configuration.watch_list()
    assert taken is not None
    twenty.configuration.keep_last_good(taken)
    assert [image.name for image in slow.in_force().images] == TWENTY[7:]


def test_what_is_held_is_told_once_and_read_once_by_each_instance(twenty: Lists) -> None:
    twenty.store(of(*TWENTY[7:]))
    twenty.tags()
    twenty.parsed.clear()
    twenty.tags()
    assert twenty.parsed == []
    assert len(twenty.activity.events) == 1


def not_taken(lists: Lists) -> Kind | None:
    """Why the stored list is not in force."""
    try:
        lists.tags()
    except WatchListError:
        assert lists.configuration.last_good() is None
    problem = lists.watch_lists.not_taken
    return problem.kind if problem else None


def test_why_the_stored_list_is_not_in_force_is_known_for_as_long_as_it_is_so(lists: Lists) -> None:
    assert not_taken(lists) is None
    for text, expected in ((BAD, Kind.LIST_INVALID), (None, Kind.LIST_MISSING), (GOOD, None), (BAD, Kind.LIST_INVALID)):
        lists.store(text)
        assert (not_taken(lists), not_taken(lists)) == (expected, expected)
    lists.store(BETTER)
    assert not_taken(lists) is None


def test_where_no_list_was_ever_good_what_is_so_now_is_told() -> None:
    lists = Lists(None)
    for text, expected in (
        (None, Kind.LIST_MISSING),
        (BAD, Kind.LIST_INVALID),
        (None, Kind.LIST_MISSING),
        (GOOD, None),
    ):
        lists.store(text)
        assert not_taken(lists) is expected


# A list in several files.


def web(*names: str) -> tuple[ListFile, ...]:
    """Return another file of the list."""
    return (ListFile("images/web.yaml", of(*names)),)


@pytest.fixture
def several() -> Lists:
    """A list of two files in force."""
    made = Lists(of("a"))
    made.configuration.more = web("b", "c")
    assert made.tags() == ["a", "b", "c"]
    return made


def test_a_file_of_the_list_that_is_not_there_leaves_the_last_good_list_in_force_whole(several: Lists) -> None:
    several.configuration.more = ()
    several.store(of("a", "d"))
    for _ in range(2):
        assert several.tags() == ["a", "b", "c"]
        several.start()
    (event,) = several.activity.events
    assert event.name == "watch-list-missing"
    assert "config/images/web.yaml" in event.detail


def test_a_file_whose_entries_go_by_policies_of_another_may_be_missing_too(several: Lists) -> None:
    first = b"policies: {strict: {test: {gate: node}}}\n" + of("a")
    second = of("b").replace(b"target:", b"policy: strict, target:")
    several.configuration.more = (ListFile("images/web.yaml", second),)
    several.store(first.replace(b"images:", b"removes: 1\nimages:"))
    assert several.tags() == ["a", "b"]
    several.configuration.more = ()
    several.store(first)
    assert several.tags() == ["a", "b"]
    assert several.activity.events[-1].name == "watch-list-missing"
    assert "config/images/web.yaml" in several.activity.events[-1].detail


def test_a_file_of_the_list_that_cannot_be_read_leaves_the_last_good_list_in_force_whole(several: Lists) -> None:
    several.configuration.more = (ListFile("images/web.yaml", b"images: ["),)
    several.store(of("a", "d"))
    assert several.tags() == ["a", "b", "c"]
    assert "images/web.yaml, line 1: not YAML" in several.activity.events[0].detail


def test_a_file_may_go_once_its_entries_are_elsewhere_or_meant_to_go(several: Lists) -> None:
    several.configuration.more = ()
    several.store(of("a", "b", "c"))
    assert several.tags() == ["a", "b", "c"]
    several.configuration.more = web("d")
    several.store(of("a", "b", "c"))
    assert several.tags() == ["a", "b", "c", "d"]
    several.configuration.more = ()
    several.store(of("a", "b", "c", removes=1))
    assert several.tags() == ["a", "b", "c"]


def test_what_is_left_out_of_a_file_that_is_there_goes_as_from_any_list(several: Lists) -> None:
    several.configuration.more = web("b")
    several.store(of("a"))
    assert several.tags() == ["a", "b"]
    several.configuration.more = web()
    several.store(of("a"))
    assert several.tags() == ["a"]
    several.configuration.more = ()
    several.store(of("a"))
    assert several.tags() == ["a"]


# What asks for less than the list in force.

STRICT = b"""
policies:
  strict: {min_age: 48h, approval: required}
  lax: {min_age: 2h}
defaults: {policy: strict}
images:
  - {name: node, source: node, tags: [22], target: base/node}
  - {name: python, source: python, tags: [3], target: base/python}
"""
LAX = STRICT.replace(b"policy: strict", b"policy: lax")


def weakened(lists: Lists) -> list[str]:
    """Return what is told of policies that ask for less."""
    return [event.detail for event in lists.activity.events if event.name == "policy-weakened"]


def test_a_list_that_weakens_policies_in_force_is_taken_and_told_once_by_every_instance() -> None:
    lists = Lists(STRICT)
    lists.tags()
    lists.store(LAX)
    for _ in range(3):
        lists.tags()
        lists.start()
    (told,) = set(weakened(lists))
    assert "node: min_age: 2h instead of 48h; approval: nobody has to agree any more" in told
    assert "python: " in told
    assert len({(event.subject, event.name, event.at) for event in lists.activity.events}) == 1


@pytest.mark.parametrize(
    "hidden",
    [
        LAX.replace(b"name: node", b"name: nodejs"),
        STRICT.replace(b"[22], target: base/node}", b"[23], target: base/node}")
        + b"  - {name: new, source: node, tags: [22], target: base/node, policy: lax}\n",
        STRICT.replace(b"target: base/node}", b"target: base/nodejs, policy: lax}"),
    ],
    ids=["another name", "another entry for the tag", "another repository"],
)
def test_a_weakening_that_hides_is_told_all_the_same(hidden: bytes) -> None:
    lists = Lists(STRICT)
    lists.tags()
    lists.store(hidden)
    lists.tags()
    (told,) = weakened(lists)
    assert "approval: nobody has to agree any more" in told


def test_a_list_that_has_fewer_platforms_scanned_is_told_of() -> None:
    both = SCANNED.replace("policy: standard", "policy: standard, platforms: [linux/amd64, linux/arm64]").encode()
    lists = Lists(both)
    lists.tags()
    lists.store(both.replace(b", linux/arm64", b""))
    lists.tags()
    (told,) = weakened(lists)
    assert "node: platforms: linux/arm64 is not scanned any more" in told


def test_a_list_that_asks_for_more_or_adds_entries_is_not_told_of() -> None:
    lists = Lists(LAX)
    lists.tags()
    lists.store(STRICT + b"  - {name: new, source: redis, tags: [8], target: base/redis, policy: lax}\n")
    lists.tags()
    assert weakened(lists) == []


def test_a_list_whose_taker_dies_before_it_is_kept_is_told_of_all_the_same() -> None:
    lists = Lists(STRICT)
    lists.tags()
    lists.store(LAX)
    lists.configuration.keep_last_good = _dies  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        lists.tags()
    assert len(weakened(lists)) == 1


def _dies(_: object) -> None:
    raise ZeroDivisionError
