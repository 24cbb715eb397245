"""GET /api/images tells of every watched tag how it stands: upstream, in the base registry, and what is between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.said import Said
from shared.domain.promotion.standing import Standing, TagStanding
from shared.domain.references import Tag
from shared.domain.watching.selection import ChoiceReason
from shared.domain.watching.troubles import Kind
from shared.errors import UNREADABLE, ServiceError, Unavailable
from shared.flows.explain import explain
from shared.flows.overview import ImageStanding, Overview
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, TWO, World

pytestmark = pytest.mark.unit

LIST = b"""
images:
  - {name: node, source: docker.io/library/node, tags: [22-alpine, 22-apline], target: base/node, gate: node}
"""


@pytest.fixture
def world() -> World:
    """Everything in memory; one of the two tags is promoted, the other is none."""
    world = World(LIST)
    world.push(ONE)
    world.check()
    world.settle()
    return world


def images(world: World) -> tuple[ImageStanding, ...]:
    """Return how all entries stand."""
    overview = Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools)
    return overview.images(world.watch_lists.in_force(), limit=100)[0]


def tag(world: World, name: Tag = TAG) -> TagStanding:
    """Return how one tag stands."""
    return next(one for one in images(world)[0].tags if one.tag == name)


def moves(world: World) -> None:
    """Let the tag move, and the check see it."""
    world.push(TWO)
    world.check()


def test_a_promoted_tag_is_current_and_tells_what_both_registries_have(world: World) -> None:
    found = tag(world)
    assert (found.status, found.upstream, found.base, found.wanted) == (Standing.CURRENT, ONE, ONE, ONE)
    assert (found.target, found.reason, found.trouble) == ("base/node:22-alpine", "promotion-verified", None)
    assert found.checked_at is not None


def test_a_tag_that_never_existed_is_among_the_entrys_tags(world: World) -> None:
    found = tag(world, Tag("22-apline"))
    assert (found.status, found.upstream, found.base, found.reason) == (Standing.NEVER_THERE, None, None, "never-there")


def test_a_tag_that_nobody_has_looked_at_is_unseen() -> None:
    assert {one.status for one in images(World(LIST))[0].tags} == {Standing.UNSEEN}


def test_a_rejected_digest_is_told_beside_what_stays_in_base(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    moves(world)
    world.settle()
    found = tag(world)
    assert (found.status, found.upstream, found.base) == (Standing.REJECTED, TWO, ONE)
    assert (found.reason, found.candidate) == ("gate-rejected", world.candidate(TWO).id)


def test_who_explains_tags_is_shown_a_rejected_digest_as_rejected(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    moves(world)
    world.settle()
    told = explain(
        "node",
        watch_list=world.watch_lists.in_force(),
        upstream=lambda _: world.hub,
        observations=world.observations,
        ledger=world.ledger,
        standings=Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools).tags,
        trusts=lambda _: False,
    )
    line = next(line for line in told.tags if line.tag == TAG)
    assert line.standing is not None
    assert (line.reason, line.standing.status) == (ChoiceReason.EXACT, Standing.REJECTED)


def test_a_digest_that_was_rejected_long_ago_is_told_still(world: World) -> None:
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    moves(world)
    world.settle()
    world.pass_time(timedelta(days=400))
    world.sweep()
    assert not list(world.candidates.current())
    assert tag(world).status is Standing.REJECTED


def test_a_digest_on_its_way_is_under_way(world: World) -> None:
    moves(world)
    world.work(world.outbox.deliver()[0])
    assert tag(world).status is Standing.UNDER_WAY


def test_a_held_target_says_so(world: World) -> None:
    world.ruler.hold("node", Said("ada", "a freeze", world.clock()), listed=True)
    assert tag(world).status is Standing.HELD


def test_a_rolled_back_target_is_what_people_decided(world: World) -> None:
    moves(world)
    world.settle()
    world.actor.roll_back(world.target().id, None, Said("ada", "it is bad", world.clock()))
    world.settle()
    found = tag(world)
    assert (found.status, found.upstream, found.base) == (Standing.OTHERWISE, TWO, ONE)


def test_a_base_tag_that_others_moved_has_drifted(world: World) -> None:
    world.pass_time(timedelta(hours=1))
    world.base.tags[TARGET, TAG] = TWO
    world.look_at_base()
    world.settle()
    found = tag(world)
    assert (found.status, found.wanted) == (Standing.DRIFTED, ONE)


def test_a_tag_that_is_gone_upstream_keeps_what_base_has(world: World) -> None:
    world.hub.push(NODE, Tag("other"), TWO)
    world.hub.delete(NODE, TAG)
    for _ in range(4):
        world.pass_time(timedelta(hours=7))
        world.check()
        world.settle()
    found = tag(world)
    assert (found.status, found.upstream, found.base) == (Standing.GONE, None, ONE)


def test_the_trouble_of_the_last_look_is_told(world: World) -> None:
    world.hub.trouble(NODE, Unavailable("the registry is away"))
    world.pass_time(timedelta(hours=1))
    world.check()
    world.settle()
    entry = images(world)[0]
    assert "the registry is away" in f"{entry.state.trouble} {entry.tags}"


def test_entries_are_told_by_name_some_at_a_time() -> None:
    names = ("b", "a", "c")
    entry = "  - {{name: {0}, source: docker.io/library/{0}, tags: [one], target: base/{0}}}\n"
    world = World(("images:\n" + "".join(entry.format(name) for name in names)).encode())
    overview = Overview(world.observations, world.targets, world.candidates, world.troubles, BASE, world.tools)
    watch_list = world.watch_lists.in_force()
    first, after = overview.images(watch_list, limit=2)
    second, end = overview.images(watch_list, limit=2, after=after)
    assert ([one.name for one in (*first, *second)], end) == (["a", "b", "c"], "")


def test_a_row_that_cannot_be_read_is_told_and_hides_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(repository: object) -> None:
        raise ServiceError(f"the row of {repository} cannot be read", code=UNREADABLE)

    monkeypatch.setattr(world.observations, "of", broken)
    entry = images(world)[0]
    assert "cannot be read" in (entry.unreadable or "")
    assert [one.tag for one in entry.tags] == ["22-alpine", "22-apline"]


def test_storage_that_is_away_is_no_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(repository: object) -> None:
        raise Unavailable(f"{repository} cannot be asked about just now")

    monkeypatch.setattr(world.observations, "of", away)
    with pytest.raises(Unavailable):
        images(world)


def test_a_trouble_that_was_told_is_shown_with_its_entry(world: World) -> None:
    world.pass_time(timedelta(hours=1))
    world.sweep()
    kinds = {one.trouble.kind for one in images(world)[0].troubles}
    assert kinds == {Kind.TAG_NEVER_THERE}


def test_a_tool_stands_as_what_runs_are_given_of_it() -> None:
    world = World(
        b"images: [{name: db, source: docker.io/library/node, tags: [22-alpine], target: tools/db, registry: staging}]"
    )
    assert images(world)[0].tags[0].status is Standing.UNSEEN
    world.push(ONE)
    world.check()
    world.step()
    (image,) = images(world)
    assert (image.tool, image.gate, image.target) == (True, None, "tools/db")
    assert (image.tags[0].status, image.tags[0].wanted, image.tags[0].base) == (Standing.UNDER_WAY, ONE, None)
    world.settle()
    found = images(world)[0].tags[0]
    assert (found.status, found.upstream, found.base, found.reason) == (Standing.CURRENT, ONE, ONE, "tool-mirrored")
    assert found.target == "tools/db:22-alpine in staging"
    moves(world)
    world.ghcr.purge(NODE, TWO)
    world.hub.purge(NODE, TWO)
    world.settle()
    found = images(world)[0].tags[0]
    assert (found.status, found.upstream, found.base) == (Standing.FAILED, TWO, ONE)
