"""What keeps a tag of the base registry from what its upstream bears is named, whatever it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.promotion.admission import Admission, Waiting
from shared.domain.promotion.astray import Astray, LetGo
from shared.domain.promotion.candidate import Candidate, Change
from shared.domain.promotion.said import Blocked, Chosen, Held, Pinned, Said, Why
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Adopted, Barred, Origin, Sighting, Target
from shared.domain.promotion.target_troubles import (
    Hindrance,
    awaited_candidate,
    behind_since,
    candidate_troubles,
    hindrance,
    target_troubles,
)
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.watching.observation import order_at
from shared.domain.watching.troubles import Kind
from tests.doubles.registries import digest_of
from tests.unit.examples import NODE, NOON, ONE, TAG, TWO, candidate

pytestmark = pytest.mark.unit

DAY = timedelta(days=1)
THREE = digest_of("three")
SAID = Said("ada", "because", NOON)
REJECTED = candidate(
    digest=TWO, status=Status.REJECTED, history=(Change(NOON, Status.REJECTED, Reason.GATE_REJECTED, "exit 1"),)
)


def sighted(digest: Digest, at: datetime) -> Sighting:
    """A sighting at a moment."""
    return Sighting(order_at(at), digest)


def target(**fields: Any) -> Target:
    """A target that bears ONE, while upstream bears TWO since noon."""
    record = Target(
        registry="base",
        repository="base/node",
        tag=TAG,
        origin=Origin("node", NODE, TAG, "node"),
        wanted=ONE,
        number=1,
        reached=1,
        seen=ONE,
        sightings=(sighted(ONE, NOON - DAY), sighted(TWO, NOON)),
        passed=(ONE,),
    )
    return msgspec.structs.replace(record, **fields)


def kinds(record: Target, found: Candidate | None = None) -> list[Kind]:
    """Which troubles a target has."""
    return [one.kind for one in target_troubles(record, found, NOON)]


IN_STEP = [
    pytest.param({"sightings": (sighted(ONE, NOON),)}, id="it bears what upstream bears"),
    pytest.param({"sightings": ()}, id="nothing was sighted yet"),
    pytest.param({"wanted": TWO, "seen": TWO}, id="it followed"),
    pytest.param({"let_go": LetGo(NOON, "left")}, id="it has left the list"),
    pytest.param(
        {"adopted": Adopted(ONE, order_at(NOON)), "why": Why.ADOPTED}, id="what upstream bears was there at adoption"
    ),
    pytest.param({"wanted": TWO, "seen": THREE}, id="others overwrote it"),
]


@pytest.mark.parametrize("fields", IN_STEP)
def test_a_tag_that_need_not_follow_is_not_behind(fields: dict[str, Any]) -> None:
    record = target(**fields)
    assert behind_since(record) is None
    assert awaited_candidate(record) == ""
    assert kinds(record) == []


def test_a_tag_is_behind_since_the_first_move_after_what_it_bears() -> None:
    moves = tuple(sighted(digest_of(str(number)), NOON + number * DAY) for number in range(1, 9))
    assert behind_since(target(sightings=(sighted(ONE, NOON), *moves))) == NOON + DAY


def test_a_tag_that_was_adopted_is_behind_since_the_first_move_after_that() -> None:
    foreign = target(
        wanted=THREE, seen=THREE, adopted=Adopted(THREE, order_at(NOON)), sightings=(sighted(ONE, NOON - DAY),)
    )
    moved = msgspec.structs.replace(foreign, sightings=(*foreign.sightings, sighted(TWO, NOON + DAY)))
    assert behind_since(foreign) is None
    assert behind_since(moved) == NOON + DAY


def test_a_tag_that_never_bore_anything_is_behind_since_its_first_sighting() -> None:
    empty = target(wanted="", number=0, reached=0, seen="")
    assert behind_since(empty) == NOON - DAY


def held_by(reason: str) -> Admission:
    """What keeps TWO back from the tag."""
    return Admission(digest=TWO, outcome=Outcome.HOLD, reasons=(reason,), at=NOON)


HINDRANCES = [
    pytest.param({"hold": Held("ada", "because", NOON)}, None, Hindrance.HELD, id="held"),
    pytest.param({"blocked": (Blocked(TWO, SAID),)}, None, Hindrance.BLOCKED, id="blocked"),
    pytest.param({"pinned": Pinned(ONE, SAID)}, None, Hindrance.PINNED, id="pinned"),
    pytest.param({"pinned": Pinned(ONE, SAID, NOON)}, None, Hindrance.NOT_MADE, id="pinned until now, no candidate"),
    pytest.param({"wanted": TWO, "number": 2}, None, Hindrance.NOT_PROMOTED, id="wanted, and not brought there"),
    pytest.param(
        {"wanted": TWO, "number": 2, "barred": Barred(Waiting.COMPANIONS, 2)},
        None,
        Hindrance.AWAITS_COMPANIONS,
        id="wanted, and its signatures are on their way",
    ),
    pytest.param(
        {"wanted": TWO, "number": 2, "barred": Barred(Waiting.LOCKED, 2)},
        None,
        Hindrance.LOCKED,
        id="wanted, and somebody locked the tag",
    ),
    pytest.param({"passed": (ONE, TWO)}, None, Hindrance.UNDECIDED, id="passed, and not decided"),
    pytest.param(
        {"passed": (ONE, TWO), "chosen": Chosen(ONE, order_at(NOON), SAID)}, None, Hindrance.OVERRULED, id="rolled back"
    ),
    pytest.param({}, REJECTED, Hindrance.REJECTED, id="rejected"),
    pytest.param({}, candidate(digest=TWO, status=Status.HELD), Hindrance.AWAITS_SCAN, id="held"),
    pytest.param({}, candidate(digest=TWO, status=Status.FAILED), Hindrance.FAILED, id="failed"),
    pytest.param({}, candidate(digest=TWO, status=Status.STAGED, retried=True), Hindrance.FAILED, id="tried again"),
    pytest.param({}, candidate(digest=TWO, status=Status.VALIDATING), Hindrance.UNDER_WAY, id="in its gate"),
    pytest.param(
        {}, candidate(digest=TWO, status=Status.PROMOTED, retried=True), Hindrance.UNDER_WAY, id="passed at last"
    ),
    pytest.param({}, None, Hindrance.NOT_MADE, id="no candidate"),
    pytest.param(
        {"admissions": (held_by("awaiting-approval"),)},
        candidate(digest=TWO, status=Status.HELD),
        Hindrance.AWAITS_APPROVAL,
        id="waits for people",
    ),
    pytest.param(
        {"wanted": TWO, "number": 2, "barred": Barred(Waiting.COMPANIONS, 2)},
        None,
        Hindrance.AWAITS_COMPANIONS,
        id="waits for what must be beside it",
    ),
]
MEANT = [
    pytest.param("soaking", Hindrance.WAITS, id="soaks"),
    pytest.param("frozen", Hindrance.WAITS, id="frozen"),
    pytest.param("observing", Hindrance.OBSERVED, id="observed"),
]


@pytest.mark.parametrize(("fields", "found", "why"), HINDRANCES)
def test_why_a_tag_does_not_follow_is_named(fields: dict[str, Any], found: Candidate | None, why: Hindrance) -> None:
    record = target(**fields)
    assert hindrance(record, found, NOON) is why
    (one,) = target_troubles(record, found, NOON)
    assert (one.kind, one.since) == (Kind.NOT_UPDATED, NOON)
    assert f"which is {why.value}" in one.detail


def test_what_must_be_beside_an_image_and_does_not_come_is_a_trouble_with_its_reason() -> None:
    bar = Barred(Waiting.COMPANIONS, 2, detail="what refers to it is not known: 502", since=NOON)
    record = target(wanted=TWO, number=2, barred=bar)
    missing, behind = target_troubles(record, None, NOON)
    assert (missing.kind, missing.since, behind.kind) == (Kind.COMPANIONS_MISSING, NOON, Kind.NOT_UPDATED)
    assert "502" in missing.detail
    assert "502" in behind.detail
    assert kinds(msgspec.structs.replace(record, barred=Barred(Waiting.COMPANIONS, 1, detail="502"))) == [
        Kind.NOT_UPDATED
    ]


def test_every_hindrance_has_its_case() -> None:
    assert {case.values[2] for case in HINDRANCES} | {case.values[1] for case in MEANT} == set(Hindrance)


@pytest.mark.parametrize(("reason", "why"), MEANT)
def test_what_the_list_means_to_be_so_is_no_trouble(reason: str, why: Hindrance) -> None:
    record, found = target(admissions=(held_by(reason),)), candidate(digest=TWO, status=Status.HELD)
    assert hindrance(record, found, NOON) is why
    assert kinds(record, found) == []


def test_the_candidate_of_what_upstream_bears_is_asked_for_where_there_is_no_verdict() -> None:
    assert awaited_candidate(target()) == candidate(digest=TWO).id
    assert awaited_candidate(target(passed=(ONE, TWO))) == ""
    assert awaited_candidate(target(blocked=(Blocked(TWO, SAID),))) == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (REJECTED, [Kind.CANDIDATE_REJECTED]),
        (candidate(digest=TWO, status=Status.HELD, history=REJECTED.history), [Kind.CANDIDATE_HELD]),
        (candidate(digest=TWO, status=Status.FAILED), [Kind.CANDIDATE_FAILED]),
        (candidate(digest=TWO, status=Status.DETECTED, retried=True), [Kind.CANDIDATE_FAILED]),
        (candidate(digest=TWO, status=Status.VALIDATING), []),
        (candidate(digest=TWO, status=Status.SUPERSEDED), []),
    ],
)
def test_a_candidate_that_ended_badly_is_one_trouble_for_all_its_tags(found: Candidate, expected: list[Kind]) -> None:
    both = (target(), target(tag="22"))
    troubles = candidate_troubles(found, both)
    assert [one.kind for one in troubles] == expected
    assert all("base/node:22, base/node:22-alpine" in one.detail for one in troubles)


def test_a_rejection_by_a_scan_is_not_said_to_be_one_by_a_gate() -> None:
    scanned = (Change(NOON, Status.REJECTED, Reason.SCAN_REJECTED, "CVE-2026-0001 in openssl"),)
    (one,) = candidate_troubles(candidate(digest=TWO, status=Status.REJECTED, history=scanned), (target(),))
    assert "was rejected by its scan: scan-rejected, CVE-2026-0001 in openssl" in one.detail


def test_a_rejection_says_why_and_since_when() -> None:
    (one,) = candidate_troubles(REJECTED, (target(),))
    assert "gate-rejected, exit 1" in one.detail
    assert (one.since, one.images, one.about) == (NOON, ("node",), f"candidate:{REJECTED.id}")


OTHERS_DID = Astray(Digest(""), NOON, NOON, told=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"astray": OTHERS_DID}, [Kind.BASE_TAG_MISSING]),
        ({"astray": msgspec.structs.replace(OTHERS_DID, digest=THREE)}, [Kind.BASE_TAG_OVERWRITTEN]),
        ({"astray": msgspec.structs.replace(OTHERS_DID, told=False)}, []),
        ({"astray": OTHERS_DID, "seen_at": NOON + DAY}, []),
        ({"astray": OTHERS_DID, "let_go": LetGo(NOON, "left")}, []),
        ({"gave_up": True, "trouble": "no"}, [Kind.NOT_PROMOTED]),
        ({"gave_up": False, "trouble": "no"}, []),
        ({"wanted": "", "why": Why.WITHDRAWN, "number": 2}, [Kind.BASE_TAG_WITHDRAWN]),
    ],
)
def test_a_target_has_the_trouble_that_its_record_tells(fields: dict[str, Any], expected: list[Kind]) -> None:
    assert kinds(target(sightings=(sighted(ONE, NOON),), **fields)) == expected


@pytest.mark.parametrize(
    ("waiting", "kind"),
    [(Waiting.COMPANIONS, Kind.COMPANIONS_MISSING), (Waiting.LOCKED, Kind.LOCKED_BY_OTHERS)],
)
def test_what_is_in_the_way_of_a_tag_is_a_trouble_of_its_own(waiting: Waiting, kind: Kind) -> None:
    record = target(wanted=TWO, number=2, barred=Barred(waiting, 2, detail="somebody locked it", since=NOON))
    (found,) = (one for one in target_troubles(record, None, NOON) if one.kind is kind)
    assert (found.since, "somebody locked it" in found.detail) == (NOON, True)
