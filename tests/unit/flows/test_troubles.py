"""What is wrong is told once, stays visible for as long as it lasts, and its end is told; whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Said
from shared.domain.references import Digest, Tag
from shared.domain.watching.troubles import Kind
from shared.errors import ServiceError, Unavailable
from shared.flows.tell_troubles import MOST_CHANGES, SURVEY_EVERY
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import NODE, ONE, TAG, TARGET, TWO, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

DAY = timedelta(days=1)
TYPO = WATCH_LIST.replace(b"22-alpine", b"22-apline")


def survey(world: World, after: timedelta = SURVEY_EVERY) -> None:
    """Let time pass, and the sweep survey what is wrong."""
    world.pass_time(after)
    world.sweep()


def lasting(world: World) -> set[tuple[str, str]]:
    """What the last survey told of, by kind and subject."""
    return {(one.trouble.kind.value, one.trouble.about) for one in world.lasting}


def lines(world: World, name: str) -> list[str]:
    """The subjects of the activity log's lines of one name."""
    return [event.subject for event in world.activity.events if event.name == name]


def checked(world: World) -> World:
    """A world that was checked once, and whatever follows."""
    world.check()
    world.settle()
    return world


def promoted(watch_list: bytes = WATCH_LIST) -> World:
    """A world whose tag was promoted."""
    world = World(watch_list)
    world.push(ONE)
    return checked(world)


def rejecting(world: World) -> World:
    """The same once its tag has moved to what does not pass its gate."""
    return bad(world, TWO)


