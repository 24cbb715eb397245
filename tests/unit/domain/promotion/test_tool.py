"""Of a tool's digests that were sighted and mirrored, runs are given the one that was sighted last."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Sighting
from shared.domain.promotion.tool import Tool, candidate_of, mirrored, sighted
from shared.domain.references import Digest, Tag, parse_repository
from tests.doubles.registries import digest_of

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FRESH = Tool(
    name="trivy-db",
    repository="tools/trivy-db",
    source=parse_repository("mirror.gcr.io/aquasec/trivy-db"),
    source_tag=Tag("2"),
)
DIGESTS = [digest_of(str(number)) for number in range(4)]
EVENTS = st.lists(st.tuples(st.booleans(), st.sampled_from(DIGESTS)), max_size=40)


def seen(tool: Tool | None, order: int, digest: Digest) -> Tool:
    """Return a tool of which a digest was sighted."""
    return sighted(tool, FRESH, Sighting(order, digest))


@given(EVENTS)
def test_runs_are_given_the_latest_sighted_of_what_was_mirrored(events: list[tuple[bool, Digest]]) -> None:
    tool, orders, given_to_runs = FRESH, dict[Digest, int](), Digest("")
    newest = Digest("")
    for order, (is_sighting, digest) in enumerate(events):
        if is_sighting:
            tool, newest = seen(tool, order, digest), digest
            orders[digest] = order
        else:
            tool = mirrored(tool, digest, NOON)
            if digest in orders and orders[digest] > orders.get(given_to_runs, -1):
                given_to_runs = digest
        assert tool.digest == given_to_runs
        assert (tool.newest.digest if tool.newest else "") == newest
        assert tool.is_current is (bool(newest) and newest == given_to_runs)
        assert len(tool.sightings) <= 5


@given(EVENTS)
def test_what_is_told_twice_changes_nothing(events: list[tuple[bool, Digest]]) -> None:
    tool = FRESH
    for order, (is_sighting, digest) in enumerate(events):
        tool = seen(tool, order, digest) if is_sighting else mirrored(tool, digest, NOON)
        assert (seen(tool, order, digest) if is_sighting else mirrored(tool, digest, NOON)) == tool


def test_an_older_sighting_that_is_told_late_is_no_news() -> None:
    tool = seen(seen(None, 5, DIGESTS[0]), 3, DIGESTS[1])
    assert tool.newest == Sighting(5, DIGESTS[0])


@pytest.mark.parametrize(
    "changed",
    [
        {"source": parse_repository("ghcr.io/acme/trivy-db")},
        {"source_tag": Tag("3")},
        {"repository": "tools/other"},
    ],
)
def test_of_another_source_or_place_nothing_that_was_mirrored_before_is_given(changed: dict[str, object]) -> None:
    tool = mirrored(seen(None, 1, DIGESTS[0]), DIGESTS[0], NOON)
    assert tool.digest == DIGESTS[0]
    anew = sighted(tool, msgspec.structs.replace(FRESH, **changed), Sighting(2, DIGESTS[0]))
    assert (anew.digest, anew.newest) == ("", Sighting(2, DIGESTS[0]))


def test_its_candidate_is_its_own_and_is_neither_of_a_gate_nor_of_a_target() -> None:
    tool = seen(None, 1, DIGESTS[0])
    made = candidate_of(tool, Sighting(1, DIGESTS[0]), NOON)
    assert made.id == tool.candidate(DIGESTS[0])
    assert made.id == f"mirror.gcr.io~aquasec~trivy-db~~-trivy-db~{DIGESTS[0].partition(':')[2][:32]}"
    assert (made.status, made.last.reason, made.gate) == (Status.DETECTED, Reason.FIRST_IMPORT, None)
    assert made.home.repository == "tools/trivy-db"
