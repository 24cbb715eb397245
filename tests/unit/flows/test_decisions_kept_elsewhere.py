"""Another account keeps what people decided, once a day; an account that does not know it writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.decisions.checking import read_decisions
from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.barring import bar_of
from shared.domain.watching.troubles import Kind
from shared.errors import NotPermitted, Unavailable
from tests.doubles.decisions import InMemoryVault
from tests.doubles.world import ONE, THREE, TWO, Died, World
from tests.unit.flows.decided import arrive, borne, bring_back, look, person
from tests.unit.flows.test_lost_account import KEPT_OUT, TAKES_OVER, blocked, pinned

pytestmark = pytest.mark.unit


def lost(decided: Callable[[], World]) -> tuple[World, bytes]:
    """A world that kept what people decided elsewhere and lost its account since, and the newest document."""
    world = decided()
    vault = world.keeps_elsewhere()
    world.sweep()
    world.pass_time(timedelta(hours=5))
    world.lose_account()
    return world, newest(vault)


def newest(vault: InMemoryVault) -> bytes:
    """Return the newest document."""
    return vault.documents[max(vault.documents)]


def kinds(world: World) -> set[Kind]:
    """Return what is told to be wrong now."""
    return {one.trouble.kind for one in world.lasting}


@pytest.mark.parametrize("decided", KEPT_OUT)
def test_checks_before_the_document_is_brought_back_write_nothing(decided: Callable[[], World]) -> None:
    world, text = lost(decided)
    look(world)
    world.run_for(timedelta(days=2))
    look(world)
    assert borne(world) == ONE
    bring_back(world, text, person(world))
    world.run_for(timedelta(days=2))
    look(world)
    assert borne(world) == ONE


def test_what_comes_after_the_document_was_brought_back_is_promoted_as_ever() -> None:
    world, text = lost(blocked)
    look(world)
    bring_back(world, text)
    arrive(world, THREE)
    world.run_for(timedelta(hours=2))
    assert borne(world) == THREE


def test_what_the_first_check_let_wait_is_promoted_within_the_hour_after_the_document() -> None:
    world, text = lost(lambda: _arrived(ONE))
    world.push(TWO)
    look(world)
    bar = bar_of(world.target())
    assert bar is not None
    assert bar.waiting is Waiting.DECISIONS
    bring_back(world, text)
    world.run_for(timedelta(hours=1, minutes=1))
    assert borne(world) == TWO


def _arrived(*digests: str) -> World:
    world = World(TAKES_OVER)
    for digest in digests:
        arrive(world, digest)  # type: ignore[arg-type]
    return world


def test_a_new_installation_knows_that_nothing_was_decided_before_it() -> None:
    world = World(TAKES_OVER)
    world.keeps_elsewhere()
    arrive(world, ONE)
    assert borne(world) == ONE


def test_an_empty_document_says_that_nothing_is_to_be_brought_back() -> None:
    world, _ = lost(pinned)
    bring_back(world, b'{"tidegate": 1, "registry": "tidegatebase", "exported_at": "2026-01-01T12:00:00Z"}')
    look(world)
    assert borne(world) == TWO


def test_a_dry_run_does_not_end_the_waiting() -> None:
    world, text = lost(pinned)
    bring_back(world, text, dry_run=True)
    look(world)
    assert borne(world) == ONE


def test_nothing_is_written_while_nobody_can_tell_whether_something_is_missing() -> None:
    world = World(TAKES_OVER)
    vault = world.keeps_elsewhere()
    vault.fail("newest", *[Unavailable("no answer")] * 4)
    world.push(ONE)
    world.check()
    for _ in range(8):
        world.step()
    assert borne(world) is None
    world.run_for(timedelta(days=1))
    assert borne(world) == ONE


def test_people_are_told_what_is_to_be_brought_back_and_that_it_was() -> None:
    world, text = lost(pinned)
    world.run_for(timedelta(minutes=31))
    assert Kind.DECISIONS_NOT_KNOWN in kinds(world)
    told = next(one.trouble.detail for one in world.lasting if one.trouble.kind is Kind.DECISIONS_NOT_KNOWN)
    assert "tidegatebase/2026-01-01T" in told
    bring_back(world, text)
    world.run_for(timedelta(minutes=31))
    assert Kind.DECISIONS_NOT_KNOWN not in kinds(world)


def test_an_account_that_does_not_know_what_people_decided_keeps_nothing() -> None:
    world, text = lost(pinned)
    assert world.vault is not None
    world.run_for(timedelta(days=3))
    assert len(world.vault.documents) == 1
    bring_back(world, text)
    world.run_for(timedelta(hours=1))
    assert len(world.vault.documents) == 2
    assert read_decisions(newest(world.vault), world.clock()).targets[0].pinned is not None


def test_a_document_is_kept_once_a_day_and_is_what_people_decided_until_then() -> None:
    world = pinned()
    vault = world.keeps_elsewhere()
    world.run_for(timedelta(days=3))
    assert len(vault.documents) == 3
    kept = read_decisions(newest(vault), world.clock())
    assert [one.pinned.digest for one in kept.targets if one.pinned] == [ONE]


def test_of_two_who_sweep_at_once_one_keeps_a_document() -> None:
    world = pinned()
    vault = world.keeps_elsewhere()
    assert world.keeper is not None
    world.sweep()
    world.pass_time(timedelta(days=1))

    def other(moment: str) -> None:
        if moment == "keepings.before:put":
            world.hook = None
            assert world.keeper is not None
            world.keeper.sweep()

    world.hook = other
    world.keeper.sweep()
    assert len(vault.documents) == 2


def test_whoever_dies_anywhere_while_keeping_leaves_no_day_without_a_document() -> None:
    moments = _keeping(0)
    assert moments > 4
    for moment in range(1, moments + 1):
        _keeping(moment)


def _keeping(dies_at: int) -> int:
    world, counted = pinned(), [0]
    vault = world.keeps_elsewhere()

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.hook = hook
    assert world.keeper is not None
    try:
        world.keeper.sweep()
    except Died:
        world.start()
    world.hook = None
    world.run_for(timedelta(hours=2))
    assert (dies_at, len(vault.documents)) in {(dies_at, 1), (dies_at, 2)}
    world.run_for(timedelta(days=1))
    assert (dies_at, len(vault.documents)) in {(dies_at, 2), (dies_at, 3)}
    return counted[0]


def test_that_nothing_could_be_kept_for_two_days_is_told_until_something_is() -> None:
    world = pinned()
    vault = world.keeps_elsewhere()
    world.sweep()
    vault.fail("add", *[NotPermitted("the identity may not write")] * 60)
    world.run_for(timedelta(days=2))
    assert Kind.DECISIONS_NOT_KEPT not in kinds(world)
    world.run_for(timedelta(days=1, hours=2))
    assert Kind.DECISIONS_NOT_KEPT in kinds(world)
    told = next(one.trouble.detail for one in world.lasting if one.trouble.kind is Kind.DECISIONS_NOT_KEPT)
    assert "may not write" in told
    vault.mend()
    world.run_for(timedelta(hours=2))
    assert Kind.DECISIONS_NOT_KEPT not in kinds(world)


def test_a_document_that_could_not_be_written_in_one_go_is_tried_again_an_hour_later_and_not_before() -> None:
    world = pinned()
    vault = world.keeps_elsewhere()
    vault.fail("add", Unavailable("no answer"))
    world.run_for(timedelta(minutes=46))
    assert vault.documents == {}
    world.run_for(timedelta(minutes=45))
    assert len(vault.documents) == 1
