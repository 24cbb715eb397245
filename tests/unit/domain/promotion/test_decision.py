"""What a target should point at, rule by rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.decision import Outcome, decide
from shared.domain.promotion.said import Blocked, Chosen, Pinned, Said, Why
from shared.domain.promotion.target import Former, Origin, Sighting, Target, parts_of_target, target_id
from shared.domain.references import Digest, Tag
from shared.errors import InvalidReference
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO
from tests.unit.strategies import paths, tags

pytestmark = pytest.mark.unit

THREE = digest_of("three")
SAID = Said("ada", "it broke the shop", NOON)


def target(*seen: Digest, **fields: Any) -> Target:
    """Return a target whose source bore these digests in this order, but for the fields that are given."""
    sightings = tuple(Sighting(order, digest, f"trace of {digest}") for order, digest in enumerate(seen, start=1))
    record = Target(
        registry="base", repository="base/node", tag=TAG, origin=Origin("node", NODE, TAG), sightings=sightings
    )
    return msgspec.structs.replace(record, **fields)


def wanted(record: Target) -> tuple[Digest, Why]:
    """Decide, and return what is wanted and why."""
    decided, _ = decide(record, NOON)
    return decided.wanted, decided.why


def test_nothing_is_decided_before_something_passed() -> None:
    record = target(ONE, TWO)
    assert decide(record, NOON) == (record, Outcome.NOTHING_PASSED)


def test_of_what_passed_the_digest_that_was_seen_last_is_wanted_whichever_passed_last() -> None:
    assert wanted(target(ONE, TWO, THREE, passed=(TWO, ONE))) == (TWO, Why.NEWEST)


def test_a_decision_has_the_next_number_its_time_and_the_trace_of_what_it_is_for() -> None:
    decided, outcome = decide(target(ONE, TWO, passed=(TWO,), wanted=ONE, number=4, failures=3, trouble="503"), NOON)
    assert outcome is Outcome.DECIDED
    assert (decided.number, decided.decided_at, decided.traceparent) == (5, NOON, f"trace of {TWO}")
    assert (decided.failures, decided.trouble) == (0, "")


def test_what_is_wanted_already_is_not_decided_again() -> None:
    record = target(ONE, passed=(ONE,), wanted=ONE, number=4)
    assert decide(record, NOON) == (record, Outcome.SAME)


def test_while_somebody_holds_a_target_nothing_is_decided() -> None:
    record = target(ONE, TWO, passed=(ONE, TWO), wanted=ONE, number=1, hold=SAID)
    assert decide(record, NOON) == (record, Outcome.HELD)


def test_what_is_pinned_is_wanted_whatever_comes_until_its_date() -> None:
    until = NOON + timedelta(hours=1)
    pinned = target(ONE, TWO, passed=(ONE, TWO), pinned=Pinned(ONE, SAID, until))
    assert wanted(pinned) == (ONE, Why.PINNED)
    assert decide(pinned, until)[0].wanted == TWO


def test_what_was_rolled_back_to_stays_until_something_passes_that_was_seen_later() -> None:
    back = target(ONE, TWO, passed=(ONE, TWO), wanted=TWO, number=2, chosen=Chosen(ONE, 2, SAID))
    assert wanted(back) == (ONE, Why.ROLLED_BACK)
    seen = msgspec.structs.replace(back, sightings=(*back.sightings, Sighting(3, THREE)))
    assert wanted(seen) == (ONE, Why.ROLLED_BACK), "it has not passed"
    assert wanted(msgspec.structs.replace(seen, passed=(ONE, TWO, THREE))) == (THREE, Why.NEWEST)


@pytest.mark.parametrize("held_by", [{}, {"pinned": Pinned(TWO, SAID)}, {"chosen": Chosen(TWO, 9, SAID)}])
def test_a_blocked_digest_is_wanted_by_nobody(held_by: dict[str, Any]) -> None:
    blocked = target(ONE, TWO, passed=(ONE, TWO), blocked=(Blocked(TWO, SAID),), **held_by)
    assert wanted(blocked) == (ONE, Why.NEWEST)


def test_where_what_is_in_force_is_blocked_the_former_digest_that_is_not_comes_back() -> None:
    former = (Former(TWO, NOON), Former(ONE, NOON))
    blocked = (Blocked(THREE, SAID), Blocked(TWO, SAID))
    assert wanted(target(THREE, passed=(THREE,), wanted=THREE, number=3, former=former, blocked=blocked)) == (
        ONE,
        Why.ROLLED_BACK,
    )


def test_where_nothing_else_can_be_had_a_blocked_digest_is_withdrawn() -> None:
    record = target(ONE, passed=(ONE,), wanted=ONE, number=1, blocked=(Blocked(ONE, SAID),))
    assert wanted(record) == ("", Why.WITHDRAWN)


def test_what_is_released_comes_back() -> None:
    assert wanted(target(ONE, passed=(ONE,), wanted=Digest(""), why=Why.WITHDRAWN, number=2)) == (ONE, Why.NEWEST)


@given(st.permutations([ONE, TWO, THREE]), st.permutations([ONE, TWO, THREE]))
def test_the_order_in_which_gates_end_does_not_matter(seen: list[Digest], passed: list[Digest]) -> None:
    assert wanted(target(*seen, passed=tuple(passed))) == (seen[-1], Why.NEWEST)


@given(paths, tags)
def test_a_targets_id_gives_back_its_registry_repository_and_tag(path: str, tag: Tag) -> None:
    assert parts_of_target(target_id("Base01", path, tag)) == ("base01", path, tag)


@pytest.mark.parametrize("text", ["", "base", "base~node", "ba-se~base~node~22", "~base~node~22", "base~base~node~"])
def test_what_is_no_targets_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="not a target's id"):
        parts_of_target(text)
