"""Whatever is deleted, overwritten, delayed or denied: the base registry ends as the watch list says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shared.domain.promotion.said import Blocked, Said
from shared.domain.promotion.schedule import LAG_PATIENCE
from shared.domain.promotion.target import Target
from shared.domain.references import Digest, Tag
from shared.errors import NotFound, OperationFailed, RateLimited, TidegateError, Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, ONE, TAG, TARGET, WATCH_LIST, Died, World

pytestmark = pytest.mark.unit

FOREIGN = [digest_of("foreign"), digest_of("another")]
ID = f"{BASE}~base~node~{TAG}"
ERRORS: list[TidegateError] = [Unavailable("503"), RateLimited("429")]
BESIDE = Tag("private")


class Watched:
    """Remembers what each whole listing of a registry showed of the tag."""

    def __init__(self, world: World) -> None:
        self.shown: list[tuple[datetime, Digest | None]] = []
        self._clock, self._list = world.clock, world.base.list_tags
        world.base.list_tags = self.list_tags  # type: ignore[method-assign]

    def list_tags(self, repository: str) -> Mapping[Tag, Digest]:
        """List, and remember."""
        began = self._clock()
        found = self._list(repository)
        self.shown.append((began, found.get(TAG)))
        return found

    def agree(self, wanted: Digest) -> bool:
        """Whether two listings some minutes apart showed anything but what is wanted, and none between them that."""
        last = [began for began, digest in self.shown if digest == wanted]
        since = last[-1] if last else None
        against = [began for began, digest in self.shown if digest != wanted and (since is None or began > since)]
        return bool(against) and against[-1] - against[0] >= LAG_PATIENCE


class AnyDrift(RuleBasedStateMachine):
    """Deletions, foreign pushes, listings that lag, are empty or fail, messages twice or lost, deaths, time."""

    world: World
    watched: Watched
    missing: str
    drift: str

    @initialize(missing=st.sampled_from(["repair", "tell"]), drift=st.sampled_from(["repair", "tell"]))
    def begin(self, missing: str, drift: str) -> None:
        self.missing, self.drift = missing, drift
        self.world = World(WATCH_LIST.rstrip() + f"\n    missing: {missing}\n    drift: {drift}\n".encode())
        self.world.push(ONE)
        self.world.check()
        self.world.settle()
        self.world.base.push(TARGET, BESIDE, FOREIGN[0])
        self.world.pass_time(timedelta(hours=1))
        self.watched = Watched(self.world)
        self.was: list[Mapping[Tag, Digest]] = []
        self.blocked = self.overwritten = False
        self.imports = self.world.base.imports.total()

    @rule()
    def the_tag_is_deleted(self) -> None:
        self.remember()
        self.world.base.untag(TARGET, TAG)

    @rule(digest=st.sampled_from([*FOREIGN, ONE]))
    def somebody_pushes(self, digest: Digest) -> None:
        self.remember()
        self.overwritten |= digest != ONE
        self.world.base.push(TARGET, TAG, digest)

    @rule(data=st.data())
    def a_listing_lags(self, data: st.DataObject) -> None:
        if self.was:
            self.world.base.list_instead(dict(data.draw(st.sampled_from(self.was))))

    @rule(times=st.integers(1, 2))
    def a_listing_is_empty(self, times: int) -> None:
        self.world.base.list_instead(*[{}] * times)

    @rule(error=st.sampled_from(ERRORS), method=st.sampled_from(["list_tags", "digest"]))
    def the_registry_does_not_answer(self, error: TidegateError, method: str) -> None:
        self.world.base.fail(method, error)

    @rule()
    def an_import_fails(self) -> None:
        self.world.base.fail("look_at_import", OperationFailed(NotFound("manifest unknown")))

    @rule()
    def it_is_looked_at(self) -> None:
        self.world.look_at_base()

    @rule(minutes=st.sampled_from([1, 3, 6, 40]))
    def time_passes(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))
        self.work_off()

    @rule()
    def the_digest_is_blocked(self) -> None:
        said = Said("ada", "it is bad", self.world.clock())
        self.world.book.change(
            ID, lambda known: msgspec.structs.replace(known, blocked=(Blocked(ONE, said),)) if known else None
        )
        self.blocked = True

    @rule(moment=st.integers(0, 8))
    def the_process_dies(self, moment: int) -> None:
        left = moment

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                self.world.hook = None
                raise Died

        self.world.hook = die
        self.work_off()
        self.world.hook = None

    @rule(data=st.data(), lost=st.booleans())
    def a_message_is_lost_or_comes_twice(self, data: st.DataObject, lost: bool) -> None:
        waiting = self.world.outbox.waiting
        if waiting:
            item = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            self.world.clock.now = max(self.world.clock.now, item[0])
            for _ in range(0 if lost else 2):
                self.work(item[2])

    def remember(self) -> None:
        """Listings may show for a while what was."""
        self.was.append({tag: digest for (_, tag), digest in self.world.base.tags.items()})

    def work_off(self) -> None:
        """Run what is due."""
        for delivery in self.world.outbox.deliver():
            self.work(delivery)

    def work(self, delivery: Delivery) -> None:
        """Run a function; nothing may be put back before two listings some minutes apart said that it is not there."""
        before = self.world.book.of(TARGET, TAG)
        try:
            self.world.work(delivery)
        except TidegateError:
            self.world.hook = None
        after = self.world.book.of(TARGET, TAG)
        if before is not None and after is not None and self.is_repaired(before, after):
            assert self.watched.agree(ONE)

    def is_repaired(self, before: Target, after: Target) -> bool:
        """Whether a tag that was missing has just been asked to be put back."""
        return before.reached == before.number == after.number != after.reached

    def teardown(self) -> None:
        """Then all is quiet for some days, and what should be is."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.hook = None
        world.base.mend()
        world.base._listings.clear()
        for pause in [timedelta(minutes=10)] * 12 + [timedelta(hours=20)] * 6:
            world.base.finish()
            world.look_at_base()
            world.sweep()
            for _ in range(40):
                due = world.outbox.next_due()
                if due is None or due > world.clock() + timedelta(hours=2):
                    break
                world.clock.now = max(world.clock.now, due)
                self.work_off()
            world.pass_time(pause)
        stands, target = world.base.tags.get((TARGET, TAG)), world.target()
        assert target.importing is None
        if stands == ONE:
            assert target.astray is None
        else:
            assert target.astray is not None
            assert (target.astray.told, target.astray.digest) == (True, stands or "")
        if not self.blocked and self.missing == "repair":
            assert stands is not None
        if not self.blocked and self.drift == "repair" and stands is not None:
            assert stands == ONE
        if self.missing == "tell" and not self.overwritten:
            assert world.base.imports.total() == self.imports, "nothing was to be put back"


AnyDrift.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyDrift = AnyDrift.TestCase
