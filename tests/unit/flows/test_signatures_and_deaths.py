"""Whoever dies between any two writes: what is signed comes in, once, what is not does not; and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.policy.policy import Policy
from shared.domain.promotion.statuses import Status
from tests.doubles.mortal import Mortal
from tests.doubles.world import ONE, TAG, TARGET, World
from tests.made_signatures.authorities import public_pem
from tests.unit.flows.test_signatures import BY_KEY, OURS, THEIRS, arrive, sign, signed_world

pytestmark = pytest.mark.unit


class Signed(Mortal):
    """A mortal world in which signatures are asked for, from its beginning.

    Args:
        dies_at: the number of the moment; ``0`` for never.
    """

    def __init__(self, dies_at: int) -> None:
        super().__init__(dies_at, signed_world())
        self.begin()

    def arrive(self) -> None:
        """Let a digest appear and come as far as it gets."""
        self.world.push(ONE)
        self.do(self.world.check)
        self.world.settle()

    def sweep(self, minutes: int) -> None:
        """Let time pass, with a sweep at its end."""
        self.world.pass_time(timedelta(minutes=minutes))
        self.do(self.world.sweep)
        self.world.settle()


def signed_at_once(mortal: Signed) -> None:
    """A signed image comes."""
    sign(mortal.world)
    mortal.arrive()
    mortal.sweep(16)
    mortal.sweep(16)


def signed_later(mortal: Signed) -> None:
    """An image comes that is signed some hours after it was rejected."""
    mortal.arrive()
    for _ in range(3):
        mortal.sweep(45)
    assert mortal.world.base.tags == {}
    sign(mortal.world)
    for _ in range(4):
        mortal.sweep(65)


def signed_by_others(mortal: Signed) -> None:
    """An image comes that others signed."""
    sign(mortal.world, key=THEIRS)
    mortal.arrive()
    for _ in range(3):
        mortal.sweep(45)


def dying(story: Callable[[Signed], None]) -> list[int]:
    """Return every moment of a story."""
    mortal = Signed(0)
    story(mortal)
    return list(range(1, mortal.moments + 1))


@pytest.mark.parametrize("story", [signed_at_once, signed_later])
def test_what_is_signed_comes_in_once_whenever_the_process_dies(story: Callable[[Signed], None]) -> None:
    for moment in dying(story):
        mortal = Signed(moment)
        story(mortal)
        assert mortal.world.base.tags == {(TARGET, TAG): ONE}, moment
        assert mortal.world.status(ONE) is Status.PROMOTED, moment
        assert (mortal.world.candidate(ONE).generation, len(mortal.world.base.imports)) == (1, 1), moment


def test_what_others_signed_does_not_come_in_whenever_the_process_dies() -> None:
    for moment in dying(signed_by_others):
        mortal = Signed(moment)
        signed_by_others(mortal)
        assert mortal.world.base.tags == {}, moment
        assert mortal.world.status(ONE) is Status.REJECTED, moment


# What it costs.


def spent(asked: Counter[str], policy: Policy | None) -> Counter[str]:
    """Return what a signed image costs on its way."""
    world = World()
    world.trust_files.files["trust/keys/build.pem"] = public_pem(OURS)
    world.says(policy)
    sign(world)
    asked.clear()
    arrive(world)
    assert world.status(ONE) is Status.PROMOTED
    return Counter(asked)


def test_a_signed_image_costs_one_reading_five_transactions_and_now_and_then_a_listing_of_trust(
    asked: Counter[str],
) -> None:
    before = spent(asked, None)
    more = spent(asked, BY_KEY)
    more.subtract(before)
    assert {name: number for name, number in more.items() if number} == {
        "InMemoryUpstream.beside": 1,
        "InMemoryEvidence.read": 2,
        "InMemoryEvidence.keep": 2,
        "InMemoryTargets.get": 1,
        "InMemoryExceptionFiles.stored": 1,
        "InMemoryExceptionFiles.last_good": 1,
        "InMemoryExceptionFiles.keep_last_good": 1,
    }
