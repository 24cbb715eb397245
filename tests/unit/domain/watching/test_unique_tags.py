"""Names that digests keep: what a template makes, and which are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.references import Tag
from shared.domain.watching.reading import read
from shared.domain.watching.travelling import Lockable, ReferrerMode, Travelling
from shared.domain.watching.unique_tags import UNIQUE_TAG, checked_template, unique_tag
from shared.errors import InvalidReference, InvalidSelection

pytestmark = pytest.mark.unit

DAY = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)
_TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,40}", fullmatch=True)


def test_a_name_is_made_of_the_tag_the_day_and_a_number() -> None:
    assert unique_tag(UNIQUE_TAG, Tag("22-alpine"), DAY, 3) == "22-alpine-20261128.3"


@pytest.mark.parametrize("template", [UNIQUE_TAG, "{tag}.{n}", "{yyyymmdd}.{n}-{tag}-x", "v{n}_{tag}"])
def test_templates_that_make_one_name_for_each_digest_are_fine(template: str) -> None:
    assert checked_template(template) == template


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{tag}-{yyyymmdd}-{n}", "continuous patching"),
        ("{tag}-{n}", "continuous patching"),
        ("{n}-{tag}-patched", "continuous patching"),
        ("{n}.{tag}-7", "continuous patching"),
        ("{tag}-{yyyymmdd}", "lacks {n}"),
        ("{yyyymmdd}.{n}", "lacks {tag}"),
        ("{tag}-{date}.{n}", "{date}"),
        (".{tag}.{n}", "makes no tag"),
        ("{tag}:{n}", "makes no tag"),
        ("", "lacks"),
    ],
)
def test_templates_that_others_would_take_for_theirs_or_that_make_no_tag_are_refused(template: str, told: str) -> None:
    with pytest.raises(InvalidSelection, match=re.escape(told)):
        checked_template(template)


def test_a_tag_of_which_no_name_can_be_made_gets_none() -> None:
    with pytest.raises(InvalidReference):
        unique_tag(UNIQUE_TAG, Tag("x" * 120), DAY, 1)
    with pytest.raises(InvalidReference, match="another kind"):
        unique_tag("{tag}.{n}", Tag("sha256-" + "a" * 64), DAY, 1)


@given(_TAGS, st.integers(1, 2000))
def test_no_name_is_one_that_continuous_patching_takes_for_its_own(tag: str, number: int) -> None:
    name = unique_tag(UNIQUE_TAG, Tag(tag), DAY, number)
    assert re.search(r"-([1-9][0-9]{0,2}|patched)$", name) is None


def entry(**more: object) -> dict[str, object]:
    """Return an entry of a list."""
    return {"name": "node", "source": "node", "target": "base/node", "tags": ["22"], **more}


def test_an_entry_asks_for_what_comes_if_it_can_and_for_no_name_unless_it_says_so() -> None:
    watch_list, problems = read({"images": [entry()]})
    assert watch_list is not None, problems
    assert watch_list.images[0].travelling == Travelling(ReferrerMode.BEST_EFFORT)


def test_an_entry_may_leave_out_what_the_defaults_ask_for() -> None:
    defaults = {"referrers": "required", "unique_tag": UNIQUE_TAG}
    off = entry(name="other", target="base/other", referrers="off", unique_tag="none")
    watch_list, problems = read({"defaults": defaults, "images": [entry(), off]})
    assert watch_list is not None, problems
    assert [one.travelling for one in watch_list.images] == [
        Travelling(ReferrerMode.REQUIRED, UNIQUE_TAG),
        Travelling(),
    ]
    assert not watch_list.images[1].travelling.asks


@pytest.mark.parametrize("place", ["images", "defaults"])
def test_a_template_that_is_wrong_is_told_with_its_place(place: str) -> None:
    wrong = {"unique_tag": "{tag}-{n}"}
    document = {
        "images": [entry(**(wrong if place == "images" else {}))],
        **({"defaults": wrong} if place == "defaults" else {}),
    }
    watch_list, problems = read(document)
    assert watch_list is None
    (problem,) = problems
    assert problem.path == (("images", 0, "unique_tag") if place == "images" else ("defaults", "unique_tag"))


def test_a_tool_travels_with_nothing() -> None:
    tool = {**entry(), "registry": "staging"}
    watch_list, problems = read({"defaults": {"unique_tag": UNIQUE_TAG}, "images": [tool]})
    assert watch_list is not None, problems
    assert not watch_list.images[0].travelling.asks
    assert read({"images": [{**tool, "referrers": "required"}]})[0] is None


# What is locked.


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        (None, ()),
        ([], ()),
        ("unique", (Lockable.UNIQUE,)),
        (["stable", "unique"], (Lockable.UNIQUE, Lockable.STABLE)),
        (["stable", "blocked", "stable"], (Lockable.STABLE, Lockable.BLOCKED)),
    ],
)
def test_an_entry_says_what_is_locked_and_nothing_is_unless_it_does(
    lock: object, expected: tuple[Lockable, ...]
) -> None:
    watch_list, problems = read({"images": [entry(unique_tag=UNIQUE_TAG, lock=lock)]})
    assert watch_list is not None, problems
    assert watch_list.images[0].travelling.locks == expected


def test_an_entry_may_leave_out_what_the_defaults_lock() -> None:
    bare = entry(name="other", target="base/other", lock=[])
    defaults = {"lock": ["stable"], "referrers": "off"}
    watch_list, problems = read({"defaults": defaults, "images": [entry(), bare]})
    assert watch_list is not None, problems
    assert [one.travelling.asks for one in watch_list.images] == [True, False]


def test_names_that_are_not_given_cannot_be_locked() -> None:
    for document in (
        {"images": [entry(lock="unique")]},
        {"defaults": {"lock": ["unique"]}, "images": [entry()]},
    ):
        watch_list, problems = read(document)
        assert watch_list is None
        (problem,) = problems
        assert problem.path == ("images", 0, "lock")
        assert "unique_tag" in problem.told


@pytest.mark.parametrize("lock", ["everything", ["unique", "repository"], True, {"unique": True}])
def test_what_cannot_be_locked_is_told(lock: object) -> None:
    assert read({"images": [entry(unique_tag=UNIQUE_TAG, lock=lock)]})[0] is None
