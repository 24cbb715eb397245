"""Parts of an admission: when it ends by itself, and when it is worth judging anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.promotion.admission import Admission
from shared.domain.promotion.parts import Part, combined
from shared.domain.scan.decision import Outcome
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

PASSED = Admission(digest=digest_of("one"), outcome=Outcome.PASS, at=MIDDAY)
SOON, LATER = MIDDAY + timedelta(minutes=1), MIDDAY + timedelta(hours=1)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_earliest_moment_to_judge_anew_counts_whatever_was_decided(outcome: Outcome) -> None:
    parts = [Part(outcome, again=LATER), Part(Outcome.PASS, again=SOON), Part(Outcome.PASS)]
    assert combined(PASSED, parts).again == SOON


def test_where_time_tells_nothing_more_there_is_no_such_moment() -> None:
    assert combined(PASSED, [Part(Outcome.REJECT)]).again is None


def test_it_is_kept_when_more_parts_are_added_one_by_one() -> None:
    first = combined(PASSED, [Part(Outcome.HOLD, until=LATER, again=SOON)])
    assert (combined(first, [Part(Outcome.PASS)]).again, first.until) == (SOON, LATER)
