"""A model of a target: whatever is seen, tested, said, lost or killed in whatever order, it ends where it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.domain.promotion import actions
from shared.domain.promotion.actions import Declined, Refusal
from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import (
    Todo,
    asks_for_search,
    awaiting,
    begun,
    fell_through,
    has_passed,
    landed,
    scheduled,
    settled,
    shown,
    sighted,
    todo,
    was_searched,
)
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.schedule import FAILED_LOOK, IMPORT_LIFE, VERDICT_LOOK
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.references import Digest
from shared.errors import Refused, Unavailable
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, TAG

pytestmark = pytest.mark.unit

DIGESTS = [digest_of(name) for name in ("one", "two", "three", "four")]
ORIGIN = Origin("node", NODE, TAG, "node")
digests = st.sampled_from(DIGESTS)


class Targets(RuleBasedStateMachine):
    """The model knows what was seen and said, and keeps the registry with its imports; the target is what is tested."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.order = 0
        self.seen: dict[Digest, int] = {}
        self.passed: set[Digest] = set()
        self.rejected: set[Digest] = set()
        self.testing: set[Digest] = set()
        self.blocked: set[Digest] = set()
        self.forced: set[Digest] = set()
        self.registry = Digest("")
        self.lost: list[tuple[Digest, datetime]] = []
        self.signals: list[int] = []
        self.signals_waiting: list[int] = []
        self.searched: set[int] = set()
        self.target = Target(registry="base", repository="base/node", tag=TAG, origin=ORIGIN)

    def write(self, target: Target) -> None:
        """Decide and write, as every change of a target does."""
        before = self.target
        self.target = scheduled(decide(target, self.now)[0], self.now)
        assert self.target.number - before.number in {0, 1, 2}
        assert self.target.step >= before.step

    # What happens outside.

    @rule(digest=digests, dies=st.booleans())
    def the_tag_moves_and_is_seen(self, digest: Digest, dies: bool) -> None:
        self.order += 1
        self.seen[digest] = self.order
        self.write(sighted(self.target, Sighting(self.order, digest), ORIGIN, self.now))
        if digest not in self.passed | self.rejected and not dies:
            self.testing.add(digest)

    @rule(digest=digests, back=st.integers(1, 3))
    def a_slow_check_tells_of_an_older_look(self, digest: Digest, back: int) -> None:
        order = self.seen.get(digest, 0) - back
        if order > 0:
            before = self.target
            self.write(sighted(self.target, Sighting(order, digest), ORIGIN, self.now))
            assert self.target.sightings == before.sightings

    @precondition(lambda self: self.testing)
    @rule(data=st.data(), passes=st.booleans())
    def a_gate_ends(self, data: st.DataObject, passes: bool) -> None:
        digest = data.draw(st.sampled_from(sorted(self.testing)))
        self.testing.discard(digest)
        if passes:
            self.passed.add(digest)
            self.write(has_passed(self.target, digest))
        else:
            self.rejected.add(digest)

    @rule(minutes=st.sampled_from([1, 5, 20, 120, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.lost)
    @rule()
    def an_import_whose_answer_was_lost_ends_late(self) -> None:
        digest, since = self.lost.pop(0)
        if self.now - since < IMPORT_LIFE:
            self.registry = digest

    @precondition(lambda self: self.signals_waiting)
    @rule(lost=st.booleans())
    def a_signal_is_worked_on_or_lost(self, lost: bool) -> None:
        number = self.signals_waiting.pop()
        if not lost and number == self.target.number:
            self.searched.add(number)
            self.write(was_searched(self.target, number))

    # What people say.

    @rule(digest=digests, expires=st.booleans())
    def somebody_pins(self, digest: Digest, expires: bool) -> None:
        until = self.now + timedelta(hours=1) if expires else None
        done = self.does(lambda target: actions.pin(target, digest, until, self.said()))
        if done and not self.target.hold:
            assert (self.target.wanted, self.target.why) == (digest, Why.PINNED)

    @rule()
    def somebody_unpins(self) -> None:
        assert self.does(lambda target: actions.unpin(target, self.said()))
        assert self.target.hold or self.target.why is not Why.PINNED

    @rule()
    def somebody_holds(self) -> None:
        before = self.target
        assert self.does(lambda target: actions.hold(target, self.said()))
        same = ("wanted", "why", "number", "importing", "searched", "search_at")
        assert all(getattr(before, name) == getattr(self.target, name) for name in same)

    @rule()
    def somebody_resumes(self) -> None:
        assert self.does(lambda target: actions.resume(target, self.said()))

    @rule(digest=digests)
    def somebody_blocks(self, digest: Digest) -> None:
        self.blocked.add(digest)
        assert self.does(lambda target: actions.block(target, digest, self.said()))

    @precondition(lambda self: self.blocked)
    @rule(data=st.data())
    def somebody_releases(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(sorted(self.blocked)))
        self.blocked.discard(digest)
        assert self.does(lambda target: actions.release(target, digest, self.said()))

    @rule(digest=st.none() | digests)
    def somebody_rolls_back(self, digest: Digest | None) -> None:
        done = self.does(lambda target: actions.roll_back(target, digest, self.said()))
        if done:
            assert self.target.why is Why.ROLLED_BACK
            assert digest in {None, self.target.wanted}

    @rule(digest=digests)
    def somebody_promotes_it_against_its_gate(self, digest: Digest) -> None:
        if self.does(lambda target: actions.promote(target, digest, self.said())):
            self.forced.add(digest)
            assert (self.target.wanted, self.target.why) == (digest, Why.AGAINST_GATE)

    def does(self, act: Callable[[Target], Target | Declined]) -> bool:
        """Write what an action led to, and ask for it once more, which changes nothing."""
        outcome = act(self.target)
        if isinstance(outcome, Declined):
            assert outcome.detail
            assert (outcome.reason is Refusal.HELD) <= (self.target.hold is not None)
            return False
        assert outcome.number - self.target.number in {0, 1}
        assert decide(outcome, self.now)[0] == outcome, "an action decides by itself"
        self.write(outcome)
        assert act(self.target) == self.target
        return True

    def said(self) -> Said:
        return Said("ada", "because", self.now)

    # What the app does, with its faults.

    @rule()
    def it_does_what_is_next(self) -> None:
        self.act()

    @precondition(lambda self: self.target.importing is None)
    @rule(settled=st.booleans(), permanent=st.booleans(), dies=st.booleans())
    def its_import_is_begun_badly(self, settled: bool, permanent: bool, dies: bool) -> None:
        if todo(self.target, self.now) is not Todo.PUT or self.registry == self.target.wanted:
            return
        self.target = begun(shown(self.target, self.registry, self.now), self.now)
        if not settled:
            self.lost.append((self.target.wanted, self.now))
        if not dies:
            error = Refused("no") if permanent and settled else Unavailable("503")
            self.write(fell_through(self.target, error, self.now, over=True, settled=settled))

    def act(self) -> None:
        """Do what is next, without faults."""
        self.write(self.target)
        doing = todo(self.target, self.now)
        if doing is Todo.PUT and self.registry != self.target.wanted:
            self.target = begun(shown(self.target, self.registry, self.now), self.now)
        elif doing is Todo.PUT:
            self.land(self.registry)
        elif doing is Todo.FOLLOW and self.target.importing is not None:
            self.registry = self.target.importing.digest
            self.land(self.registry)
        elif doing is Todo.SETTLE:
            self.write(settled(self.target, self.registry, self.now))
        elif doing is Todo.SEARCH:
            self.write(asks_for_search(self.target, self.now))
            self.signals_waiting.append(self.target.number)
        elif doing is Todo.ASK and self.target.awaited is not None:
            self.ask(self.target.awaited.digest)

    def land(self, digest: Digest) -> None:
        self.write(landed(self.target, digest, self.now))
        if self.target.reached == self.target.number:
            self.signals.append(self.target.number)
            self.signals_waiting.append(self.target.number)

    def ask(self, digest: Digest) -> None:
        if digest in self.rejected:
            self.write(awaiting(self.target, digest, None))
            return
        self.testing.add(digest)
        self.write(awaiting(self.target, digest, self.now + VERDICT_LOOK))

    # What must be so.

    @invariant()
    def the_highest_order_of_what_passed_and_is_not_blocked_wins(self) -> None:
        target = self.target
        if target.hold or target.pinned or target.chosen:
            return
        fit = {digest: order for digest, order in self.seen.items() if digest in self.passed - self.blocked}
        if fit:
            assert target.wanted == max(fit, key=fit.__getitem__)

    @invariant()
    def nothing_blocked_is_wanted(self) -> None:
        assert self.target.hold or self.target.wanted not in self.blocked

    @invariant()
    def what_somebody_went_back_to_stays_until_a_newer_digest_passes(self) -> None:
        target, chosen = self.target, self.target.chosen
        if target.hold or target.pinned or chosen is None or chosen.digest in self.blocked:
            return
        newer = {digest for digest, order in self.seen.items() if order > chosen.above}
        if newer & self.passed - self.blocked:
            assert target.wanted in newer
        else:
            assert target.wanted == chosen.digest

    @invariant()
    def nothing_untested_is_wanted_but_against_the_gate_which_is_said_for_ever(self) -> None:
        assert self.target.wanted in self.passed | self.forced | {Digest("")}
        assert {one.digest for one in self.target.forced} == self.forced
        assert self.target.why is not Why.AGAINST_GATE or self.target.wanted in self.forced

    @invariant()
    def whatever_is_not_done_is_due(self) -> None:
        target = self.target
        differs = target.wanted and target.reached != target.number
        if differs or target.importing or target.awaited:
            assert target.look_at is not None
            assert target.look_at - self.now <= FAILED_LOOK

    @invariant()
    def each_decision_is_signalled_once(self) -> None:
        assert len(set(self.signals)) == len(self.signals)

    def teardown(self) -> None:
        """Then all is quiet: gates end, imports end, time passes, and whatever is due is done."""
        for _ in range(200):
            if self.target.look_at is None:
                break
            self.now = max(self.now, self.target.look_at)
            for digest in sorted(self.testing):
                self.passed.add(digest)
                self.write(has_passed(self.target, digest))
            self.testing.clear()
            if self.lost:
                self.an_import_whose_answer_was_lost_ends_late()
            self.act()
            if self.signals_waiting:
                self.a_signal_is_worked_on_or_lost(lost=False)
        assert not self.target.wanted or self.target.number in self.searched, "a search was lost"
        assert self.target.look_at is None, "something waits for ever"
        assert self.target.importing is None
        newest = self.target.newest
        assert newest is None or newest.digest in self.passed | self.rejected, "its verdict is waited for no more"
        alive = {digest for digest, since in self.lost if self.now - since < IMPORT_LIFE}
        assert alive <= {self.target.wanted}, "what may still come back is looked for no more"
        if self.target.wanted:
            assert self.target.reached == self.target.number
            assert self.registry == self.target.wanted


Targets.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTargets = Targets.TestCase
