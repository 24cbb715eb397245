"""What stands in the base registry when an entry appears stays until its source moves, whatever is decided or lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.adopting import adopted, to_be_replaced
from shared.domain.promotion.decision import Outcome, decide
from shared.domain.promotion.reconciling import Todo, has_passed, scheduled, sighted, todo
from shared.domain.promotion.said import Blocked, Pinned, Said, Why
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.references import Digest
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO

pytestmark = pytest.mark.unit

STANDS, THREE = digest_of("stands"), digest_of("three")
ORIGIN = Origin("node", NODE, TAG, "node")
SAID = Said("ada", "it broke the shop", NOON)


def target(source: Digest = ONE, **fields: Any) -> Target:
    """Return a target that was adopted while its source bore a digest, with order 5."""
    fresh = Target(registry="base", repository="base/node", tag=TAG, origin=ORIGIN)
    return msgspec.structs.replace(adopted(fresh, STANDS, Sighting(5, source, "trace"), NOON), **fields)


def seen(record: Target, order: int, digest: Digest) -> Target:
    """Let the source be seen to bear a digest."""
    return sighted(record, Sighting(order, digest), ORIGIN, NOON)


def wanted(record: Target) -> tuple[Digest, Why]:
    """Decide, and return what is wanted and why."""
    decided, _ = decide(record, NOON)
    return decided.wanted, decided.why


def test_what_stands_there_is_in_force_and_nothing_is_to_be_done_about_it() -> None:
    record = scheduled(decide(target(), NOON)[0], NOON)
    assert (record.wanted, record.why, record.number, record.reached, record.searched) == (
        STANDS,
        Why.ADOPTED,
        1,
        1,
        1,
    )
    assert decide(record, NOON)[1] is Outcome.SAME
    assert (todo(record, NOON), record.awaited, record.look_at) == (Todo.REST, None, None)


def test_what_the_source_bore_at_adoption_does_not_replace_it_even_if_it_passes() -> None:
    assert wanted(has_passed(target(), ONE)) == (STANDS, Why.ADOPTED)


def test_what_the_source_bears_later_replaces_it_once_it_passed() -> None:
    moved = seen(target(), 6, TWO)
    assert moved.awaited is not None
    assert wanted(moved) == (STANDS, Why.ADOPTED)
    assert wanted(has_passed(moved, TWO)) == (TWO, Why.NEWEST)


def test_a_source_that_moves_and_comes_back_has_moved() -> None:
    back = seen(seen(target(), 6, TWO), 7, ONE)
    assert back.awaited is not None
    assert wanted(has_passed(back, ONE)) == (ONE, Why.NEWEST)


def test_a_source_that_comes_to_bear_what_stands_there_is_tested_and_nothing_is_decided_anew() -> None:
    record = has_passed(seen(target(), 6, STANDS), STANDS)
    decided, outcome = decide(record, NOON)
    assert (decided.wanted, decided.why, decided.number, outcome) == (STANDS, Why.NEWEST, 1, Outcome.SAME)


def test_a_source_that_is_seen_anew_because_what_was_known_of_it_is_lost_has_not_moved() -> None:
    again = seen(target(), 99, ONE)
    assert again.awaited is None
    assert wanted(has_passed(again, ONE)) == (STANDS, Why.ADOPTED)
    assert seen(again, 100, TWO).awaited is not None


def test_what_was_adopted_and_is_blocked_gives_way_to_what_has_passed_or_is_withdrawn() -> None:
    blocked = target(blocked=(Blocked(STANDS, SAID),))
    assert wanted(blocked) == ("", Why.WITHDRAWN)
    assert wanted(has_passed(blocked, ONE)) == (ONE, Why.NEWEST)


def test_what_is_pinned_counts_more_than_what_was_adopted() -> None:
    assert wanted(target(pinned=Pinned(TWO, SAID))) == (TWO, Why.PINNED)


def test_what_is_to_be_replaced_stays_until_what_its_source_bears_has_passed() -> None:
    record = to_be_replaced(target(), NOON)
    assert record.awaited is not None
    assert record.awaited.digest == ONE
    assert wanted(record) == (STANDS, Why.ADOPTED)
    assert wanted(has_passed(record, ONE)) == (ONE, Why.NEWEST)


@given(
    st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE, STANDS]), st.booleans(), st.booleans()), max_size=12),
)
def test_it_stays_exactly_until_something_passes_that_the_source_came_to_bear_later(
    steps: list[tuple[Digest, bool, bool]],
) -> None:
    """Each step: what the source bears, whether what is known of it was lost, whether its gate passes."""
    record, bears, order, moved = target(), ONE, 5, False
    fit: dict[Digest, int] = {}
    passed: set[Digest] = set()
    for digest, lost, passes in steps:
        if digest != bears or lost:
            order += 1
            moved = moved or digest != bears
            bears = digest
            record = decide(seen(record, order, digest), NOON)[0]
            fit |= {digest: order} if moved else {}
        if passes:
            passed.add(digest)
            record = decide(has_passed(record, digest), NOON)[0]
        better = {one: place for one, place in fit.items() if one in passed}
        assert record.wanted == (max(better, key=better.__getitem__) if better else STANDS)
        assert not moved or bears in passed or record.awaited is not None
