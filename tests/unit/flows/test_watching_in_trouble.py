"""Neither a bad tag, a small budget, an upstream that has had enough nor a huge repository keeps others from a look."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from shared.domain.references import Repository, Tag, parse_repository
from shared.domain.watching.budget import Budget, Learned
from shared.domain.watching.observation import Presence
from shared.errors import NotFound, Refused, ServiceError, Unavailable, UnusableAnswer
from shared.rules import asking
from shared.rules.second_looks import SecondLooks
from tests.doubles.registries import digest_of
from tests.doubles.world import GHCR, NODE, ONE, TWO, Died, World

pytestmark = pytest.mark.unit

TOOL = parse_repository(f"{GHCR}/acme/tool")
TAGS = tuple(Tag(f"v{number}") for number in range(1, 7))
SIX = f"images: [{{name: tool, source: {TOOL}, tags: [{', '.join(TAGS)}], target: base/tool}}]".encode()


def tool() -> World:
    """Return a world that watches six tags of a registry without a catalogue, none looked at yet."""
    world = World(SIX)
    for tag in TAGS:
        world.ghcr.push(TOOL, tag, digest_of(tag))
    return world


def checked(world: World) -> None:
    """Check everything, and let an hour pass."""
    world.check()
    world.settle()
    world.pass_time(timedelta(hours=1))


def seen(world: World) -> set[Tag]:
    """Return the tags whose digest is known."""
    return {tag for tag, observation in world.observations.of(TOOL).tags.items() if observation.digest}


def limited(world: World, host: str, *, remaining: int, limit: int = 5) -> None:
    """Let an upstream have a limit an hour."""
    hour = timedelta(hours=1)
    budget = Budget(upstream=host, limit=limit, remaining=remaining, window=hour, resets_at=world.clock() + hour)
    world.budgets.replace(world.budgets.get(host), budget)


# Whatever an answer breaks.

TWO_TOOLS = f"""
images:
  - {{name: tool, source: {TOOL}, tags: [v1], target: base/tool}}
  - {{name: other, source: {GHCR}/acme/other, tags: [v1], target: base/other}}
