"""Knowing what changed upstream by the cheapest question, within its limits, and without believing nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.events.messages import MOST_REPOSITORIES, CheckRepositories
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Tag, parse_repository
from shared.domain.watching.budget import Budget, Learned
from shared.domain.watching.observation import Presence
from shared.domain.watching.questions import FIRST_BACKOFF, LONGEST_BACKOFF, RepositoryState, failed
from shared.errors import NotFound, RateLimited, Unavailable
from shared.flows.explain import explain
from tests.doubles.registries import digest_of
from tests.doubles.upstreams import InMemoryUpstream
from tests.doubles.world import GHCR, NODE, ONE, THREE, TWO, World

pytestmark = pytest.mark.unit

TAGS = [f"{number}-alpine" for number in range(10, 20)]
TEN = f"images: [{{name: node, source: node, tags: [{', '.join(TAGS)}], target: base/node}}]".encode()
PATTERN = b"images: [{name: node, source: node, tags: [{semver: '>=20 <30', flavour: alpine}], target: base/node}]"
TOOL = parse_repository(f"{GHCR}/acme/tool")
ELSEWHERE = f"images: [{{name: tool, source: {TOOL}, tags: [v1, v2], target: base/tool}}]".encode()


def checked(world: World) -> None:
    world.check()
    world.settle()


def ten() -> World:
    """Return a world whose ten tags were promoted, an hour ago."""
    world = World(TEN)
    for tag in TAGS:
        world.hub.push(NODE, Tag(tag), digest_of(tag))
    checked(world)
    world.pass_time(timedelta(hours=1))
    forget_counts(world)
    return world


def forget_counts(world: World) -> None:
    for upstream in (world.hub, world.ghcr):
        upstream.asked.clear()
        upstream.consulted.clear()
        upstream.listed.clear()


def base(world: World, tag: str, target: str = "base/node") -> str | None:
    return world.base.tags.get((target, Tag(tag)))


# The cheapest question.


def test_an_unchanged_repository_costs_one_request_however_many_of_its_tags_are_watched() -> None:
    world = ten()
    checked(world)
    assert (world.hub.consulted.total(), world.hub.asked.total(), world.hub.listed.total()) == (1, 0, 0)


def test_a_change_costs_one_request_more_and_is_confirmed_by_head_before_anything_is_imported() -> None:
    world = ten()
    world.hub.push(NODE, Tag("12-alpine"), TWO)
    checked(world)
    assert (world.hub.consulted.total(), world.hub.asked.total()) == (1, 1)
    assert base(world, "12-alpine") == TWO


def test_what_the_catalogue_says_wrongly_imports_nothing() -> None:
    world = ten()
    world.hub.push(NODE, Tag("12-alpine"), digest_of("12-alpine"))
    world.hub.lie(NODE, Tag("12-alpine"), THREE)
    checked(world)
    assert base(world, "12-alpine") == digest_of("12-alpine")
    assert world.staging.imports.total() == len(TAGS)


def test_a_single_exact_tag_is_one_head() -> None:
    world = World()
    world.push(ONE)
    checked(world)
    assert (world.hub.asked.total(), world.hub.consulted.total()) == (1, 0)


def test_a_catalogue_that_does_not_answer_is_made_good_by_the_registrys_own_list() -> None:
    world = World(PATTERN)
    world.hub.deepest = 0
    for tag in ("22-alpine", "22", "31-alpine"):
        world.hub.push(NODE, Tag(tag), digest_of(tag))
    checked(world)
    assert base(world, "22-alpine") == digest_of("22-alpine")
    assert base(world, "31-alpine") is None
    assert world.hub.listed.total() == 1


def test_a_registry_without_a_catalogue_is_asked_by_head() -> None:
    world = World(ELSEWHERE)
    for tag in ("v1", "v2"):
        world.ghcr.push(TOOL, Tag(tag), digest_of(tag))
    checked(world)
    assert world.ghcr.asked.total() == 2
    assert base(world, "v2", "base/tool") == digest_of("v2")


def test_a_new_tag_that_a_pattern_selects_arrives_without_the_whole_list_being_read_again() -> None:
    world = World(PATTERN)
    world.hub.push(NODE, Tag("22-alpine"), ONE)
    checked(world)
    world.pass_time(timedelta(hours=1))
    forget_counts(world)
    world.hub.push(NODE, Tag("24-alpine"), TWO)
    checked(world)
    assert base(world, "24-alpine") == TWO
    assert (world.hub.consulted.total(), world.hub.asked.total(), world.hub.listed.total()) == (1, 1, 0)


def test_a_changed_rule_takes_tags_that_were_pushed_long_ago() -> None:
    world = World(PATTERN)
    for tag in ("22-alpine", "18-alpine"):
        world.hub.push(NODE, Tag(tag), digest_of(tag))
    checked(world)
    world.pass_time(timedelta(hours=1))
    world.configuration.text = PATTERN.replace(b">=20", b">=10")
    checked(world)
    assert base(world, "18-alpine") == digest_of("18-alpine")


def test_a_rule_can_give_the_newest_tag_another_name_that_moves_on_with_it() -> None:
    world = World(PATTERN.replace(b"flavour: alpine", b"flavour: alpine, newest: 1, as: current"))
    world.hub.push(NODE, Tag("22.1-alpine"), ONE)
    checked(world)
    world.pass_time(timedelta(hours=1))
    world.hub.push(NODE, Tag("22.2-alpine"), TWO)
    checked(world)
    assert base(world, "current") == TWO


# Limits.


def test_a_budget_that_is_short_defers_what_is_beyond_it_and_says_so() -> None:
    world = ten()
    stored = world.budgets.get("hub.docker.com")
    now = world.clock()
    spent = Budget(upstream="hub.docker.com", limit=180, remaining=10, resets_at=now + timedelta(hours=5))
    world.budgets.replace(stored, spent)
    checked(world)
    assert world.hub.consulted.total() == 0
    assert world.observations.of(NODE).state.deferred == "spent"
    world.pass_time(timedelta(hours=6))
    checked(world)
    assert world.hub.consulted.total() == 1
    assert world.observations.of(NODE).state.deferred == ""


def test_imports_are_granted_what_looking_may_not_use_and_wait_without_failing_when_nothing_is_left() -> None:
    world = World()
    world.push(ONE)
    until = world.clock() + timedelta(hours=2)
    spent = Budget(upstream="docker.io", limit=100, remaining=1, resets_at=until)
    world.budgets.replace(world.budgets.get("docker.io"), spent)
    checked(world)
    assert base(world, "22-alpine") == ONE, "the last pull of the window"
    world.push(TWO)
    world.check()
    for delivery in world.outbox.deliver():
        world.work(delivery)
    for delivery in world.outbox.deliver():
        world.work(delivery)
    waiting = world.candidate(TWO)
    assert (waiting.last.reason, waiting.failures) == (Reason.DEFERRED, 0)
    world.settle()
    assert world.clock() >= until
    assert base(world, "22-alpine") == TWO


def test_what_is_learned_while_tags_are_listed_for_people_is_shared_at_once() -> None:
    world = World(PATTERN)
    world.push(ONE)

    def listing(registry: str) -> InMemoryUpstream:
        world.ledger.learned(registry, Learned(100, 5, timedelta(hours=6)))
        return world.hub

    explain(
        "node",
        watch_list=world.watch_lists.in_force(),
        upstream=listing,
        observations=world.observations,
        ledger=world.ledger,
        standings=lambda _: {},
        trusts=lambda _: False,
    )
    assert world.budgets.get("docker.io").budget.remaining == 5


def test_an_upstream_that_locked_us_out_is_left_alone_until_it_said() -> None:
    world = World()
    world.push(ONE)
    world.hub.fail("digest", RateLimited("429", retry_after=600))
    checked(world)
    world.pass_time(timedelta(minutes=5))
    forget_counts(world)
    checked(world)
    assert world.hub.asked.total() == 0
    world.pass_time(timedelta(minutes=6))
    checked(world)
    assert world.hub.asked.total() == 1


def test_a_repository_that_fails_keeps_its_own_backoff_and_error_and_does_not_delay_others() -> None:
    world = World()
    other = parse_repository("docker.io/library/other")
    world.configuration.text = b"""
