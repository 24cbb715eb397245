"""The other account does not answer: nothing is written, that is told, and nobody is kept waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.decisions.keeping import ASKED_AGAIN
from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.barring import bar_of
from shared.domain.watching.troubles import Kind
from shared.errors import NotFound, RateLimited, Refused, ServiceError, TidegateError, Unavailable
from shared.rules.remembering import Memory
from tests.doubles.decisions import InMemoryKeepings, InMemoryVault
from tests.doubles.storage import MIDDAY, SettableClock
from tests.doubles.world import ONE, TWO, Died, World
from tests.unit.flows.decided import borne, bring_back, look, person
from tests.unit.flows.test_decisions_kept_elsewhere import kinds, lost, newest
from tests.unit.flows.test_lost_account import KEPT_OUT, TAKES_OVER

pytestmark = pytest.mark.unit

ANSWERS: dict[str, Callable[[], TidegateError]] = {
    "nothing": lambda: Unavailable("listing decisions: the storage account gave no answer"),
    "403": lambda: Refused("listing decisions: the storage account does not allow it"),
    "404": lambda: NotFound("listing decisions: the storage account says it is not there"),
    "429": lambda: RateLimited("listing decisions: the storage account asks for fewer requests"),
    "500": lambda: Unavailable("listing decisions: 500"),
    "what nobody knows": lambda: ServiceError("listing decisions: 418"),
}


class Counting(InMemoryVault):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def newest(self, prefix: str) -> str:
        """See ``Vault.newest``."""
        self.calls += 1
        return super().newest(prefix)


def silent(world: World, answer: str) -> InMemoryVault:
    """Let the other account answer this from now on, however often it is asked."""
    vault = world.vault or world.keeps_elsewhere()
    vault.fail("newest", *[ANSWERS[answer]() for _ in range(10_000)])
    vault.fail("add", *[ANSWERS[answer]() for _ in range(10_000)])
    return vault


@pytest.mark.parametrize("decided", KEPT_OUT)
@pytest.mark.parametrize("answer", ANSWERS)
def test_the_first_checks_after_a_loss_promote_nothing_that_people_kept_out(
    answer: str, decided: Callable[[], World]
) -> None:
    world, text = lost(decided)
    vault = silent(world, answer)
    look(world)
    world.run_for(timedelta(hours=6))
    look(world)
    assert borne(world) == ONE
    vault.mend()
    world.run_for(timedelta(hours=2))
    assert borne(world) == ONE
    bring_back(world, text, person(world))
    world.run_for(timedelta(days=1))
    assert borne(world) == ONE


@pytest.mark.parametrize("answer", ANSWERS)
def test_people_are_told_within_the_half_hour_why_nothing_is_promoted_and_that_it_is_over(answer: str) -> None:
    world = World(TAKES_OVER)
    vault = silent(world, answer)
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=31))
    assert borne(world) is None
    told = next(one.trouble for one in world.lasting if one.trouble.kind is Kind.DECISIONS_NOT_KNOWN)
    assert str(ANSWERS[answer]()) in told.detail
    assert "DECISIONS_ACCOUNT" in told.detail
    vault.mend()
    world.run_for(timedelta(hours=2))
    assert borne(world) == ONE
    assert Kind.DECISIONS_NOT_KNOWN not in kinds(world)


def test_a_tag_that_is_ready_says_what_it_waits_for() -> None:
    world = World(TAKES_OVER)
    silent(world, "nothing")
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=20))
    bar = bar_of(world.target())
    assert bar is not None
    assert bar.waiting is Waiting.DECISIONS


def test_an_account_that_has_what_people_decided_goes_on_without_the_other_one() -> None:
    world = World(TAKES_OVER)
    world.keeps_elsewhere()
    world.sweep()
    silent(world, "nothing")
    world.start()
    world.push(TWO)
    look(world)
    assert borne(world) == TWO


def test_what_is_brought_back_counts_though_the_other_account_is_silent() -> None:
    world, text = lost(KEPT_OUT[0])
    silent(world, "403")
    look(world)
    bring_back(world, text, person(world))
    assert world.memory.remembers()
    assert borne(world) == ONE


def test_it_is_asked_again_after_five_minutes_and_not_by_everybody_in_between() -> None:
    clock = SettableClock(MIDDAY)
    vault = Counting()
    vault.fail("newest", *[Unavailable("no answer")] * 2)
    memory = Memory(InMemoryKeepings(), vault, "tidegatebase", clock)
    assert [memory.remembers() for _ in range(50)] == [False] * 50
    assert vault.calls == 1
    clock.advance(ASKED_AGAIN)
    assert not memory.remembers()
    assert vault.calls == 2
    clock.advance(ASKED_AGAIN)
    assert memory.remembers()


class Hanging(Counting):
    """Answers nobody until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = threading.Event(), threading.Event()

    def newest(self, prefix: str) -> str:
        """See ``Vault.newest``."""
        self.asked.set()
        assert self.answers.wait(20)
        return super().newest(prefix)


def test_while_one_waits_for_an_answer_all_others_go_on_and_write_nothing() -> None:
    vault = Hanging()
    memory = Memory(InMemoryKeepings(), vault, "tidegatebase", SettableClock(MIDDAY))
    first: list[bool] = []
    waits = threading.Thread(target=lambda: first.append(memory.remembers()))
    waits.start()
    assert vault.asked.wait(20)
    assert [memory.remembers() for _ in range(20)] == [False] * 20
    assert first == []
    vault.answers.set()
    waits.join(20)
    assert (vault.calls, first) == (1, [True])


def test_whoever_dies_anywhere_while_it_is_silent_promotes_nothing_and_tells_it_in_the_end() -> None:
    moments = _silent_and_dies(0)
    assert moments >= 2
    for moment in range(1, moments + 1):
        _silent_and_dies(moment)


def _silent_and_dies(dies_at: int) -> int:
    world, _ = lost(KEPT_OUT[0])
    silent(world, "nothing")
    counted = [0]

    def hook(name: str) -> None:
        if name.startswith(("keepings.", "vault.")):
            counted[0] += 1
            if counted[0] == dies_at:
                raise Died

    world.hook = hook
    world.push(TWO)
    look_alive(world)
    world.run_for(timedelta(minutes=31))
    world.hook = None
    world.run_for(timedelta(minutes=31))
    assert borne(world) == ONE
    assert Kind.DECISIONS_NOT_KNOWN in kinds(world)
    assert newest(world.vault)  # type: ignore[arg-type]
    return counted[0]


def look_alive(world: World) -> None:
    """Check, by whoever is started after a death."""
    try:
        world.check()
    except Died:
        world.start()
        world.check()
