"""Whoever dies between any two writes: what travels with an image is there in the end, once; and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.promotion.statuses import Reason, Status
from shared.domain.travel.referrers import ReferrerState
from shared.errors import Paced, RateLimited, ServiceError, Unavailable
from tests.doubles.mortal import Mortal
from tests.doubles.queues import Delivery
from tests.doubles.referrers import SBOM, legacy_tag, referrer
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, World
from tests.unit.flows.test_travelling import BEST_EFFORT, FIRST, OFF, REQUIRED, beside, travelling_world

pytestmark = pytest.mark.unit

ALL = REQUIRED + b"    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"
SIGNED, DESCRIBED, LATE = referrer(ONE), referrer(ONE, SBOM), referrer(ONE, note="late")
COUNTERSIGNED = referrer(DESCRIBED.digest)
OLD = referrer(ONE, note="old", about="-")


class Travelling(Mortal):
    """A mortal world in which something travels, from its beginning.

    Args:
        watch_list: YAML.
        dies_at: the number of the moment; ``0`` for never.
    """

    def __init__(self, watch_list: bytes, dies_at: int) -> None:
        super().__init__(dies_at, travelling_world(watch_list))
        self.begin()

    def arrive(self) -> None:
        """Let a digest appear, and come as far as it gets in an hour."""
        self.world.push(ONE)
        self.do(self.world.check)
        self.world.run_for(timedelta(minutes=61))


def with_referrers(mortal: Travelling) -> None:
    """An image comes with a signature, an SBOM that is signed, and a signature of an older client."""
    mortal.world.hub.attach(NODE, SIGNED, DESCRIBED, COUNTERSIGNED)
    mortal.world.hub.attach_by_tag(NODE, OLD, legacy_tag(ONE))
    mortal.arrive()


def signed_later(mortal: Travelling) -> None:
    """An image comes that is signed an hour later."""
    mortal.arrive()
    mortal.world.hub.attach(NODE, LATE)
    mortal.world.run_for(timedelta(hours=2))


def unanswered(mortal: Travelling) -> None:
    """An image comes whose upstream does not tell at first what refers to it."""
    mortal.world.hub.fail("referrers", *[Unavailable("502")] * 3)
    mortal.world.hub.attach(NODE, SIGNED)
    mortal.arrive()


def dying(story: Callable[[Travelling], None], watch_list: bytes) -> list[int]:
    """Return every moment of a story."""
    mortal = Travelling(watch_list, 0)
    story(mortal)
    return list(range(1, mortal.moments + 1))


@pytest.mark.parametrize(
    ("story", "count"),
    [(with_referrers, 4), (signed_later, 1), (unanswered, 1)],
    ids=lambda one: getattr(one, "__name__", one),
)
@pytest.mark.parametrize("watch_list", [BEST_EFFORT, ALL], ids=["best-effort", "required, named"])
def test_what_travels_is_there_once_whenever_the_process_dies(
    story: Callable[[Travelling], None], count: int, watch_list: bytes
) -> None:
    for moment in dying(story, watch_list):
        mortal = Travelling(watch_list, moment)
        story(mortal)
        world = mortal.world
        assert (world.base.tags[TARGET, TAG], world.status(ONE)) == (ONE, Status.PROMOTED), moment
        assert (world.candidate(ONE).generation, world.target().number) == (1, 1), moment
        arrived = [one for one in beside(world).referrers if one.state is ReferrerState.ARRIVED]
        assert len(arrived) == count, moment
        assert all(world.base._has(TARGET, one.digest) for one in arrived), moment
        names = [tag for _, tag in world.base.tags if tag.startswith("22-alpine-")]
        assert names == ([FIRST] if watch_list is ALL else []), moment


def test_the_tag_is_never_there_before_what_it_waits_for_whenever_the_process_dies() -> None:
    for moment in dying(with_referrers, ALL):
        mortal = Travelling(ALL, moment)
        early = watched(mortal)
        with_referrers(mortal)
        assert early == [], moment


def watched(mortal: Travelling) -> list[str]:
    """Return where the moments come to at which the tag is there and something that it waits for is not."""
    early: list[str] = []

    def watch(told: str) -> None:
        base = mortal.world.base
        there = all(base._has(TARGET, one.digest) for one in (SIGNED, DESCRIBED, COUNTERSIGNED))
        if (TARGET, TAG) in base.tags and not (
            there and {(TARGET, FIRST), (TARGET, legacy_tag(ONE))} <= base.tags.keys()
        ):
            early.append(told)
        mortal.moment(told)

    mortal.world.hook = watch
    return early


# What it costs.


def spent(asked: Counter[str], watch_list: bytes, *, travels: bool = True, referrers: int = 0) -> Counter[str]:
    """Return what an image costs on its way to its tag."""
    world = World(watch_list, travels=travels)
    world.hub.attach(NODE, *(referrer(ONE, note=str(number)) for number in range(referrers)))
    world.push(ONE)
    world.check()
    asked.clear()
    world.until(ONE, Status.PROMOTED)
    return Counter({name: number for name, number in asked.items() if number})


def more(with_it: Counter[str], without: Counter[str]) -> dict[str, int]:
    """Return what one costs more than another."""
    left = Counter(with_it)
    left.subtract(without)
    return {name: number for name, number in sorted(left.items()) if number}


def test_where_nothing_travels_nothing_is_asked_or_written(asked: Counter[str]) -> None:
    assert more(spent(asked, OFF), spent(asked, OFF, travels=False)) == {}


def test_an_image_that_nothing_refers_to_costs_a_listing_and_two_transactions(asked: Counter[str]) -> None:
    assert more(spent(asked, BEST_EFFORT), spent(asked, OFF)) == {
        "InMemoryUpstream.referrers": 1,
        "InMemoryRegistry.manifest": 1,
        "InMemoryCompanions.get": 1,
        "InMemoryCompanions.insert": 1,
    }


def test_what_refers_to_an_image_costs_two_imports_each_and_one_of_the_image(asked: Counter[str]) -> None:
    none, one, three = (spent(asked, REQUIRED, referrers=number) for number in (0, 1, 3))
    first, others = more(one, none), more(three, one)
    assert (first["InMemoryRegistry.start_import"], others["InMemoryRegistry.start_import"]) == (3, 4)
    assert (first["InMemoryUpstream.referrers"], others["InMemoryUpstream.referrers"]) == (1, 2)
    assert (first["InMemoryRegistry.referrers"], others["InMemoryRegistry.referrers"]) == (1, 2)
    assert (first["InMemoryCompanions.replace"], others["InMemoryCompanions.replace"]) == (10, 12)


# What comes twice, late, or not now.


def test_every_message_that_comes_twice_leads_to_the_same_once() -> None:
    once, twice = Travelling(ALL, 0), Travelling(ALL, 0)
    work = twice.world.work

    def again(delivery: Delivery) -> None:
        work(delivery)
        work(delivery)

    twice.world.work = again  # type: ignore[method-assign]
    for mortal in (once, twice):
        with_referrers(mortal)
    assert twice.world.base.tags == once.world.base.tags
    assert (twice.world.base.imports, twice.world.base.untagged) == (once.world.base.imports, once.world.base.untagged)
    assert twice.world.staging.untagged == once.world.staging.untagged


@pytest.mark.parametrize("error", [RateLimited("429", retry_after=20), Unavailable("503")], ids=["429", "503"])
@pytest.mark.parametrize(
    ("registry", "method"),
    [
        ("base", "start_import"),
        ("staging", "start_import"),
        ("base", "holds"),
        ("staging", "holds"),
        ("staging", "manifest"),
        ("base", "referrers"),
    ],
)
def test_whatever_answers_not_now_a_few_times_it_comes_and_the_tag_after_it(
    registry: str, method: str, error: ServiceError
) -> None:
    mortal = Travelling(ALL, 0)
    early = watched(mortal)
    getattr(mortal.world, registry).fail(method, error, error, error)
    mortal.world.push(ONE)
    mortal.world.hub.attach(NODE, SIGNED, DESCRIBED, COUNTERSIGNED)
    mortal.world.hub.attach_by_tag(NODE, OLD, legacy_tag(ONE))
    mortal.world.check()
    mortal.world.run_for(timedelta(hours=3))
    assert mortal.world.base.tags[TARGET, TAG] == ONE
    assert early == []
    assert not any(one.tries.failures for one in beside(mortal.world).referrers)


def test_while_our_turn_at_arm_has_not_come_nothing_is_begun_and_nothing_is_wrong() -> None:
    mortal = Travelling(ALL, 0)
    mortal.world.base.fail("take_turn", *[Paced("later", retry_after=5)] * 6)
    with_referrers(mortal)
    assert mortal.world.base.tags[TARGET, TAG] == ONE
    assert beside(mortal.world).image_tries.failures == 0
    history = mortal.world.candidate(ONE).history
    assert Reason.COMPANIONS_AWAITED not in {change.reason for change in history}


def test_whoever_has_just_started_and_read_no_list_wakes_for_what_is_overdue() -> None:
    world = travelling_world(REQUIRED)
    world.hub.fail("referrers", *[Unavailable("503")] * 3)
    world.push(ONE)
    world.check()
    while not list(world.companions.of_repository(BASE, TARGET)):
        world.step()
    overdue = beside(world, ONE).look_at
    assert overdue is not None
    world.outbox.waiting.clear()
    world.clock.now = overdue + timedelta(hours=1)
    world.start()
    world.travelling.sweep()
    assert [delivery for delivery in world.outbox.deliver() if '"companions"' in delivery.text]
