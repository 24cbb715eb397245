"""One pace for all instances: few refusals, none twice, few looks at the row; and no row that fails stops anything."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.budget_ports import StoredBucket
from shared.domain.pacing.asking import Answered, Asked
from shared.domain.pacing.bucket import Bucket, Kind, Wait, Work
from shared.errors import Conflict, Paced, TidegateError, Unavailable
from shared.rules.arm_pace import ArmPace
from tests.doubles.arm import Arm, Crowd, Job
from tests.doubles.storage import MIDDAY, InMemoryBuckets, SettableClock

pytestmark = pytest.mark.unit

IMPORT = Asked("s", Kind.WRITES, "POST registries/importImage")
RUN = Asked("s", Kind.WRITES, "PUT registries/taskRuns")
LOOK = Asked("s", Kind.READS, "GET registries/taskRuns")
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> SettableClock:
    """The time."""
    return SettableClock()


@pytest.fixture
def buckets() -> InMemoryBuckets:
    """The rows."""
    return InMemoryBuckets()


@pytest.fixture
def pace(buckets: InMemoryBuckets, clock: SettableClock) -> ArmPace:
    """One instance."""
    return ArmPace(buckets, clock)


def ask(pace: ArmPace, left: int | None, request: Asked = IMPORT, work: Work = Work.IMPORT) -> None:
    """Send a request that is answered at once."""
    pace.take(work, request)
    pace.answered(request, Answered(left))


def store(buckets: InMemoryBuckets, left: float, **fields: float) -> None:
    """Let the row say how much is left."""
    bucket = Bucket(subscription="s", kind=Kind.WRITES, left=left, at=MIDDAY, **fields)
    buckets.replace(buckets.get("s", Kind.WRITES), bucket)
    buckets.asked.clear()


def refusal(pace: ArmPace, request: Asked = IMPORT, work: Work = Work.IMPORT) -> Paced:
    """Return why it is not a request's turn."""
    with pytest.raises(Paced) as told:
        pace.take(work, request)
    return told.value


