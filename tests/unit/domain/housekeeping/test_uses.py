"""Which digests records need, and for which of several reasons."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.access.callers import Kind
from shared.domain.housekeeping.reasons import Spared
from shared.domain.housekeeping.uses import merged, of_target, of_tool
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.consents import Answer, By, Consent, OverrideAsked
from shared.domain.promotion.importing import Importing, Unsettled
from shared.domain.promotion.said import Chosen, Held, Pinned, Said
from shared.domain.promotion.target import Adopted, Awaited, Former, Origin, Sighting, Target
from shared.domain.promotion.tool import Tool
from shared.domain.references import Tag, parse_repository
from shared.domain.scan.decision import Outcome
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

NODE = parse_repository("docker.io/library/node")
A, B, C, D = (digest_of(name) for name in "abcd")
SAID = Said("somebody", "why", MIDDAY)
BY = By(Kind.PERSON, "1@2", "Ada")
BARE = Target(registry="base", repository="base/node", tag=Tag("22"), origin=Origin("node", NODE, Tag("22")))


def needs(**fields: object) -> dict[str, Spared]:
    """Which digests a target with some fields needs."""
    return merged(of_target(msgspec.structs.replace(BARE, **fields)))  # type: ignore[return-value]


def test_a_tag_that_knows_nothing_needs_nothing() -> None:
    assert needs() == {}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"wanted": A}, Spared.DECIDED),
        ({"seen": A}, Spared.DECIDED),
        ({"arrived": A}, Spared.DECIDED),
        ({"adopted": Adopted(A, 1)}, Spared.DECIDED),
        ({"pinned": Pinned(A, SAID)}, Spared.PINNED),
        ({"importing": Importing(A, MIDDAY)}, Spared.UNDER_WAY),
        ({"unsettled": (Unsettled(A, MIDDAY, MIDDAY),)}, Spared.UNDER_WAY),
        ({"awaited": Awaited(A, MIDDAY)}, Spared.AWAITED),
        ({"override": OverrideAsked(A, BY, "why", MIDDAY)}, Spared.AWAITED),
        ({"sightings": (Sighting(1, A),)}, Spared.AWAITED),
        ({"consents": (Consent(A, Answer.AGREED, BY, "why", MIDDAY),)}, Spared.AWAITED),
        ({"admissions": (Admission(digest=A, outcome=Outcome.HOLD, at=MIDDAY),)}, Spared.AWAITED),
        ({"former": (Former(A, MIDDAY),)}, Spared.FORMER),
        ({"chosen": Chosen(B, 1, SAID, instead=(A,))}, Spared.FORMER),
    ],
)
def test_whatever_a_record_may_still_come_to_is_needed(fields: dict[str, object], why: Spared) -> None:
    assert needs(**fields)[A] is why


def test_what_was_rejected_or_passed_over_is_not_needed() -> None:
    rejected = Admission(digest=A, outcome=Outcome.REJECT, at=MIDDAY)
    sightings = (Sighting(1, A), Sighting(2, B), Sighting(3, C))
    found = needs(admissions=(rejected,), sightings=sightings, passed=(A, B), wanted=B)
    assert found == {B: Spared.DECIDED, C: Spared.AWAITED}


def test_what_passed_later_than_what_is_in_force_is_staged_for_it() -> None:
    sightings = (Sighting(1, A), Sighting(2, B), Sighting(3, C), Sighting(4, D))
    assert needs(sightings=sightings, passed=(A, B, C), wanted=B)[C] is Spared.STAGED


def test_of_a_tag_on_hold_everything_is_needed_that_it_knows() -> None:
    hold = Held("somebody", "why", MIDDAY, "node")
    found = needs(hold=hold, sightings=(Sighting(1, A), Sighting(2, B)), passed=(C,), former=(Former(D, MIDDAY),))
    assert found == dict.fromkeys((A, B, C, D), Spared.HELD)


def test_of_several_reasons_the_first_is_told() -> None:
    pairs = [(A, Spared.FORMER), (A, Spared.PINNED), (A, Spared.STAGED), (B, Spared.FORMER)]
    assert merged(pairs[:2], pairs[2:]) == {A: Spared.PINNED, B: Spared.FORMER}


def test_a_tool_needs_what_runs_are_given_and_what_is_being_mirrored() -> None:
    tool = Tool(
        name="db", repository="tools/db", digest=A, source=NODE, source_tag=Tag("2"), sightings=(Sighting(2, B),)
    )
    assert merged(of_tool(tool)) == {A: Spared.DECIDED, B: Spared.AWAITED}
    assert merged(of_tool(msgspec.structs.replace(tool, digest="", at=MIDDAY + timedelta(1)))) == {B: Spared.AWAITED}
