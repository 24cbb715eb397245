"""Whatever comes, in whatever order: nothing is promoted before its time, and all is then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.policy.freezing import frozen_until
from shared.domain.policy.policy import GateCheck, Policy
from shared.domain.policy.promoting import Freeze
from shared.domain.promotion.said import Said
from shared.domain.references import Digest
from tests.doubles.registries import digest_of
from tests.doubles.world import TAG, TARGET, WATCH_LIST, World

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
FREEZE = Freeze(cron="0 20 * * *", span="9h", zone="Europe/Berlin")
STRICT = Policy("strict", test=GateCheck("node"), min_age="6h", freeze=(FREEZE,))
OBSERVED = WATCH_LIST + b"    mode: observe\n"
DIGESTS = [digest_of(f"number {number}") for number in range(3)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from([1, 3, 7, 12])),
        st.tuples(st.sampled_from(["observe", "enforce", "pin", "unpin"]), st.just(0)),
    ),
    min_size=3,
    max_size=12,
)


class Watched:
    """A world of which every change of the tag is seen, with when each digest was seen first."""

    def __init__(self) -> None:
        self.world = World()
        self.world.says(STRICT)
        self.first: dict[Digest, datetime] = {}
        self.observed = False
        self.wrong: list[str] = []
        self.changes = 0
        self._bears: Digest | None = None
        self.world.hook = self._look

    def do(self, step: str, number: int) -> None:
        """Do one step."""
        if step == "push":
            self.first.setdefault(DIGESTS[number], self.world.clock())
            self.world.push(DIGESTS[number])
            self.world.check()
            self.world.run_for(HOUR / 4)
        elif step == "wait":
            self.world.run_for(number * HOUR, sweeps=HOUR / 2)
        elif step in {"observe", "enforce"}:
            self.world.configuration.text = OBSERVED if step == "observe" else WATCH_LIST
            self.observed = self.observed and step == "observe"
            self.world.run_for(HOUR / 2)  # a process goes by the list that it read a minute ago
            self.observed = step == "observe"
        elif (known := self.world.book.of(TARGET, TAG)) is not None:
            said = Said("anna", "so", self.world.clock())
            if step == "pin":
                self.world.actor.pin(known.id, None, None, said)
            else:
                self.world.actor.unpin(known.id, said)

    def _look(self, _: str) -> None:
        bears = self.world.base.tags.get((TARGET, TAG))
        if bears == self._bears:
            return
        self._bears, now, target = bears, self.world.clock(), self.world.book.of(TARGET, TAG)
        assert bears is not None
        began = target.importing.since if target is not None and target.importing is not None else now
        # An assertion in here would be taken for a failure of whoever is at work.
        wrong = {
            "too young": now - self.first[bears] < timedelta(hours=6) - timedelta(minutes=1),
            "frozen": frozen_until([FREEZE], began) is not None,
            "observed": self.observed,
        }
        self.wrong += [name for name, is_so in wrong.items() if is_so]
        self.changes += 1


@given(steps=STEPS)
@settings(max_examples=10, deadline=None)
def test_nothing_comes_before_its_time_and_the_newest_comes_at_last(steps: list[tuple[str, int]]) -> None:
    watched = Watched()
    watched.do("push", 0)
    last = 0
    for step, number in steps:
        watched.do(step, number)
        last = number if step == "push" else last
    for step in ("enforce", "unpin"):
        watched.do(step, 0)
    watched.do("wait", 12)
    watched.do("wait", 12)
    assert watched.wrong == []
    assert watched.changes
    assert watched.world.base.tags[TARGET, TAG] == DIGESTS[last]