def bad(world: World, digest: Digest) -> World:
    """A world whose tag moved to a digest that does not pass its gate."""
    world.staging_runs.end(digest, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(digest)
    return checked(world)


def test_where_all_is_well_nothing_is_told_and_nothing_is_noted() -> None:
    world = promoted()
    survey(world)
    assert (world.lasting, world.troubles.every()) == ((), ())


def test_a_misspelt_tag_is_told_once_and_seen_until_the_list_is_mended() -> None:
    world = World(TYPO)
    world.push(ONE)
    checked(world)
    for _ in range(3):
        survey(world)
        assert lasting(world) == {("tag-never-there", "tag:docker.io/library/node:22-apline")}
    assert lines(world, "tag-never-there") == ["tag:docker.io/library/node:22-apline"]
    world.configuration.text = WATCH_LIST
    survey(checked(world))
    assert lasting(world) == set()
    assert lines(world, "tag-never-there-over") == ["tag:docker.io/library/node:22-apline"]
    assert world.troubles.every() == ()


def test_a_trouble_says_which_entry_it_concerns_and_what_to_look_at() -> None:
    world = checked(World(TYPO))
    survey(world)
    (one,) = world.lasting
    assert one.trouble.images == ("node",)
    assert "has never had 22-apline" in one.trouble.detail
    assert "is its name right?" in one.trouble.detail


def test_a_tag_that_upstream_deleted_is_a_trouble_until_it_is_back() -> None:
    world = promoted()
    world.hub.push(NODE, Tag("other"), TWO)
    world.hub.delete(NODE, TAG)
    for _ in range(4):
        world.pass_time(DAY)
        checked(world)
    survey(world)
    assert ("tag-gone", "tag:docker.io/library/node:22-alpine") in lasting(world)
    world.push(ONE)
    survey(checked(world))
    assert lasting(world) == set()
    assert lines(world, "tag-gone-over") == ["tag:docker.io/library/node:22-alpine"]


def test_a_repository_that_never_gives_an_answer_is_told_after_the_second_try() -> None:
    world = World()
    world.hub.fail("digest", *[ServiceError("401: there is no such repository")] * 9)
    checked(world)
    survey(world)
    assert lasting(world) == set()
    checked(world)
    survey(world)
    assert lasting(world) == {("repository-never-answered", "repository:docker.io/library/node")}


def test_a_repository_that_fails_is_told_after_an_hour_and_its_end_too() -> None:
    world = promoted()
    world.hub.fail("digest", *[Unavailable("no answer")] * 5)
    for _ in range(5):
        world.pass_time(timedelta(minutes=20))
        checked(world)
        survey(world, timedelta(0))
    survey(world)
    assert lasting(world) == {("repository-fails", "repository:docker.io/library/node")}
    world.pass_time(DAY)
    survey(checked(world))
    assert lasting(world) == set()
    assert lines(world, "repository-fails-over") == ["repository:docker.io/library/node"]


def test_a_repository_that_nobody_looks_at_is_told_after_a_week() -> None:
    world = promoted()
    survey(world, 6 * DAY)
    assert lasting(world) == set()
    survey(world, 2 * DAY)
    assert lasting(world) == {("not-checked", "repository:docker.io/library/node")}


def test_an_entry_that_no_timer_ever_looks_at_is_told_a_week_after_it_was_noticed() -> None:
    world = World()
    survey(world)
    assert [stored.noted.told for stored in world.troubles.every()] == [False]
    assert lasting(world) == set()
    survey(world, 7 * DAY)
    assert lasting(world) == {("not-checked", "repository:docker.io/library/node")}


def test_rules_that_take_nothing_are_told() -> None:
    world = World(WATCH_LIST.replace(b"[22-alpine]", b'[{semver: ">=99"}]'))
    world.push(ONE)
    checked(world)
    survey(world)
    assert lasting(world) == {("nothing-taken", "image:node")}


def test_a_rejected_candidate_is_a_trouble_until_a_newer_digest_has_its_place() -> None:
    world = rejecting(promoted())
    survey(world)
    assert lasting(world) == {("candidate-rejected", f"candidate:{world.candidate(TWO).id}")}
    world.push(digest_of("three"))
    survey(checked(world))
    assert lasting(world) == set()
    assert lines(world, "candidate-rejected-over") == [f"candidate:{world.candidate(TWO).id}"]


def test_an_image_that_stands_still_for_a_week_is_told_whatever_else_happens() -> None:
    world = rejecting(promoted())
    survey(world, 8 * DAY)
    checked(world)
    survey(world)
    assert ("not-updated", f"target:{world.target().id}") in lasting(world)
    (one,) = (one for one in world.lasting if one.trouble.kind is Kind.NOT_UPDATED)
    assert "rejected" in one.trouble.detail
    assert TWO in one.trouble.detail


def test_an_image_whose_upstream_moves_every_other_day_and_is_always_rejected_stands_still_all_the_same() -> None:
    world = rejecting(promoted())
    for number in range(4):
        world.pass_time(2 * DAY)
        bad(world, digest_of(f"bad {number}"))
    survey(world)
    assert ("not-updated", f"target:{world.target().id}") in lasting(world)


def test_an_image_that_is_held_for_a_week_is_told_as_held() -> None:
    world = promoted()
    world.ruler.hold("node", Said("ada", "later", world.clock()), listed=True)
    world.push(TWO)
    checked(world)
    survey(world, 8 * DAY)
    checked(world)
    survey(world)
    (one,) = world.lasting
    assert one.trouble.kind is Kind.NOT_UPDATED
    assert "held" in one.trouble.detail


def test_an_invalid_list_is_a_trouble_while_the_last_good_one_stays_in_force() -> None:
    world = promoted()
    world.configuration.text = b"images: [{name: node}]\n"
    for _ in range(2):
        survey(world)
        assert lasting(world) == {("watch-list-invalid", "watch-list")}
    assert lines(world, "watch-list-invalid") == ["watch-list"]
    world.configuration.text = WATCH_LIST
    survey(world)
    assert lasting(world) == set()
    assert lines(world, "watch-list-invalid-over") == ["watch-list"]


def test_a_list_that_was_never_valid_is_told_and_ends_no_other_trouble() -> None:
    world = World(b"images: [")
    survey(world)
    survey(world)
    assert lasting(world) == {("watch-list-invalid", "watch-list")}


def test_an_app_to_which_no_list_was_ever_given_says_so() -> None:
    world = World()
    world.configuration.text = None
    survey(world)
    assert lasting(world) == {("watch-list-missing", "watch-list")}
    world.configuration.text = WATCH_LIST
    survey(world)
    assert lasting(world) == set()


def test_a_tag_that_others_overwrote_is_told_by_every_survey_until_it_is_right() -> None:
    world = promoted()
    world.base.tags[TARGET, TAG] = digest_of("foreign")
    world.pass_time(timedelta(minutes=10))
    world.look_at_base()
    world.settle()
    for _ in range(2):
        survey(world)
        assert lasting(world) == {("base-tag-overwritten", f"target:{world.target().id}")}
    assert lines(world, "base-tag-overwritten") == []
    assert set(lines(world, "tag-overwritten")) == {f"target:{world.target().id}"}


def test_nothing_is_looked_for_between_two_surveys() -> None:
    world = promoted()
    survey(world)
    asked: list[str] = []
    world.hook = asked.append
    survey(world, timedelta(minutes=1))
    assert not [one for one in asked if one.startswith(("troubles", "observations"))]


def test_what_cannot_be_read_is_told_and_ends_nothing() -> None:
    world = checked(World(TYPO))
    survey(world)
    world.observations.fail("every", ServiceError("row 1 cannot be read"))
    survey(world)
    assert lasting(world) == {
        ("records-unreadable", "table:observations"),
        ("tag-never-there", "tag:docker.io/library/node:22-apline"),
    }
    survey(world)
    assert lasting(world) == {("tag-never-there", "tag:docker.io/library/node:22-apline")}


def test_a_storage_account_that_does_not_answer_ends_and_begins_nothing() -> None:
    world = checked(World(TYPO))
    survey(world)
    before = world.troubles.every()
    world.observations.fail("every", Unavailable("no answer"))
    with pytest.raises(Unavailable):
        survey(world)
    assert world.troubles.every() == before


def test_a_flood_of_troubles_is_told_in_turns() -> None:
    tags = ", ".join(f'"no-{number}"' for number in range(200))
    many = (f"- {{name: n{one}, source: node, target: base/n{one}, tags: [{tags}]}}\n" for one in range(1))
    more = f"- {{name: more, source: other, target: base/more, tags: [{tags}]}}\n"
    world = checked(World(("images:\n" + "".join(many) + more).encode(), new_tags=1000))
    survey(world)
    assert len(lines(world, "tag-never-there")) == MOST_CHANGES
    survey(world)
    assert len(set(lines(world, "tag-never-there"))) == 400


def test_words_that_change_from_survey_to_survey_keep_nothing_new_waiting() -> None:
    tags = ", ".join(f'"no-{number}"' for number in range(200))
    world = checked(
        World(f"images: [{{name: n, source: node, target: base/n, tags: [{tags}]}}]".encode(), new_tags=999)
    )
    survey(world)
    for stored in world.troubles.every():
        changed = msgspec.structs.replace(stored.noted.trouble, detail="other words")
        world.troubles.put(stored, msgspec.structs.replace(stored.noted, trouble=changed))
    world.configuration.text = (world.configuration.text or b"").replace(
        b"]}]", b"]}, {name: z, source: z, target: z, tags: [zz]}]"
    )
    survey(checked(world))
    assert "tag:docker.io/library/z:zz" in lines(world, "tag-never-there")


def dying_at(number: int) -> Callable[[str], None]:
    """A hook that kills the process at the so-manieth moment of a survey's writing."""
    moments: list[str] = []

    def hook(moment: str) -> None:
        if moment.startswith(("troubles.", "activity.")):
            moments.append(moment)
            if len(moments) == number:
                raise Died

    return hook


@pytest.mark.parametrize("number", range(1, 7))
def test_whoever_dies_while_a_beginning_is_told_tells_it_once(number: int) -> None:
    world = checked(World(TYPO))
    world.hook = dying_at(number)
    with pytest.raises(Died):
        survey(world)
    world.hook = None
    world.start()
    survey(world)
    assert lines(world, "tag-never-there") == ["tag:docker.io/library/node:22-apline"]
    assert [stored.noted.told for stored in world.troubles.every()] == [True]


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("back", [False, True], ids=["and it stays over", "and it is back"])
def test_whoever_dies_while_an_end_is_told_tells_it_once(number: int, *, back: bool) -> None:
    world = checked(World(TYPO))
    survey(world)
    world.configuration.text = WATCH_LIST
    world.hook = dying_at(number)
    with pytest.raises(Died):
        survey(world)
    world.hook = None
    world.start()
    if back:
        world.configuration.text = TYPO
    survey(world)
    ended = lines(world, "tag-never-there-over")
    assert len(ended) == len(set(ended)) <= 1
    assert bool(lasting(world)) is back
    assert len(world.troubles.every()) == int(back)
