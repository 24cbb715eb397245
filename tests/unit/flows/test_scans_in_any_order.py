"""Whatever happens to scans in whatever order, who still asks has an answer in the end, and no run is made twice."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.report import Report
from shared.domain.scan.scan import SCAN_ENDS, Scan
from shared.errors import Paced, RateLimited, TidegateError, Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.registries import WHOLE_SCAN, digest_of, scan_key
from tests.doubles.scans import TOOLS
from tests.doubles.world import TARGET, Died, World

pytestmark = pytest.mark.unit

DIGESTS = [digest_of(name) for name in ("one", "two")]
PLATFORMS = [("linux/amd64",), ("linux/arm64",)]
ERRORS: list[TidegateError] = [Unavailable("503"), RateLimited("429", retry_after=90), Paced("not yet", retry_after=7)]
CALLS = [
    ("staging", "take_turn"),
    ("staging", "start_import"),
    ("staging", "digest"),
    ("staging", "holds"),
    ("base", "holds"),
    ("staging_runs", "take_task_turn"),
    ("staging_runs", "start_scan"),
    ("staging_runs", "find"),
    ("staging_runs", "look"),
    ("staging_runs", "log"),
    ("staging_runs", "cancel"),
    ("evidence", "keep"),
    ("scans", "get"),
    ("scans", "replace"),
]


class AnyScans(RuleBasedStateMachine):
    """Wishes, messages in any order and twice, deaths, faults, lost answers, purges, newer databases, time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.databases = 0
        for digest in DIGESTS:
            self.world.push(digest)
            self.world.check()
            self.world.settle()
        self.asks: dict[Digest, set[str]] = {}
        self.world.staging_runs.looks = 2

    @rule(digest=st.sampled_from(DIGESTS), platforms=st.sampled_from(PLATFORMS), newer=st.booleans())
    def somebody_asks(self, digest: Digest, platforms: tuple[str, ...], newer: bool) -> None:
        candidate = self.world.candidate(digest)
        newer_than = self.world.staging_runs.updated if newer else None
        try:
            self.world.scan_book.want(ScanWish(candidate.id, "node", digest, TARGET, platforms, newer_than))
        except TidegateError:
            return
        self.asks.setdefault(digest, set()).update(platforms)

    @rule(data=st.data(), twice=st.booleans())
    def a_message_is_delivered(self, data: st.DataObject, twice: bool) -> None:
        delivery = self.taken(data)
        if delivery is not None:
            for _ in range(1 + twice):
                self.work(delivery)

    @rule(count=st.integers(1, 6))
    def what_is_due_is_delivered(self, count: int) -> None:
        for _ in range(count):
            due = self.world.outbox.next_due()
            self.world.clock.now = max(self.world.clock.now, due or self.world.clock.now)
            for delivery in self.world.outbox.deliver():
                self.work(delivery)

    @rule(data=st.data())
    def a_message_is_lost(self, data: st.DataObject) -> None:
        self.taken(data)

    @rule(data=st.data(), moment=st.integers(0, 10))
    def the_process_dies(self, data: st.DataObject, moment: int) -> None:
        left = moment

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                raise Died

        delivery = self.taken(data)
        self.world.hook = die
        if delivery is not None:
            self.work(delivery)
        self.world.hook = None

    @rule(data=st.data(), moment=st.integers(0, 8), asks=st.booleans())
    def a_worker_is_overtaken(self, data: st.DataObject, moment: int, asks: bool) -> None:
        """Between two writes of one worker others do all that is due, or somebody asks."""
        left = moment

        def overtake(_: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                self.world.hook = None
                if asks:
                    self.somebody_asks(data.draw(st.sampled_from(DIGESTS)), PLATFORMS[0], newer=False)
                for other in self.world.outbox.deliver():
                    self.work(other)

        delivery = self.taken(data)
        self.world.hook = overtake
        if delivery is not None:
            self.work(delivery)
        self.world.hook = None

    @rule(method=st.sampled_from(["start_scan", "cancel"]))
    def the_next_answer_of_arm_is_lost(self, method: str) -> None:
        def lose(moment: str) -> None:
            if moment == f"staging_runs.after:{method}":
                self.world.hook = None
                raise Unavailable("the answer was lost")

        self.world.hook = lose

    @rule(call=st.sampled_from(CALLS), error=st.sampled_from(ERRORS))
    def a_call_fails(self, call: tuple[str, str], error: TidegateError) -> None:
        getattr(self.world, call[0]).fail(call[1], error)

    @rule(digest=st.sampled_from(DIGESTS), status=st.sampled_from(RunStatus), whole=st.booleans())
    def a_run_ends_otherwise(self, digest: Digest, status: RunStatus, whole: bool) -> None:
        if status not in {RunStatus.QUEUED, RunStatus.STARTED, RunStatus.RUNNING}:
            self.world.staging_runs.end(scan_key(digest), status, log=WHOLE_SCAN if whole else "")

    @rule(digest=st.sampled_from(DIGESTS))
    def it_is_purged_from_staging(self, digest: Digest) -> None:
        self.world.staging.purge(TARGET, digest)

    @rule()
    def a_newer_database_comes(self) -> None:
        self.databases += 1
        self.world.scanner = msgspec.structs.replace(TOOLS, database=f"tools/trivy-db@sha256:{self.databases:064x}")
        self.world.staging_runs.updated += timedelta(hours=6)

    @rule(digest=st.sampled_from(DIGESTS))
    def its_candidate_is_superseded(self, digest: Digest) -> None:
        self.change(digest, Status.SUPERSEDED)

    @rule(digest=st.sampled_from(DIGESTS))
    def its_candidate_is_wanted_again(self, digest: Digest) -> None:
        self.change(digest, Status.PROMOTED)

    @rule(minutes=st.integers(1, 300))
    def time_passes_and_it_is_swept(self, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))
        try:
            self.world.sweep()
        except TidegateError:
            return

    @invariant()
    def no_name_stands_for_two_runs(self) -> None:
        names = [name for name, _ in self.world.staging_runs.scans]
        assert len(names) == len(set(names))

    @invariant()
    def an_answer_is_of_whole_logs(self) -> None:
        for scan in self.scans():
            if scan.taken is not None:
                answer = self.world.scan_book.answer(scan)
                assert all(isinstance(answer.reports[one], Report) for one in scan.taken.platforms)

    def teardown(self) -> None:
        """Let everything calm down: whoever asks has an answer, and nothing is left under way."""
        self.world.hook = None
        self.calm()
        for digest in self.asks:
            self.change(digest, Status.PROMOTED)
        for _ in range(3):
            for digest, platforms in self.asks.items():
                for platform in platforms:
                    asker = self.world.candidate(digest).id
                    self.world.scan_book.want(ScanWish(asker, "node", digest, TARGET, (platform,)))
            self.calm()
        for digest, platforms in self.asks.items():
            scan = self.world.scan_book.of(digest)
            assert scan is not None
            assert scan.has_answer
            assert platforms <= set(scan.platforms)
            assert scan.status in SCAN_ENDS
            assert scan.askers == ()

    def calm(self) -> None:
        world = self.world
        for double in (world.staging, world.base, world.staging_runs, world.evidence, world.scans):
            double.mend()
        for _ in range(4):
            world.settle()
            world.pass_time(timedelta(minutes=70))
            world.sweep()
        world.settle()

    def scans(self) -> list[Scan]:
        return [stored.record for stored in self.world.scans._all("nobody scripts this")]

    def change(self, digest: Digest, status: Status) -> None:
        stored = self.world.candidates.get(self.world.candidate(digest).id)
        assert stored is not None
        record = msgspec.structs.replace(stored.record, status=status, step=stored.record.step + 1)
        self.world.candidates.replace(stored, record)

    def taken(self, data: st.DataObject) -> Delivery | None:
        waiting = self.world.outbox.waiting
        if not waiting:
            return None
        item = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        self.world.clock.now = max(self.world.clock.now, item[0])
        return item[2]

    def work(self, delivery: Delivery) -> None:
        try:
            self.world.work(delivery)
        except TidegateError:
            return


TestAnyScans = AnyScans.TestCase
TestAnyScans.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