""".encode()


@pytest.mark.parametrize("error", [RecursionError("deep"), ValueError("odd"), MemoryError(), KeyError("x")])
def test_an_exception_nobody_foresaw_is_the_failure_of_its_repository_and_stops_no_other(error: Exception) -> None:
    world = World(TWO_TOOLS)
    other = parse_repository(f"{GHCR}/acme/other")
    for repository in (TOOL, other):
        world.ghcr.push(repository, Tag("v1"), ONE)
    world.ghcr.trouble(TOOL, error)
    checked(world)
    assert world.observations.of(other).tags[Tag("v1")].digest == ONE
    state = world.observations.of(TOOL).state
    assert (state.failures > 0, type(error).__name__ in state.trouble) == (True, True)
    world.ghcr.trouble(TOOL, None)
    world.pass_time(timedelta(hours=7))
    checked(world)
    assert world.observations.of(TOOL).tags[Tag("v1")].digest == ONE


def test_a_repository_whose_answers_break_what_comes_after_them_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(TWO_TOOLS)
    other = parse_repository(f"{GHCR}/acme/other")
    for repository in (TOOL, other):
        world.ghcr.push(repository, Tag("v1"), ONE)
    believed = SecondLooks.believed

    def broken(self: SecondLooks, repository: Repository, *rest: Any) -> Any:
        if repository == TOOL:
            raise RecursionError
        return believed(self, repository, *rest)

    monkeypatch.setattr(SecondLooks, "believed", broken)
    world.check()
    with pytest.raises(Unavailable, match="RecursionError"):
        for delivery in world.outbox.deliver():
            world.work(delivery)
    assert world.observations.of(other).tags[Tag("v1")].digest == ONE


def test_what_is_kept_of_a_tags_trouble_has_room_in_a_row() -> None:
    world = tool()
    world.ghcr.fail("digest", UnusableAnswer("x" * 70_000, code="200"))
    checked(world)
    assert len(world.observations.of(TOOL).tags[TAGS[0]].trouble) <= 1000
    assert seen(world) == set(TAGS[1:])


# Tags.


def test_a_tag_whose_answer_cannot_be_used_keeps_no_other_from_being_looked_at() -> None:
    world = tool()
    world.ghcr.fail("digest", UnusableAnswer("a manifest of an abandoned type", code="200"))
    checked(world)
    known = world.observations.of(TOOL)
    assert seen(world) == set(TAGS[1:])
    assert known.tags[TAGS[0]].trouble == "a manifest of an abandoned type"
    assert (known.state.failures, known.state.trouble) == (0, "")


def test_a_registry_none_of_whose_answers_can_be_used_has_failed() -> None:
    world = tool()
    checked(world)
    world.ghcr.fail("digest", *[UnusableAnswer("a page for people", code="200")] * len(TAGS))
    checked(world)
    known = world.observations.of(TOOL)
    assert (known.state.failures, known.state.trouble) == (1, "a page for people")
    assert {one.presence for one in known.tags.values()} == {Presence.PRESENT}


def test_a_tag_at_which_the_asking_broke_off_is_asked_last_the_next_time() -> None:
    world = tool()
    for _ in range(2):
        world.ghcr.fail("digest", Unavailable("HTTP 500", code="500"))
        checked(world)
    world.ghcr.fail("digest", *[UnusableAnswer("odd", code="200")] * 3)
    checked(world)
    troubled = {tag for tag, one in world.observations.of(TOOL).tags.items() if one.trouble}
    assert troubled == set(TAGS[2:5]), "the first two were asked after all others, and answered"


def test_a_tag_that_is_gone_is_not_the_newest_while_only_increments_are_read() -> None:
    world = World(b"images: [{name: node, source: node, tags: [{semver: '>=20', newest: 1}], target: base/node}]")
    for tag in ("20.1", "22.1"):
        world.push(ONE, Tag(tag))
    checked(world)
    world.push(TWO, Tag("22.2"))
    checked(world)
    world.hub.delete(NODE, Tag("22.2"))
    world.pass_time(timedelta(days=1))
    checked(world)
    assert world.observations.of(NODE).tags[Tag("22.2")].presence is Presence.GONE
    world.push(TWO, Tag("22.1"))
    checked(world)
    assert world.base.tags["base/node", Tag("22.1")] == TWO


def test_a_tag_that_is_not_upstream_is_no_reason_to_doubt_what_others_said_before_it_was_asked_for() -> None:
    world = tool()
    checked(world)
    world.configuration.text = SIX.replace(", ".join(TAGS).encode(), b"v9")
    checked(world)
    state = world.observations.of(TOOL).state
    assert (state.empty_lists, state.failures) == (0, 0)
    assert world.observations.of(TOOL).tags[Tag("v9")].presence is Presence.GONE


# Limits.


def test_an_upstream_that_has_had_enough_is_not_asked_by_the_rest_of_the_message() -> None:
    names = [f"n{number}" for number in range(5)]
    entries = "".join(f"- {{name: {n}, source: {GHCR}/a/{n}, tags: [a], target: base/{n}}}\n" for n in names)
    world = World(f"images:\n{entries}".encode())
    world.ledger.learned(GHCR, Learned(locked_for=timedelta(minutes=10)))
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert world.ghcr.asked.total() == 0
    states = world.observations.states()
    assert {states[Repository(GHCR, f"a/{n}")].deferred for n in names} == {"locked-out"}


def test_a_repository_with_more_tags_than_a_window_grants_is_looked_at_bit_by_bit() -> None:
    world = tool()
    limited(world, GHCR, remaining=3)
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert seen(world) == set(TAGS[:2])
    state = world.observations.of(TOOL).state
    assert (state.deferred, state.failures) == ("spent", 0)
    assert state.checked_at == world.clock(), "so that others are checked before it in the next window"
    world.settle()
    world.pass_time(timedelta(hours=1))
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    assert seen(world) == set(TAGS)


def test_what_changed_is_not_asked_of_a_registry_that_locked_us_out_and_is_not_forgotten() -> None:
    tags = ", ".join(TAGS)
    world = World(f"images: [{{name: node, source: node, tags: [{tags}], target: base/node}}]".encode())
    for tag in TAGS:
        world.push(ONE, tag)
    checked(world)
    world.push(TWO, TAGS[0])
    before = world.hub.asked.total()
    world.ledger.learned("docker.io", Learned(locked_for=timedelta(hours=3)))
    for _ in range(2):
        world.check()
        for delivery in world.outbox.deliver():
            world.work(delivery)
        world.pass_time(timedelta(minutes=20))
    assert world.hub.asked.total() == before
    assert world.observations.of(NODE).state.deferred == "locked-out"
    world.pass_time(timedelta(hours=3))
    checked(world)
    assert world.base.tags["base/node", TAGS[0]] == TWO


BY_PATTERN = f"images: [{{name: tool, source: {TOOL}, tags: [{{glob: 'v*'}}], target: base/tool}}]".encode()


@pytest.mark.parametrize("watch_list", [SIX, BY_PATTERN])
def test_a_tag_that_its_registrys_own_list_shows_is_not_gone(watch_list: bytes) -> None:
    world = World(watch_list)
    for tag in TAGS:
        world.ghcr.push(TOOL, tag, digest_of(tag))
    checked(world)
    world.ghcr.deny(TOOL, TAGS[0])
    checked(world)
    observation = world.observations.of(TOOL).tags[TAGS[0]]
    assert (observation.presence, observation.digest) == (Presence.PRESENT, digest_of(TAGS[0]))
    assert "lists the tag" in observation.trouble
    assert "tags-vanished" not in {event.name for event in world.activity.events}
    world.ghcr.deny(TOOL, TAGS[0], denied=False)
    checked(world)
    assert world.observations.of(TOOL).tags[TAGS[0]].trouble == ""


def test_a_tag_is_gone_once_its_registrys_own_list_says_so_too() -> None:
    world = tool()
    checked(world)
    world.ghcr.delete(TOOL, TAGS[0])
    world.ghcr.fail("tags", Unavailable("no answer"))
    checked(world)
    assert world.observations.of(TOOL).tags[TAGS[0]].presence is Presence.PRESENT, "nobody confirmed it"
    checked(world)
    assert world.observations.of(TOOL).tags[TAGS[0]].presence is Presence.GONE
    listed = world.ghcr.listed[TOOL]
    checked(world)
    assert world.ghcr.listed[TOOL] == listed, "and it is not asked for again"


@pytest.mark.parametrize("error", [Refused("not listed to you", code="403"), NotFound("no lists here", code="404")])
def test_a_registry_without_a_list_is_believed_by_its_word_for_each_tag(error: ServiceError) -> None:
    world = tool()
    checked(world)
    world.ghcr.delete(TOOL, TAGS[0])
    world.ghcr.fail("tags", error)
    checked(world)
    assert world.observations.of(TOOL).tags[TAGS[0]].presence is Presence.GONE


def test_an_upstream_that_takes_long_over_each_answer_is_asked_on_in_the_next_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    minutes = count()
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: next(minutes) * 60.0))
    world = tool()
    checked(world)
    assert (len(seen(world)), world.observations.of(TOOL).state.deferred) == (2, "enough-for-now")
    for _ in range(2):
        checked(world)
    assert seen(world) == set(TAGS)


def test_a_huge_repository_is_looked_at_in_more_than_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_HEADS", 4)
    world = tool()
    checked(world)
    assert (len(seen(world)), world.observations.of(TOOL).state.deferred) == (4, "enough-for-now")
    checked(world)
    assert seen(world) == set(TAGS)


def test_messages_are_spread_over_the_windows_that_their_looks_take() -> None:
    names = [f"n{number}" for number in range(50)]
    entries = "".join(f"- {{name: {n}, source: {n}, tags: [a, b], target: base/{n}}}\n" for n in names)
    elsewhere = f"- {{name: tool, source: {TOOL}, tags: [v1], target: base/tool}}\n"
    world = World(f"images:\n{entries}{elsewhere}".encode())
    minute = timedelta(minutes=1)
    budget = Budget(upstream="hub.docker.com", limit=25, remaining=25, window=minute)
    world.budgets.replace(world.budgets.get("hub.docker.com"), budget)
    world.check()
    waits = [(len(sent.message.repositories), sent.delay) for sent in world.outbox.sent]  # type: ignore[union-attr]
    assert waits == [(1, timedelta(0)), (20, timedelta(0)), (20, minute), (10, 2 * minute)]
    world.settle()
    assert world.hub.prepared
    assert not any(state.deferred for state in world.observations.states().values())


def test_who_has_no_turn_before_the_next_timer_is_seen_to_be_put_off_at_once() -> None:
    world = tool()
    world.ledger.learned(GHCR, Learned(locked_for=timedelta(hours=6)))
    world.ledger.settle()
    world.check()
    assert [sent.delay for sent in world.outbox.sent] == [timedelta(0)]
    world.settle()
    assert world.observations.of(TOOL).state.deferred == "locked-out"


# The cheapest question.


def test_a_catalogue_too_long_for_anonymous_callers_still_answers_for_exact_tags_of_which_none_changed() -> None:
    tags = ", ".join(TAGS)
    world = World(f"images: [{{name: node, source: node, tags: [{tags}], target: base/node}}]".encode())
    world.hub.deepest = 3
    for tag in TAGS:
        world.push(ONE, tag)
    world.pass_time(timedelta(hours=1))
    for _ in range(2):
        checked(world)
    assert world.hub.asked.total() == len(TAGS), "once each; the second check was one look into the catalogue"
    assert world.hub.consulted.total() == 1
    assert world.hub.listed.total() == 0


# Manifests that are read.


def told_to_be_read(world: World) -> list[str]:
    """Return the subjects of the lines that say so."""
    return [event.subject for event in world.activity.events if event.name == "manifests-read"]


def test_that_a_repositorys_manifests_are_read_is_told_once_and_kept_while_it_is_so() -> None:
    world = tool()
    checked(world)
    assert (told_to_be_read(world), world.observations.of(TOOL).state.reads) == ([], False)
    world.ghcr.read.add(TOOL)
    for _ in range(3):
        checked(world)
    assert (told_to_be_read(world), world.observations.of(TOOL).state.reads) == ([f"repository:{TOOL}"], True)
    world.ghcr.read.clear()
    checked(world)
    assert not world.observations.of(TOOL).state.reads
    world.ghcr.read.add(TOOL)
    checked(world)
    assert len(told_to_be_read(world)) == 2


def test_a_new_process_that_got_no_answer_yet_does_not_forget_that_manifests_are_read() -> None:
    world = tool()
    world.ghcr.read.add(TOOL)
    checked(world)
    world.ghcr.read.clear()
    world.ghcr.fail("digest", Unavailable("ghcr.io does not answer"))
    checked(world)
    assert world.observations.of(TOOL).state.reads


def test_that_manifests_are_read_is_told_though_the_process_dies_before_it_remembers() -> None:
    world = tool()
    world.ghcr.read.add(TOOL)
    deaths: list[str] = []

    def die_once(moment: str) -> None:
        if moment == "observations.before:save" and not deaths:
            deaths.append(moment)
            assert told_to_be_read(world), "nothing is remembered that was not told"
            raise Died

    world.hook = die_once
    checked(world)
    checked(world)
    assert world.observations.of(TOOL).state.reads
    assert deaths
    assert set(told_to_be_read(world)) == {f"repository:{TOOL}"}
