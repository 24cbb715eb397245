"""A store that earlier versions filled: what was decided stays, what was under way goes on, old ids still answer.

The rows are as the version wrote them that had targets, and a candidate for each tag. The version before it had neither
targets nor orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.domain.events.messages import LookAtCandidate, LookAtRebuild, LookAtTarget, decode
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from shared.flows.inspect import get_candidate
from tests.doubles.registries import digest_of
from tests.doubles.world import NODE, TARGET, Died, World

pytestmark = pytest.mark.unit

STORE: dict[str, Any] = json.loads((Path(__file__).parent / "store_of_an_earlier_version.json").read_text())
APART = digest_of("apart")
UNDER_WAY = ["superseded", "detected", "importing", "staged", "validating", "promoting"]
_CAME_LATER = {Status.CANCELLING, Status.HELD, Status.MIRRORED, Status.OBSERVED}
EVERY = [*UNDER_WAY, "promoted", "promoted-too", "archived", "rejected", "failed"]
WATCH_LIST = f"""
images:
  - name: node
    source: docker.io/library/node
    tags: [{", ".join([*EVERY, "new"])}]
    target: base/node
    gate: node
"""


def filled(*, targets: bool = True) -> World:
    """A world whose store an earlier version filled: the one with targets, or the one before it."""
    world = World(WATCH_LIST.encode())
    world.clock.now = datetime.fromisoformat(STORE["now"])
    for kind in ("archived", "current"):
        for row in STORE["candidates"][kind].values():
            world.candidates.insert(msgspec.convert(row, Candidate))
    for record_id in STORE["candidates"]["archived"]:
        stored = world.candidates.get(record_id)
        assert stored is not None
        assert world.candidates.archive_all([stored]) == {}
    for row in STORE["targets"].values() if targets else ():
        world.targets.insert(msgspec.convert(row, Target))
    fill_watched(world, targets=targets)
    fill_outside(world)
    return world


def fill_watched(world: World, *, targets: bool) -> None:
    """Store what was seen upstream."""
    seen = [msgspec.convert(row, Observation) for row in STORE["observations"]]
    state = msgspec.convert(STORE["state"], RepositoryState)
    if not targets:
        seen = [msgspec.structs.replace(one, order=0) for one in seen]
        state = msgspec.structs.replace(state, order=0)
    world.observations.save(NODE, world.observations.of(NODE), state, tuple(seen))


def fill_outside(world: World) -> None:
    """Let queues and registries hold what they held."""
    for message in STORE["messages"]:
        world.outbox.send(decode(message["text"]))
    for registry, content in ((world.staging, STORE["staging"]), (world.base, STORE["base"])):
        for place, digest in content.items():
            repository, _, tag = place.partition(":")
            registry.push(repository, Tag(tag), Digest(digest))
    for tag, digest in STORE["upstream"].items():
        world.push(Digest(digest), Tag(tag))


def quiet(world: World, days: int = 2) -> None:
    """Let time pass, with checks and sweeps."""
    for pause in [timedelta(minutes=2)] * 10 + [timedelta(hours=4)] * (6 * days):
        world.settle()
        world.pass_time(pause)
        world.check()
        world.sweep()
    world.settle()


@pytest.fixture(params=[True, False], ids=["with-targets", "before-targets"])
def world(request: pytest.FixtureRequest) -> World:
    """A world whose store either of two earlier versions filled."""
    return filled(targets=request.param)


def test_the_store_holds_a_record_of_every_status() -> None:
    known = {row["status"] for row in STORE["candidates"]["current"].values()}
    assert known == {status.value for status in Status if status not in _CAME_LATER}
    assert STORE["candidates"]["archived"]


def test_what_lies_in_queues_that_nobody_asks_any_more_goes_on_by_itself(world: World) -> None:
    assert world.outbox.waiting
    world.outbox.waiting.clear()
    everything_ends(world)


def test_everything_ends_as_its_tag_wants_it_and_nothing_waits(world: World) -> None:
    everything_ends(world)


def everything_ends(world: World) -> None:
    """Let days pass, and look for what every tag bears and whether anything waits."""
    quiet(world)
    expected = {tag: digest_of(tag) for tag in [*UNDER_WAY, "failed", "archived"]}
    expected |= {"promoted": digest_of("shared"), "promoted-too": digest_of("shared")}
    expected |= {"rejected": digest_of("rejected-first"), "archived": digest_of("archived-first")}
    assert {tag: digest for (_, tag), digest in world.base.tags.items()} == expected
    for stored in world.candidates.current():
        assert stored.record.status in ENDS
    for tag in EVERY:
        assert world.target(Tag(tag)).look_at is None


def test_what_was_rejected_is_not_tested_again_however_its_tag_comes_back_to_it(world: World) -> None:
    quiet(world)
    for digest in ("rejected-first", "rejected", "third", "rejected"):
        world.push(digest_of(digest), Tag("rejected"))
        world.check()
        quiet(world)
    assert world.staging_runs.started[digest_of("rejected")] == 0
    assert world.base.tags[TARGET, Tag("rejected")] == digest_of("third")
    assert world.status(digest_of("rejected")) is Status.REJECTED
    assert "base~node~rejected~" in world.candidate(digest_of("rejected")).last.detail


def test_what_had_passed_is_not_tested_again(world: World) -> None:
    quiet(world)
    for digest in ("shared", "promoting", "archived-first"):
        assert world.staging_runs.started[digest_of(digest)] == 0
    assert world.status(digest_of("promoting")) is Status.PROMOTED


def test_what_was_promoted_is_its_targets_record(world: World) -> None:
    quiet(world)
    for tag, digest in (("promoted", "shared"), ("promoted-too", "shared"), ("archived", "archived-first")):
        target = world.target(Tag(tag))
        assert (target.wanted, target.seen, target.reached) == (digest_of(digest), digest_of(digest), target.number)


@pytest.mark.parametrize("name", ["importing", "staged", "validating", "detected"])
def test_what_was_under_way_begins_again_and_the_old_record_says_where_it_goes_on(world: World, name: str) -> None:
    quiet(world)
    (old_id,) = (known for known in STORE["candidates"]["current"] if known.startswith(f"base~node~{name}~"))
    old = get_candidate(world.candidates, old_id)
    assert (old.status, old.last.reason) == (Status.SUPERSEDED, Reason.CONTINUED)
    assert old.last.detail == f"goes on as {world.candidate(digest_of(name)).id}"
    assert world.status(digest_of(name)) is Status.PROMOTED


def test_old_ids_still_answer_with_what_was_decided(world: World) -> None:
    quiet(world)
    for known in ({}, STORE["candidates"]["current"], STORE["candidates"]["archived"]):
        for record_id, row in known.items():
            found = get_candidate(world.candidates, record_id)
            assert (found.id, found.digest) == (record_id, row["digest"])
            if Status(row["status"]) in ENDS:
                assert found.status is Status(row["status"])


def test_a_rejected_digest_is_tested_once_more_when_somebody_asks_by_hand_having_mended_the_gate(world: World) -> None:
    quiet(world)
    world.check(image="node")
    world.settle()
    assert world.base.tags[TARGET, Tag("rejected")] == digest_of("rejected")


def test_a_message_of_the_old_form_does_nothing(world: World) -> None:
    quiet(world)
    before = {stored.record.id: stored.record for stored in world.candidates.current()}
    for message in (LookAtCandidate(v=1), LookAtTarget(v=1), LookAtRebuild(v=1)):
        world.outbox.send(message)
    world.settle()
    assert {stored.record.id: stored.record for stored in world.candidates.current()} == before


def test_a_new_tag_that_bears_what_an_earlier_version_promoted_is_promoted(world: World) -> None:
    quiet(world, days=0)
    world.push(digest_of("promoting"), Tag("new"))
    world.check()
    world.settle()
    assert world.base.tags[TARGET, Tag("new")] == digest_of("promoting")
    assert world.staging_runs.started[digest_of("promoting")] == 0


def decided_apart(tags: tuple[str, str]) -> World:
    """A store of the version before targets: one digest was rejected for one tag and promoted for another."""
    world = World(WATCH_LIST.replace(", ".join([*EVERY, "new"]), ", ".join([*tags, "new"])).encode())
    world.clock.now = datetime.fromisoformat(STORE["now"])
    rows = {row["status"]: row for row in STORE["candidates"]["current"].values() if "targets" not in row}
    state = msgspec.structs.replace(msgspec.convert(STORE["state"], RepositoryState), order=0)
    seen = []
    for status in ("rejected", "promoted"):
        earlier = msgspec.convert(rows[status], Candidate)
        world.candidates.insert(msgspec.structs.replace(earlier, digest=APART, source_tag=Tag(status), tag=Tag(status)))
        known = msgspec.convert(STORE["observations"][0], Observation)
        place = (f"{TARGET}:{status}",)
        seen.append(msgspec.structs.replace(known, tag=Tag(status), digest=APART, targets=place, order=0))
        world.push(APART, Tag(status))
    world.base.push(TARGET, Tag("promoted"), APART)
    world.observations.save(NODE, world.observations.of(NODE), state, tuple(seen))
    return world


@pytest.mark.parametrize("tags", [("rejected", "promoted"), ("promoted", "rejected")])
def test_a_digest_that_was_rejected_for_one_tag_and_promoted_for_another_stays_so(tags: tuple[str, str]) -> None:
    world = decided_apart(tags)
    quiet(world)
    promoted, rejected = world.target(Tag("promoted")), world.target(Tag("rejected"))
    assert (promoted.wanted, promoted.seen, promoted.reached) == (APART, APART, promoted.number)
    assert (rejected.wanted, rejected.awaited, rejected.look_at) == ("", None, None)
    assert (TARGET, Tag("rejected")) not in world.base.tags
    assert world.staging_runs.started[APART] == 0


@pytest.mark.parametrize("tags", [("rejected", "promoted"), ("promoted", "rejected")])
def test_what_was_decided_apart_is_tested_once_for_all_when_somebody_asks_by_hand(tags: tuple[str, str]) -> None:
    world = decided_apart(tags)
    quiet(world)
    world.check(image="node")
    quiet(world, days=0)
    assert world.staging_runs.started[APART] == 1
    for tag in tags:
        assert world.base.tags[TARGET, Tag(tag)] == APART
        assert world.target(Tag(tag)).wanted == APART


def moments_of(*, targets: bool) -> int:
    """Count the moments before and after every write of the first sweep."""
    world, seen = filled(targets=targets), list[str]()
    world.hook = seen.append
    world.sweep()
    return len(seen)


DEATHS = [(targets, moment) for targets in (True, False) for moment in range(moments_of(targets=targets))]


@pytest.mark.parametrize(("targets", "moment"), DEATHS)
def test_a_death_at_any_moment_of_the_first_sweep_loses_nothing(targets: bool, moment: int) -> None:
    world = filled(targets=targets)
    world.hook = dying(moment)
    with pytest.raises(Died):
        world.sweep()
    world.hook = None
    world.start()
    quiet(world)
    for tag in UNDER_WAY:
        assert world.base.tags[TARGET, Tag(tag)] == digest_of(tag)
    assert world.staging_runs.started[digest_of("rejected")] == 0
    for stored in world.candidates.current():
        assert stored.record.status in ENDS


def dying(moment: int) -> Callable[[str], None]:
    """Let the process die at a moment."""
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died

    return die
