"""The storage account is lost, and what people decided is brought back before the first check: nothing else comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.decisions.words import Fate
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.said import Why
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.run_ports import RunStatus
from tests.doubles.registries import TEST_FAILED_LOG, digest_of
from tests.doubles.world import ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, Died, World
from tests.unit.flows.decided import ID, acted, arrive, borne, bring_back, export, fates, look, lose, person, said

pytestmark = pytest.mark.unit

FOUR = digest_of("four")
ASKED = Policy("asked", approval=ApprovalCheck())
SCANNED = Policy("scanned", scan=ScanCheck())
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


# What stands in the base registry would be adopted at the first check, which hides what else that does.
TAKES_OVER = WATCH_LIST + b"    adopt: false\n"


def world_with(*digests: Digest) -> World:
    """A world in which digests have arrived, one after another."""
    world = World(TAKES_OVER)
    for digest in digests:
        arrive(world, digest)
    return world


def pinned() -> World:
    """Somebody pinned the first digest when the second one had come."""
    world = world_with(ONE, TWO)
    acted(world.actor.pin(ID, ONE, None, said(world)))
    world.settle()
    return world


def rolled_back() -> World:
    """Somebody went back from the second digest to the first."""
    world = world_with(ONE, TWO)
    acted(world.actor.roll_back(ID, None, said(world)))
    world.settle()
    return world


def blocked() -> World:
    """Somebody blocked the second digest, so that the first came back."""
    world = world_with(ONE, TWO)
    world.ruler.block(TWO, said(world))
    world.settle()
    return world


def blocked_unseen() -> World:
    """Somebody blocked a digest that no tag bears yet; then it comes."""
    world = world_with(ONE)
    world.ruler.block(TWO, said(world))
    world.push(TWO)
    return world


def held() -> World:
    """Somebody held the entry; then another digest came."""
    world = world_with(ONE)
    world.ruler.hold("node", said(world), listed=True)
    arrive(world, TWO)
    return world


def refused() -> World:
    """Somebody refused the second digest, which waited for people."""
    world = world_with(ONE)
    world.says(ASKED)
    arrive(world, TWO)
    acted(world.approver.reject(ID, TWO, person(world), "not before Monday", world.clock()))
    world.settle()
    return world


def adopted() -> World:
    """What stood in the base registry when the entry appeared was adopted, though upstream bears another digest."""
    world = World()
    world.base.push(TARGET, TAG, ONE)
    arrive(world, TWO)
    assert world.target().why is Why.ADOPTED
    world.configuration.text = TAKES_OVER
    return world


def against_its_gate() -> World:
    """Two people took a digest that its test rejects; then it was pinned by nobody, and nothing else came."""
    world = world_with(ONE)
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(world, TWO)
    acted(world.actor.promote(ID, TWO, person(world, "eve"), "the shop is down", world.clock()))
    acted(world.actor.promote(ID, TWO, person(world), "the shop is down", world.clock()))
    world.settle()
    return world


KEPT_OUT = [pinned, rolled_back, blocked, blocked_unseen, held, refused, adopted]


@pytest.mark.parametrize("decided", KEPT_OUT)
def test_the_first_check_after_a_loss_promotes_nothing_that_people_kept_out(decided: Callable[[], World]) -> None:
    world = decided()
    assert borne(world) == ONE
    text = lose(world)
    bring_back(world, text)
    look(world)
    world.run_for(timedelta(days=2))
    look(world)
    assert borne(world) == ONE


@pytest.mark.parametrize("decided", KEPT_OUT)
def test_without_the_document_it_does_or_waits_for_people_again(decided: Callable[[], World]) -> None:
    world = decided()
    lose(world)
    look(world)
    assert (borne(world) == TWO) is (decided is not refused)


@pytest.mark.parametrize("decided", [pinned, rolled_back, blocked, adopted, against_its_gate])
def test_what_stands_is_decided_again_as_it_was_and_nothing_is_written_or_rebuilt(
    decided: Callable[[], World],
) -> None:
    world = decided()
    before, imports = world.target(), world.base.imports.total()
    bring_back(world, lose(world), person(world))
    world.settle()
    after = world.target()
    assert (after.wanted, after.why, after.seen) == (before.wanted, before.why, before.seen)
    assert after.reached == after.number >= before.number
    assert world.base.imports.total() == imports
    assert world.rebuilt() == []


@pytest.mark.parametrize(
    ("decided", "then"), [(pinned, ONE), (rolled_back, THREE), (blocked, THREE), (held, ONE), (against_its_gate, THREE)]
)
def test_what_upstream_bears_after_the_loss_comes_where_people_would_have_let_it(
    decided: Callable[[], World], then: Digest
) -> None:
    world = decided()
    text = lose(world)
    world.push(THREE)
    bring_back(world, text, person(world))
    look(world)
    assert borne(world) == then


@pytest.mark.parametrize("decided", [pinned, rolled_back, blocked])
def test_a_document_that_comes_after_the_first_check_puts_right_what_that_promoted(
    decided: Callable[[], World],
) -> None:
    world = decided()
    text = lose(world)
    look(world)
    assert borne(world) == TWO
    bring_back(world, text)
    world.settle()
    assert borne(world) == ONE
    look(world)
    assert borne(world) == ONE


@pytest.mark.parametrize("decided", KEPT_OUT)
def test_a_document_that_comes_while_the_first_check_is_under_way_comes_in_time(decided: Callable[[], World]) -> None:
    world = decided()
    text = lose(world)
    world.check()
    for _ in range(3):
        world.step()
    bring_back(world, text)
    world.settle()
    look(world)
    assert borne(world) == ONE


@pytest.mark.parametrize("decided", [*KEPT_OUT, against_its_gate])
def test_the_same_document_twice_changes_nothing_and_tells_nothing_more(decided: Callable[[], World]) -> None:
    world = decided()
    text = lose(world)
    bring_back(world, text, person(world))
    world.settle()
    before, lines = world.target_or_none(), len(world.activity.events)
    again = bring_back(world, text, person(world))
    assert fates(again) <= {Fate.SAME, Fate.NEWER_HERE, Fate.OVER}
    assert (world.target_or_none(), len(world.activity.events)) == (before, lines)


@pytest.mark.parametrize("decided", [*KEPT_OUT, against_its_gate])
def test_a_document_of_the_account_itself_is_no_news(decided: Callable[[], World]) -> None:
    world = decided()
    before, lines = world.target_or_none(), len(world.activity.events)
    outcome = bring_back(world, export(world), person(world))
    assert fates(outcome) == {Fate.SAME}
    assert (world.target_or_none(), len(world.activity.events)) == (before, lines)


@pytest.mark.parametrize("decided", [*KEPT_OUT, against_its_gate])
def test_a_dry_run_tells_what_would_come_of_it_and_writes_nothing(decided: Callable[[], World]) -> None:
    world = decided()
    text = lose(world)
    told = bring_back(world, text, dry_run=True)
    assert world.target_or_none() is None
    assert (world.rulings.every(), world.activity.events) == ((), ())
    assert bring_back(world, text).lines == told.lines


@pytest.mark.parametrize("decided", [*KEPT_OUT, against_its_gate])
def test_a_document_taken_by_a_process_that_dies_anywhere_is_taken_whole_the_next_time(
    decided: Callable[[], World],
) -> None:
    moments = _dying(decided, 0)
    assert moments > 3
    for moment in range(1, moments + 1):
        _dying(decided, moment)


def _dying(decided: Callable[[], World], dies_at: int) -> int:
    """Bring a document back while the process dies at one moment; return how many moments there were."""
    world, counted = decided(), [0]
    bore = borne(world)
    text = lose(world)

    def hook(_: str) -> None:
        counted[0] += 1
        if counted[0] == dies_at:
            raise Died

    world.hook = hook
    try:
        bring_back(world, text, person(world))
    except Died:
        world.start()
        bring_back(world, text, person(world))
    world.hook = None
    look(world)
    world.run_for(timedelta(hours=2))
    assert (dies_at, borne(world)) == (dies_at, bore)
    return counted[0]
