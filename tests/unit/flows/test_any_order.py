"""Whatever happens in whatever order, the whole app in memory ends on what each upstream tag bore last."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.schedule import MOST_RUNS
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.transitions import ENDS
from shared.errors import NotFound, OperationFailed, Paced, RateLimited, TidegateError, Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import TAG, TARGET, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

DIGESTS = [digest_of(name) for name in ("one", "two", "three")]
ERRORS: list[TidegateError] = [
    Unavailable("503"),
    RateLimited("429", retry_after=90),
    Paced("not yet", retry_after=7),
    OperationFailed(NotFound("manifest unknown")),
]
CALLS = [
    ("base", "take_turn"),
    ("base", "start_import"),
    ("base", "look_at_import"),
    ("base", "digest"),
    ("staging", "take_turn"),
    ("staging", "start_import"),
    ("staging", "look_at_import"),
    ("staging", "digest"),
    ("staging_runs", "take_gate_turn"),
    ("staging_runs", "start_gate"),
    ("staging_runs", "cancel"),
    ("hub", "digest"),
]


class Anything(RuleBasedStateMachine):
    """Moves of tags, looks, messages in any order and twice, deaths, faults, lost answers, time."""

    places: ClassVar = [(TARGET, TAG)]
    watch_list = WATCH_LIST

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.watch_list)
        self.world.base.looks = self.world.staging.looks = 2
        self.rejected: set[str] = set()
        self.last: dict[str, str] = {}
        for _, tag in self.places:
            self.push(DIGESTS[0], tag)

    def push(self, digest: str, tag: str) -> None:
        """Move a tag."""
        self.last[tag] = digest
        self.world.push(digest, tag)

    def a_tag(self, data: st.DataObject) -> str:
        """Take one of the tags."""
        return data.draw(st.sampled_from([tag for _, tag in self.places]))

    @rule(data=st.data(), digest=st.sampled_from(DIGESTS))
    def a_tag_moves(self, data: st.DataObject, digest: str) -> None:
        self.push(digest, self.a_tag(data))

    @rule()
    def it_is_checked(self) -> None:
        self.world.check()

    @rule(data=st.data(), digest=st.sampled_from(DIGESTS))
    def a_tag_moves_and_is_checked(self, data: st.DataObject, digest: str) -> None:
        self.push(digest, self.a_tag(data))
        self.world.check()

    @rule(digest=st.sampled_from(DIGESTS))
    def all_tags_move_and_are_checked(self, digest: str) -> None:
        for _, tag in self.places:
            self.push(digest, tag)
        self.world.check()

    @rule(data=st.data(), twice=st.booleans())
    def a_message_is_delivered(self, data: st.DataObject, twice: bool) -> None:
        delivery = self.taken(data)
        if delivery is not None:
            for _ in range(1 + twice):
                self.work(delivery)

    @rule(count=st.integers(1, 8))
    def what_is_due_is_delivered(self, count: int) -> None:
        for _ in range(count):
            due = self.world.outbox.next_due()
            if due is not None:
                self.world.clock.now = max(self.world.clock.now, due)
            for delivery in self.world.outbox.deliver():
                self.work(delivery)

    @rule(data=st.data())
    def a_message_is_lost(self, data: st.DataObject) -> None:
        self.taken(data)

    @rule(data=st.data(), moment=st.integers(0, 8))
    def the_process_dies(self, data: st.DataObject, moment: int) -> None:
        left = moment

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                raise Died

        delivery = self.taken(data)
        if delivery is not None:
            self.world.hook = die
            self.work(delivery)
            self.world.hook = None

    @rule(data=st.data(), moment=st.integers(0, 8))
    def a_worker_is_overtaken(self, data: st.DataObject, moment: int) -> None:
        """Between two writes of one worker others do all that is due."""
        left = moment

        def overtake(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                self.world.hook = None
                for other in self.world.outbox.deliver():
                    self.work(other)

        delivery = self.taken(data)
        if delivery is not None:
            self.world.hook = overtake
            self.work(delivery)
            self.world.hook = None

    @rule(call=st.sampled_from(CALLS), error=st.sampled_from(ERRORS))
    def something_does_not_answer(self, call: tuple[str, str], error: TidegateError) -> None:
        part, method = call
        if not isinstance(error, OperationFailed) or method == "look_at_import":
            getattr(self.world, part).fail(method, error)

    @rule()
    def the_next_answer_of_the_base_registry_is_lost(self) -> None:
        def lose(moment: str) -> None:
            if moment == "base.after:start_import":
                self.world.hook = None
                raise Unavailable("the answer was lost")

        self.world.hook = lose

    @precondition(lambda self: len(self.rejected) < 2)
    @rule(digest=st.sampled_from(DIGESTS[1:]))
    def a_gate_is_going_to_reject(self, digest: str) -> None:
        if not self.world.staging_runs.started[digest]:
            self.rejected.add(digest)
            self.world.staging_runs.end(digest, *[RunStatus.FAILED] * 20, log=TEST_FAILED_LOG)

    @rule()
    def all_imports_end(self) -> None:
        self.world.base.finish()

    @rule(minutes=st.sampled_from([1, 4, 30]))
    def time_passes_and_it_is_swept(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))
        self.world.sweep()

    def taken(self, data: st.DataObject) -> Delivery | None:
        """Take any message that waits, due or not."""
        waiting = self.world.outbox.waiting
        if not waiting:
            return None
        item = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        self.world.clock.now = max(self.world.clock.now, item[0])
        return item[2]

    def work(self, delivery: Delivery) -> None:
        """Run a function; one that fails is delivered again."""
        try:
            self.world.work(delivery)
        except TidegateError:
            self.world.hook = None

    def teardown(self) -> None:
        """Then all is quiet for three days, and what should be is."""
        world = self.world
        world.hook = None
        for part in (world.hub, world.staging, world.base, world.staging_runs):
            part.mend()
        pauses = [timedelta(minutes=2)] * 5 + [timedelta(hours=5)] * 14 + [timedelta(minutes=4)] * 5
        for pause in pauses:
            world.base.finish()
            self.settle()
            world.pass_time(pause)
            world.check()
            world.sweep()
        self.settle()
        for repository, tag in self.places:
            self.ends_well(repository, tag)
        for stored in world.candidates.current():
            assert stored.record.status in ENDS
            assert stored.record.unwanted is None
        tested = {stored.record.digest for stored in world.candidates.current() if stored.record.generation == 1}
        for digest in tested:
            assert world.staging_runs.started[digest] <= MOST_RUNS, "it is tested once for all tags that share it"

    def ends_well(self, repository: str, tag: str) -> None:
        """A tag bears what its source bore last, unless that was rejected."""
        target, last = self.world.book.of(repository, tag), self.last[tag]
        assert target is not None
        assert target.importing is None
        assert target.look_at is None, "something waits for ever"
        if last not in self.rejected:
            assert self.world.base.tags[repository, tag] == last
            assert (target.seen, target.reached) == (last, target.number)
            assert self.world.status(last) is Status.PROMOTED
        assert self.world.base.tags.get((repository, tag)) not in self.rejected

    def settle(self) -> None:
        """What waits for a record whose message was lost is quiet once a sweep has found it."""
        for number in range(1, 401):
            due = self.world.outbox.next_due()
            if due is None:
                return
            self.world.clock.now = max(self.world.clock.now, due)
            for delivery in self.world.outbox.deliver():
                self.work(delivery)
            if number % 50 == 0:
                self.world.sweep()
        raise AssertionError("it is never quiet")


class ManyTags(Anything):
    """The same with tags that share digests, in two repositories of the base registry."""

    places: ClassVar = [(TARGET, TAG), (TARGET, "22"), ("base/other", "lts")]
    watch_list = b"""
images:
  - {name: node, source: node, tags: [22-alpine, "22"], target: base/node, gate: node}
  - {name: other, source: node, tags: [lts], target: base/other, gate: node}
"""


Anything.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnything = Anything.TestCase
ManyTags.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestManyTags = ManyTags.TestCase
