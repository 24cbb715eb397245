"""Which entry writes a tag of the base registry, if any does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.references import Repository, Tag, parse_repository
from shared.domain.watching.observation import Observation, Presence
from shared.domain.watching.places import Places
from shared.watch_list_yaml import parse_watch_list

pytestmark = pytest.mark.unit

NODE, OTHER = parse_repository("node"), parse_repository("quay.io/org/node")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def seen(*tags: str, gone: tuple[str, ...] = ()) -> dict[Tag, Observation]:
    """Return what is known of an upstream repository."""
    presence = {**dict.fromkeys(tags, Presence.PRESENT), **dict.fromkeys(gone, Presence.GONE)}
    return {
        Tag(tag): Observation(tag=Tag(tag), presence=how, first_seen=NOON, last_checked=NOON)
        for tag, how in presence.items()
    }


def entry_of(tags: str, tag: str, known: dict[Tag, Observation], source: Repository = NODE, bore: str = "") -> str:
    """Return the name of the entry that writes a tag; empty if none does."""
    text = f"images: [{{name: it, source: node, tags: {tags}, target: base/node}}]"
    places = Places(parse_watch_list(text.encode()).into("base/node"), {NODE: known})
    found = places.entry_of(Tag(tag), source, Tag(bore or tag))
    return found.name if found else ""


def test_an_exact_tag_is_written_whatever_is_known_of_upstream() -> None:
    assert entry_of("[22]", "22", {}) == "it"
    assert entry_of("[22]", "22", {}, source=OTHER) == "it"
    assert entry_of("[22]", "20", seen("20")) == ""


def test_a_tag_is_written_under_the_name_it_gets_in_the_base_registry() -> None:
    assert entry_of("[{tag: 22, as: lts}]", "lts", {}, bore="22") == "it"
    assert entry_of("[{tag: 22, as: lts}]", "22", {}) == ""


def test_a_pattern_writes_what_it_takes_of_what_upstream_has() -> None:
    assert entry_of("[{glob: '2*'}]", "22", seen("20", "22")) == "it"
    assert entry_of("[{glob: '2*'}]", "18", seen("18", "22")) == ""


def test_a_tag_that_is_not_among_the_newest_any_more_is_written_by_none() -> None:
    known = seen("20.1", "22.1", "24.1")
    assert [entry_of("[{glob: '*', newest: 2}]", tag, known) for tag in known] == ["", "it", "it"]


def test_a_tag_that_upstream_deleted_is_written_as_long_as_the_pattern_would_take_it() -> None:
    known = seen("20.1", "22.1", gone=("24.1", "18.1"))
    assert entry_of("[{glob: '*', newest: 2}]", "24.1", known) == "it"
    assert entry_of("[{glob: '*', newest: 2}]", "18.1", known) == ""


def test_a_tag_of_which_nothing_is_known_yet_is_written_if_the_pattern_would_take_it() -> None:
    assert entry_of("[{glob: '2*'}]", "22", {}) == "it"
    assert entry_of("[{glob: '2*'}]", "18", {}) == ""


def test_a_tag_that_came_from_another_source_is_no_tag_of_this_pattern() -> None:
    assert entry_of("[{glob: '2*'}]", "22", {}, source=OTHER) == ""
