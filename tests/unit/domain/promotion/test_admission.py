"""What a scan means for a tag is a value in its record, of which there are never too many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.promotion.admission import (
    Admission,
    admission_of,
    could_come,
    is_held_back,
    is_refused,
    same_admission,
    with_admission,
)
from shared.domain.promotion.concluding import conclusion_for
from shared.domain.promotion.decision import decide
from shared.domain.promotion.reconciling import admitted
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Awaited, Former, Origin, Sighting, Target
from shared.domain.references import Tag
from shared.domain.scan.decision import Outcome
from tests.doubles.registries import digest_of
from tests.unit.examples import NOON, ONE, TWO, candidate

pytestmark = pytest.mark.unit

MANY = [digest_of(f"number {number}") for number in range(30)]


def target(**fields: object) -> Target:
    """Return a tag that bears the first digest and was seen to have the second upstream."""
    first = Target(
        registry="base",
        repository=candidate().home.repository,
        tag=Tag("22"),
        origin=Origin("node", candidate().source, Tag("22"), candidate().gate),
        sightings=(Sighting(1, ONE), Sighting(2, TWO)),
        passed=(ONE,),
        wanted=ONE,
        seen=ONE,
        number=1,
        reached=1,
        awaited=Awaited(TWO, NOON),
    )
    return replace(first, **fields)


def of(digest: str = TWO, outcome: Outcome = Outcome.PASS, **fields: object) -> Admission:
    """Return what was decided of a digest."""
    return replace(Admission(digest=TWO, outcome=outcome, at=NOON), digest=digest, **fields)


@given(st.lists(st.sampled_from(MANY), max_size=60))
def test_of_very_many_the_latest_are_kept_and_what_is_in_use_wanted_or_awaited(digests: list[str]) -> None:
    known = target()
    for digest in (ONE, TWO, *digests):
        known = with_admission(known, of(digest))
    assert len(known.admissions) <= 12
    assert len({one.digest for one in known.admissions}) == len(known.admissions)
    assert admission_of(known, ONE) is not None
    assert admission_of(known, TWO) is not None
    assert known.admissions[-1].digest == (ONE, TWO, *digests)[-1]


def test_only_a_pass_lets_a_tag_come_to_a_digest() -> None:
    for outcome in Outcome:
        known = admitted(target(), of(outcome=outcome), "")
        assert (TWO in known.passed) == (outcome is Outcome.PASS)


def test_what_has_no_answer_is_still_awaited_and_what_was_refused_is_not() -> None:
    waiting = {outcome: admitted(target(), of(outcome=outcome), "").awaited for outcome in Outcome}
    assert {outcome for outcome, awaited in waiting.items() if awaited is not None} == {Outcome.HOLD}


def test_what_waits_is_taken_back_by_a_rejection_and_by_no_missing_answer() -> None:
    waits = target(passed=(ONE, TWO))
    assert admitted(waits, of(outcome=Outcome.REJECT), "").passed == (ONE,)
    assert admitted(waits, of(outcome=Outcome.HOLD), "").passed == (ONE, TWO)


def test_what_is_in_use_stays_passed_whatever_is_found_later() -> None:
    known = admitted(target(), of(ONE, Outcome.REJECT), "")
    assert known.passed == (ONE,)
    assert not is_refused(known, ONE)


def test_what_a_tag_says_of_a_candidate() -> None:
    two = candidate(digest=TWO, status=Status.PROMOTING)
    held, refused = (admitted(target(), of(outcome=each), "") for each in (Outcome.HOLD, Outcome.REJECT))
    assert is_held_back(held, TWO)
    assert conclusion_for(held, two) is None
    assert conclusion_for(refused, two) is Reason.SCAN_REJECTED


def test_a_tag_that_went_on_says_so_of_what_it_refused() -> None:
    three = digest_of("three")
    gone_on = target(sightings=(Sighting(1, ONE), Sighting(2, TWO), Sighting(3, three)), passed=(ONE, three))
    refused = admitted(gone_on, of(outcome=Outcome.REJECT), "")
    assert conclusion_for(refused, candidate(digest=TWO, status=Status.PROMOTING)) is Reason.NEWER_DIGEST


def test_a_tag_that_asks_for_another_gate_refuses_nothing_of_this_one() -> None:
    other = target(origin=Origin("node", candidate().source, Tag("22"), "another"))
    refused = admitted(other, of(outcome=Outcome.REJECT), "")
    assert conclusion_for(refused, candidate(digest=TWO, status=Status.PROMOTING)) is Reason.NEWER_DIGEST


def test_two_admissions_are_the_same_whenever_they_were_made() -> None:
    later = of(at=NOON + timedelta(days=1), evidence="another")
    assert same_admission(of(), later)
    assert not same_admission(of(), replace(later, outcome=Outcome.HOLD))
    assert not same_admission(None, later)


def test_only_what_was_sighted_later_than_what_is_wanted_could_come() -> None:
    assert could_come(target()) == {TWO}
    assert could_come(target(wanted=TWO)) == frozenset()


def test_what_is_decided_and_has_not_come_yet_is_taken_back() -> None:
    decided = replace(target(), passed=(ONE, TWO), wanted=TWO, number=2, reached=1, seen=ONE)
    refused = decide(admitted(decided, of(outcome=Outcome.REJECT), ""), NOON)[0]
    assert (refused.wanted, refused.number) == (ONE, 3)


def test_what_has_come_stays_also_while_it_is_put_back() -> None:
    former = (Former(TWO, NOON),)
    repaired = replace(target(), passed=(ONE, TWO), wanted=TWO, number=3, reached=2, seen=ONE, former=former)
    refused = decide(admitted(repaired, of(outcome=Outcome.REJECT), ""), NOON)[0]
    assert (refused.wanted, refused.number) == (TWO, 3)


def let_in_by(known: Target, digest: str = TWO) -> str:
    """Return by which decision a tag came to a digest."""
    found = admission_of(known, digest)
    assert found is not None
    return found.let_in_by


@pytest.mark.parametrize("outcome", [Outcome.HOLD, Outcome.REJECT])
def test_what_is_decided_anew_of_what_is_on_its_way_leaves_known_what_let_it_in(outcome: Outcome) -> None:
    on_its_way = with_admission(target(wanted=TWO, number=2), of(evidence="passed"))
    anew = with_admission(on_its_way, of(outcome=outcome, evidence="anew"))
    assert let_in_by(anew) == "passed"
    arrived = replace(anew, seen=TWO, reached=2)
    assert let_in_by(with_admission(arrived, of(outcome=Outcome.REJECT, evidence="later"))) == "passed"


def test_what_passes_anew_before_it_came_to_the_tag_is_let_in_by_that() -> None:
    on_its_way = with_admission(target(wanted=TWO, number=2), of(evidence="passed"))
    assert let_in_by(with_admission(on_its_way, of(evidence="anew"))) == "anew"


def test_what_is_neither_in_use_nor_on_its_way_was_let_in_by_nothing() -> None:
    waits = with_admission(target(), of(evidence="passed"))
    assert let_in_by(with_admission(waits, of(outcome=Outcome.HOLD, evidence="anew"))) == ""