def jobs(count: int, seed: int = 1, within: float = 60.0) -> list[Job]:
    """Return updates as they are: an import, a gate of two requests, a promotion."""
    draw = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    return [
        Job(
            (
                (Work.IMPORT, draw.lognormvariate(3, 0.3)),
                (Work.GATE, 0.1),
                (Work.GATE, draw.lognormvariate(4.5, 0.2)),
                (Work.PROMOTION, 0),
            ),
            draw.uniform(0, within),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("instances", [1, 2, 4, 10])
def test_five_hundred_updates_at_once_are_refused_nothing_whatever_the_number_of_instances(instances: int) -> None:
    arm, buckets, todo = Arm(), InMemoryBuckets(), jobs(500)
    crowd = Crowd(arm, buckets, instances)
    crowd.work(todo)
    assert len(crowd.ends) == 500
    assert (arm.refused, arm.early) == (0, 0)
    assert buckets.asked.total() <= 0.45 * arm.sent


def test_five_hundred_updates_take_little_longer_than_their_tokens_and_one_chain() -> None:
    arm = Arm()
    crowd = Crowd(arm, InMemoryBuckets())
    crowd.work(jobs(500))
    assert max(crowd.ends.values()) <= 1.2 * ((arm.sent - 200) / 10 + 120)


@pytest.mark.parametrize("seed", [1, 5, 8])
@pytest.mark.parametrize("ahead", [(0, 5, -5, 2), (0, 30, -30, 2)])
def test_clocks_that_differ_cost_a_few_refusals_and_stop_nobody(ahead: tuple[float, ...], seed: int) -> None:
    arm = Arm()
    crowd = Crowd(arm, InMemoryBuckets(), ahead=ahead, seed=seed)
    crowd.work(jobs(500, seed))
    assert len(crowd.ends) == 500
    assert arm.refused <= 0.04 * arm.sent


def test_what_begins_is_not_starved_by_later_stages_that_ask_for_little_where_little_is_granted(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    store(buckets, 0.0, per_second=2.5)
    later = [work for work in Work if work is not Work.IMPORT]
    sent: Counter[Work] = Counter()
    for second in range(600):
        clock.now = MIDDAY + second * SECOND
        asking = [work for number, work in enumerate(later) if second % 15 == 3 * number]
        for work in (*asking, *[Work.IMPORT] * 5):
            with suppress(Paced):
                ask(pace, None, RUN, work)
                sent[work] += 1
    assert sent.total() > 0.85 * 600 * 2.5
    assert sent[Work.IMPORT] > 0.75 * 600 * 2.5
    assert all(sent[work] > 35 for work in later)


def test_a_subscription_that_grants_a_tenth_is_learned_of_by_few_refusals() -> None:
    arm = Arm(most=20, per_second=1)
    crowd = Crowd(arm, InMemoryBuckets(), 1)
    crowd.work(jobs(50))
    assert len(crowd.ends) == 50
    assert arm.refused <= 0.05 * arm.sent
    assert arm.early == 0


class Silent(Arm):
    """ARM that never says how much is left."""

    def ask(self, now: float) -> Answered:
        """Take a request, and say of it only whether it was taken."""
        return Answered(None, super().ask(now).wait)


def test_where_nothing_is_said_of_what_is_left_all_is_done_hardly_later_than_its_tokens_come() -> None:
    arm = Silent(most=20, per_second=1)
    crowd = Crowd(arm, InMemoryBuckets(), 1)
    crowd.work(jobs(150))
    assert len(crowd.ends) == 150
    assert max(crowd.ends.values()) <= 1.5 * (arm.sent - arm.refused)


def test_refusals_that_pass_slow_nobody_down_for_long(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    for second in range(20):
        clock.now = MIDDAY + second * SECOND
        with suppress(Paced):
            pace.take(Work.IMPORT, IMPORT)
            pace.answered(IMPORT, Answered(None, SECOND, whole=True))
    assert buckets.get("s", Kind.WRITES).bucket.rate < 1
    sent = 0
    for second in range(20, 620):
        clock.now = MIDDAY + second * SECOND
        for _ in range(5):
            with suppress(Paced):
                ask(pace, None)
                sent += 1
    assert buckets.get("s", Kind.WRITES).bucket.rate == 10
    assert sent > 1500


def test_what_an_instance_held_when_it_died_comes_back_with_time() -> None:
    arm, draw = Arm(), random.Random(3)  # noqa: S311 - to be repeated, not to be secret
    crowd = Crowd(arm, InMemoryBuckets(), dies=lambda _now, _instance: draw.random() < 0.02)
    crowd.work(jobs(500))
    assert len(crowd.ends) == 500
    assert arm.refused <= 0.01 * arm.sent


def test_one_update_alone_looks_at_the_row_once_a_kind(pace: ArmPace, buckets: InMemoryBuckets) -> None:
    for left in (199, 198, 197, 196):
        ask(pace, left)
        ask(pace, left + 50, LOOK)
    assert buckets.asked == {"get": 2}


def test_the_row_is_asked_where_less_than_half_is_left_and_told_how_much(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    for left in (199, 60):
        ask(pace, left)
    buckets.asked.clear()
    for left in range(59, 49, -1):
        ask(pace, left)
    assert buckets.asked == {"replace": 1}
    row = buckets.get("s", Kind.WRITES).bucket
    # Of the 60 said last 10 may be in others' hands; 40 are kept; what is missing of a block is booked.
    assert (row.left, row.booked, row.handed, row.at) == (40, 10, 20, clock())


def test_whoever_is_refused_is_sent_away_before_anything_is_sent(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    store(buckets, 0, booked=80)
    told = refusal(pace)
    assert told.code == Wait.SPENT.value
    assert told.retry_after == pytest.approx(12.1)
    assert buckets.asked["replace"] == 0
    clock.advance(SECOND)
    again = buckets.asked.copy()
    assert refusal(pace).retry_after == pytest.approx(11.2)
    assert buckets.asked == again


def test_nobody_asks_before_a_retry_after_has_passed(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    pace.take(Work.IMPORT, IMPORT)
    pace.answered(IMPORT, Answered(0, 17 * SECOND))
    for instance in (pace, ArmPace(buckets, clock)):
        for work in Work:
            told = refusal(instance, RUN, work)
            assert told.code == Wait.LOCKED_OUT.value
            assert told.retry_after is not None
            assert told.retry_after >= 17
    clock.advance(17 * SECOND)
    pace.take(Work.PROMOTION, RUN)


def test_a_limit_of_the_resource_provider_stops_its_operation_alone(pace: ArmPace) -> None:
    pace.take(Work.IMPORT, IMPORT)
    pace.answered(IMPORT, Answered(150, 60 * SECOND, whole=False))
    assert refusal(pace).code == Wait.LOCKED_OUT.value
    ask(pace, 149, RUN, Work.GATE)


def test_what_a_thread_reserved_is_used_by_it_and_by_nobody_else(pace: ArmPace, buckets: InMemoryBuckets) -> None:
    store(buckets, 1, per_second=0.2)
    pace.reserve(Work.PROMOTION, IMPORT)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(refusal, pace, IMPORT, Work.PROMOTION).result().code == Wait.SPENT.value
    pace.take(Work.PROMOTION, IMPORT)
    assert refusal(pace, IMPORT, Work.PROMOTION).code == Wait.SPENT.value


def test_what_was_reserved_and_not_used_is_there_for_the_next_and_given_up_in_the_end(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock
) -> None:
    store(buckets, 1, per_second=0.2)
    for _ in range(5):
        pace.reserve(Work.PROMOTION, IMPORT)
    clock.advance(31 * SECOND)
    store(buckets, 0, per_second=0.2, booked=100)
    with pytest.raises(Paced):
        pace.reserve(Work.PROMOTION, IMPORT)


def test_who_reserved_is_put_off_all_the_same_where_arm_refused_meanwhile(pace: ArmPace) -> None:
    pace.reserve(Work.IMPORT, IMPORT)
    pace.take(Work.GATE, RUN)
    pace.answered(RUN, Answered(0, 5 * SECOND))
    assert refusal(pace).code == Wait.LOCKED_OUT.value


@pytest.mark.parametrize("method", ["get", "replace"])
def test_a_row_that_fails_stops_nothing_and_is_left_alone_for_a_while(
    pace: ArmPace, buckets: InMemoryBuckets, clock: SettableClock, method: str
) -> None:
    buckets.fail(method, *[Unavailable("storage is down")] * 3)
    for left in (199, *range(100, 60, -1)):
        ask(pace, left)
    assert buckets.asked[method] == 1
    clock.advance(11 * SECOND)
    buckets.mend()
    ask(pace, 99)
    assert buckets.get("s", Kind.WRITES).etag


def test_a_row_that_fails_lets_nobody_forget_when_to_come_again(pace: ArmPace, buckets: InMemoryBuckets) -> None:
    ask(pace, 199)
    buckets.fail("replace", Unavailable("storage is down"))
    pace.take(Work.IMPORT, IMPORT)
    pace.answered(IMPORT, Answered(0, 60 * SECOND))
    buckets.mend()
    assert refusal(pace).code == Wait.LOCKED_OUT.value


def test_a_row_that_is_always_written_by_others_stops_nothing(pace: ArmPace, buckets: InMemoryBuckets) -> None:
    ask(pace, 60)
    buckets.fail("replace", *[Conflict("another worker")] * 100)
    ask(pace, 59)


@pytest.mark.parametrize("error", [Unavailable("down"), Conflict("another worker")])
def test_an_instance_that_counts_alone_keeps_the_pace_by_itself(error: TidegateError) -> None:
    arm, buckets = Arm(), InMemoryBuckets()
    buckets.fail("replace", *[error] * 100_000)
    crowd = Crowd(arm, buckets, 1)
    crowd.work(jobs(200, within=1.0))
    assert len(crowd.ends) == 200
    assert arm.refused <= 0.01 * arm.sent


def test_an_answer_that_never_came_is_not_waited_for(pace: ArmPace) -> None:
    for _ in range(1000):
        ask(pace, None)


def test_many_threads_share_one_block(pace: ArmPace, buckets: InMemoryBuckets) -> None:
    ask(pace, 60)
    buckets.asked.clear()
    gate = threading.Barrier(20)

    def one() -> None:
        gate.wait()
        pace.take(Work.IMPORT, IMPORT)

    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(one) for _ in range(20)]:
            done.result()
    assert buckets.asked["replace"] == 1


def test_every_request_that_waits_is_told_of(buckets: InMemoryBuckets, clock: SettableClock) -> None:
    told = list[tuple[Kind, Wait]]()
    pace = ArmPace(buckets, clock, lambda kind, wait: told.append((kind, wait)))
    store(buckets, 30, booked=80)
    refusal(pace)
    assert told == [(Kind.WRITES, Wait.KEPT)]


def test_a_row_that_another_instance_has_written_is_read_before_it_is_written(clock: SettableClock) -> None:
    buckets = InMemoryBuckets()
    one, other = ArmPace(buckets, clock), ArmPace(buckets, clock)
    for pace in (one, other):
        ask(pace, 60)
        ask(pace, 59)
    assert isinstance(buckets.get("s", Kind.WRITES), StoredBucket)
    assert buckets.get("s", Kind.WRITES).bucket.handed == 40
