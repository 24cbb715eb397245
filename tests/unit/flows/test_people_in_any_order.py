"""Whatever people say in between, by whichever order, dying or not: the tag ends on what the last decision says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.domain.promotion.said import Said
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest
from shared.errors import TidegateError
from tests.doubles.queues import Delivery
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, TAG, TARGET, Died, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
DIGESTS = [digest_of(name) for name in ("one", "two", "three")]
digests = st.sampled_from(DIGESTS)
moments = st.integers(0, 12)


class People(RuleBasedStateMachine):
    """The tag moves and is promoted, people act, and whoever acts may die at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.moves(DIGESTS[0])
        self.quiet()

    @rule(digest=digests)
    def moves(self, digest: Digest) -> None:
        self.world.push(digest)
        self.world.check()

    @rule(count=st.integers(1, 8))
    def what_is_due_is_delivered(self, count: int) -> None:
        for _ in range(count):
            due = self.world.outbox.next_due()
            if due is not None:
                self.world.clock.now = max(self.world.clock.now, due)
            for delivery in self.world.outbox.deliver():
                self.work(delivery)

    @rule()
    def quiet(self) -> None:
        for pause in [timedelta(minutes=4)] * 3:
            self.settle()
            self.world.pass_time(pause)
            self.world.sweep()
        self.settle()

    @rule(digest=st.none() | digests, dies=moments)
    def somebody_rolls_back(self, digest: Digest | None, dies: int) -> None:
        self.acts(lambda said: self.world.actor.roll_back(ID, digest, said), dies)

    @rule(digest=st.none() | digests, dies=moments)
    def somebody_pins_for_an_hour(self, digest: Digest | None, dies: int) -> None:
        until = self.world.clock() + timedelta(hours=1)
        self.acts(lambda said: self.world.actor.pin(ID, digest, until, said), dies)

    @rule(dies=moments)
    def somebody_unpins(self, dies: int) -> None:
        self.acts(lambda said: self.world.actor.unpin(ID, said), dies)

    @rule(digest=digests, dies=moments)
    def somebody_promotes_it_against_its_gate(self, digest: Digest, dies: int) -> None:
        self.acts(lambda _: self.world.take_against_gate(digest, ID), dies)

    @rule(digest=digests, dies=moments)
    def somebody_blocks(self, digest: Digest, dies: int) -> None:
        self.acts(lambda said: self.world.ruler.block(digest, said), dies)

    @rule(digest=digests, dies=moments)
    def somebody_releases(self, digest: Digest, dies: int) -> None:
        self.acts(lambda said: self.world.ruler.release(digest, said), dies)

    @rule(dies=moments)
    def somebody_holds(self, dies: int) -> None:
        self.acts(lambda said: self.world.ruler.hold("node", said, listed=True), dies)

    @rule(dies=moments)
    def somebody_resumes(self, dies: int) -> None:
        self.acts(lambda said: self.world.ruler.resume("node", said), dies)

    def acts(self, act: Callable[[Said], object], dies: int) -> None:
        """Act; the process dies at its ``dies``-th moment, if there are so many."""
        left = dies

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                raise Died

        self.world.pass_time(timedelta(seconds=1))
        self.world.hook = die
        try:
            with suppress(TidegateError):
                act(Said("ada", "because", self.world.clock()))
        except Died:
            self.world.start()
        self.world.hook = None

    @invariant()
    def no_task_is_run_twice_for_one_decision(self) -> None:
        decisions = [one.decision for one in self.world.rebuilt()]
        assert len(set(decisions)) == len(decisions)

    def blocked(self) -> set[str]:
        """Return what is blocked."""
        return {one.subject for one in self.world.rulings.every() if one.in_force and one.kind.value == "block"}

    def teardown(self) -> None:
        """Then nobody says anything any more, for some days."""
        world = self.world
        for pause in [timedelta(minutes=2)] * 5 + [timedelta(hours=5)] * 10 + [timedelta(minutes=4)] * 5:
            self.settle()
            world.pass_time(pause)
            world.sweep()
        self.settle()
        target = world.target()
        assert target.look_at is None, "something waits for ever"
        assert not any(one.open for one in world.rulings.every()), "a ruling was told only to some"
        assert target.hold or {one.digest for one in target.blocked} <= self.blocked()
        assert target.hold or target.wanted not in self.blocked()
        if target.wanted:
            assert world.base.tags[TARGET, TAG] == target.wanted
            assert target.reached == target.searched == target.number
        for digest in DIGESTS:
            assert world.status_or_none(digest) in ENDS | {None}

    def work(self, delivery: Delivery) -> None:
        """Run a function; one that fails is delivered again."""
        with suppress(TidegateError):
            self.world.work(delivery)

    def settle(self) -> None:
        for _ in range(400):
            due = self.world.outbox.next_due()
            if due is None:
                return
            self.world.clock.now = max(self.world.clock.now, due)
            for delivery in self.world.outbox.deliver():
                self.work(delivery)
        raise AssertionError("it is never quiet")


People.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestPeople = People.TestCase