images:
  - {name: other, source: other, tags: [a], target: base/other}
  - {name: node, source: node, tags: [22-alpine], target: base/node}
"""
    world.hub.trouble(other, Unavailable("the registry is down"))
    world.push(ONE)
    for _ in range(3):
        checked(world)
    state = world.observations.of(other).state
    assert base(world, "22-alpine") == ONE
    assert (state.failures, state.trouble) == (1, "the registry is down")
    assert world.hub.asked[other, Tag("a")] == 1, "left alone while its backoff lasts"


def test_a_repository_that_answers_for_some_tags_is_left_alone_for_no_longer_each_time() -> None:
    now, state = datetime(2026, 1, 1, tzinfo=UTC), RepositoryState()
    for _ in range(9):
        state = failed(state, "HTTP 502", now, None, partly=True)
        assert (state.failures, state.next_at) == (1, now + FIRST_BACKOFF)
    assert failed(state, "HTTP 502", now, None).next_at == now + 2 * FIRST_BACKOFF


def test_a_repository_that_was_down_for_a_day_is_asked_again_within_the_hour() -> None:
    now, state = datetime(2026, 1, 1, tzinfo=UTC), RepositoryState()
    for _ in range(200):
        state = failed(state, "down", now, None)
    assert state.next_at == now + timedelta(hours=1)


def test_a_backoff_grows_to_an_hour_and_ends_with_the_first_answer() -> None:
    world = World()
    world.hub.trouble(NODE, Unavailable("down"))
    for _ in range(12):
        checked(world)
        world.pass_time(LONGEST_BACKOFF)
    state = world.observations.of(NODE).state
    assert state.next_at is not None
    assert state.failures == 12
    world.hub.trouble(NODE, None)
    world.push(ONE)
    checked(world)
    assert world.observations.of(NODE).state.failures == 0


def test_somebody_who_asks_by_hand_is_not_put_off_by_a_backoff() -> None:
    world = World()
    world.hub.fail("digest", Unavailable("down"))
    world.push(ONE)
    checked(world)
    world.check(image="node")
    world.settle()
    assert base(world, "22-alpine") == ONE


def test_where_a_budget_is_short_the_least_recently_checked_repositories_go_first() -> None:
    names = [f"r{number}" for number in range(5)]
    world = World(
        (
            "images:\n" + "".join(f"- {{name: {n}, source: {n}, tags: [a, b], target: base/{n}}}\n" for n in names)
        ).encode()
    )
    checked(world)
    world.pass_time(timedelta(hours=1))
    world.check(image="")
    world.outbox.waiting.clear()
    last = parse_repository("r3")
    known = world.observations.of(last)
    state = known.state
    old = world.observations.of(parse_repository("r1")).state
    assert state.checked_at is not None
    assert old.checked_at is not None
    type_of = type(state)
    world.observations.save(last, known, type_of(checked_at=state.checked_at - timedelta(days=3)), ())
    budget = Budget(upstream="hub.docker.com", limit=10, remaining=3, resets_at=world.clock() + timedelta(hours=1))
    world.budgets.replace(world.budgets.get("hub.docker.com"), budget)
    world.pass_time(timedelta(seconds=10))
    ordered = world.planner.plan(world.watch_lists.in_force().images, traceparent="")
    assert ordered[0] == last


# What vanished, and what is not believed.


def test_a_tag_that_vanishes_from_the_catalogue_is_kept_flagged_and_told_once() -> None:
    world = ten()
    world.hub.delete(NODE, Tag("13-alpine"))
    for _ in range(3):
        world.pass_time(timedelta(days=1, minutes=1))
        checked(world)
    assert [event.name for event in world.activity.events] == ["tags-vanished"]
    assert world.observations.of(NODE).tags[Tag("13-alpine")].presence is Presence.GONE
    assert base(world, "13-alpine") == digest_of("13-alpine")


def test_an_upstream_that_lists_nothing_at_once_is_not_believed() -> None:
    world = ten()
    for tag in TAGS:
        world.hub.delete(NODE, Tag(tag))
    world.pass_time(timedelta(days=1, minutes=1))
    for _ in range(2):
        checked(world)
    assert not world.activity.events
    checked(world)
    assert "10 tags are gone" in world.activity.events[0].detail, "the third time each tag was asked about"


def test_a_repository_that_is_private_or_renamed_is_told_as_such_and_what_was_promoted_is_kept() -> None:
    world = ten()
    world.hub.trouble(NODE, NotFound("no such repository, or it is private"))
    checked(world)
    assert "private" in world.observations.of(NODE).state.trouble
    assert not world.activity.events
    assert base(world, "10-alpine") == digest_of("10-alpine")


def test_a_tag_that_moves_between_the_list_and_the_look_is_imported_as_the_look_found_it() -> None:
    world = ten()
    world.hub.push(NODE, Tag("12-alpine"), TWO)
    world.hub.lie(NODE, Tag("12-alpine"), THREE)
    checked(world)
    assert base(world, "12-alpine") == TWO
    assert world.candidates.get(candidate_id(NODE, THREE, None)) is None


# Fan-out.


def test_a_timer_sends_a_large_watch_list_in_many_messages_that_any_instance_can_take() -> None:
    images = "".join(f"- {{name: n{i}, source: n{i}, tags: [a], target: base/n{i}}}\n" for i in range(200))
    world = World(f"images:\n{images}".encode())
    world.check()
    sent = [one.message for one in world.outbox.sent]
    assert all(isinstance(message, CheckRepositories) for message in sent)
    assert len(sent) == 200 / MOST_REPOSITORIES
    assert len({name for message in sent for name in message.repositories}) == 200


def test_tokens_are_prepared_for_all_repositories_of_a_message_at_once() -> None:
    images = "".join(f"- {{name: n{i}, source: n{i}, tags: [a], target: base/n{i}}}\n" for i in range(5))
    world = World(f"images:\n{images}".encode())
    checked(world)
    assert [len(prepared) for prepared in world.hub.prepared] == [5]


def test_a_candidate_that_failed_is_tried_again_by_hand_though_the_catalogue_says_nothing_changed() -> None:
    world = ten()
    world.hub.push(NODE, Tag("12-alpine"), TWO)
    world.staging.fail("start_import", NotFound("gone for a moment"))
    checked(world)
    assert world.candidates.get(candidate_id(NODE, TWO, None)) is not None
    world.pass_time(timedelta(hours=1))
    world.check(image="node")
    world.settle()
    stored = world.candidates.get(candidate_id(NODE, TWO, None))
    assert stored is not None
    assert stored.record.status is Status.PROMOTED
