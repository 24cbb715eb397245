"""A long list, or a pattern that takes very much, begins in waves; what is in force already never waits for them."""

from __future__ import annotations

import pytest

from shared.domain.promotion.candidate import Candidate
from shared.domain.references import Repository, Tag
from shared.domain.watching.waves import Wave, in_turn
from shared.rules.room import Room
from tests.doubles.registries import digest_of
from tests.doubles.storage import InMemoryRecords, SettableClock
from tests.doubles.world import NODE, TARGET, Died, World

pytestmark = pytest.mark.unit

ALL = b"""
images:
  - {name: node, source: node, tags: [latest, {glob: "*"}], target: base/node, gate: none}
"""
REPOSITORIES = "images:\n" + "".join(
    f"  - {{name: n{i}, source: n{i}, tags: [a], target: base/n{i}}}\n" for i in range(7)
)


def tags(world: World) -> set[str]:
    """The tags that are in the base registry."""
    return {tag for _, tag in world.base.tags}


def ten(new_tags: int = 4) -> World:
    """A world with ten tags upstream, of which nothing is known yet."""
    world = World(ALL, new_tags=new_tags)
    for tag in ("latest", *(f"{number}.0" for number in range(1, 10))):
        world.hub.push(NODE, Tag(tag), digest_of(tag))
    return world


def checked(world: World) -> None:
    """Check, and let everything that follows happen."""
    world.check()
    world.settle()


def test_what_is_named_begins_first_then_the_newest_versions_and_all_in_the_end() -> None:
    world = ten()
    checked(world)
    assert tags(world) == {"latest", "9.0", "8.0", "7.0"}
    checked(world)
    assert tags(world) == {"latest", *(f"{number}.0" for number in range(3, 10))}
    checked(world)
    assert len(tags(world)) == 10


def test_how_many_wait_is_told_by_each_check_until_none_does() -> None:
    world = ten()
    for _ in range(4):
        checked(world)
    told = [event for event in world.activity.events if event.name == "first-imports-wait"]
    assert [event.subject for event in told] == [f"repository:{NODE}"] * 2
    assert [event.detail for event in told] == [
        "6 new tags wait for the next checks: at most 4 are begun in one",
        "2 new tags wait for the next checks: at most 4 are begun in one",
    ]


def test_a_tag_that_moves_does_not_wait_for_new_ones() -> None:
    world = ten()
    checked(world)
    for tag in ("9.0", "8.0", "7.0", "latest"):
        world.hub.push(NODE, Tag(tag), digest_of(f"{tag} mended"))
    checked(world)
    assert world.base.tags[TARGET, Tag("7.0")] == digest_of("7.0 mended")
    assert len(tags(world)) == 8


def test_a_tag_that_moved_does_not_wait_when_the_check_that_saw_it_died() -> None:
    world = ten()
    checked(world)
    world.hub.push(NODE, Tag("7.0"), digest_of("7.0 mended"))

    def die(moment: str) -> None:
        if moment == "observations.after:save":
            world.hook = None
            raise Died

    world.new_tags = 1
    world.hook = die
    checked(world)
    assert world.hook is None
    assert world.base.tags[TARGET, Tag("7.0")] == digest_of("7.0 mended")
    assert len(tags(world)) == 5


def test_a_tag_that_moves_while_it_waits_begins_on_what_it_bears_by_then() -> None:
    world = ten()
    checked(world)
    world.hub.push(NODE, Tag("1.0"), digest_of("1.0 mended"))
    for _ in range(2):
        checked(world)
    assert world.base.tags[TARGET, Tag("1.0")] == digest_of("1.0 mended")
    assert world.staging.imports.total() == 10


def test_rules_that_change_while_tags_wait_lose_none_that_is_still_wanted() -> None:
    world = ten()
    checked(world)
    world.configuration.text = ALL.replace(b'"*"', b'"*", exclude: ["1.*"]')
    for _ in range(2):
        checked(world)
    assert tags(world) == {"latest", *(f"{number}.0" for number in range(2, 10))}


def test_many_repositories_of_one_check_are_one_wave() -> None:
    world = World(REPOSITORIES.encode(), new_tags=3)
    for number in range(7):
        world.hub.push(Repository("docker.io", f"library/n{number}"), Tag("a"), digest_of(str(number)))
    for arrived in (3, 6, 7, 7):
        checked(world)
        assert len(world.base.tags) == arrived


def test_a_wave_admits_again_what_it_has_admitted() -> None:
    wave = Wave(1, Room(InMemoryRecords(Candidate), SettableClock()))
    assert [wave.admits(place, NODE) for place in ("a", "b", "a")] == [True, False, True]


def test_tags_that_are_no_versions_come_last_as_they_were_listed() -> None:
    listed = [Tag(tag) for tag in ("edge", "1.2", "nightly", "1.10", "stable")]
    assert in_turn(listed, [Tag("stable"), Tag("gone")]) == ("stable", "1.10", "1.2", "edge", "nightly")
