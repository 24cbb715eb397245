"""What a change of a target tells, by its record before and after alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.access.callers import Kind
from shared.domain.notices.notice import Notice
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.consents import Answer, By, Consent, OverrideAsked, Waived
from shared.domain.promotion.said import Blocked, Chosen, Held, Pinned, Said, Why
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.promotion.telling import told_of
from shared.domain.references import Digest, Tag, parse_repository
from shared.domain.scan.decision import Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
SAID = Said("ada", "it broke the shop", NOW)
BY = By(Kind.PERSON, "ada@t", "ada")
FRESH = Target(
    registry="base",
    repository="base/node",
    tag=Tag("22"),
    origin=Origin("node", parse_repository("docker.io/library/node"), Tag("22")),
    sightings=(Sighting(int(NOW.timestamp() * 1000), ONE),),
)
IN_USE = msgspec.structs.replace(
    FRESH, wanted=ONE, number=1, reached=1, seen=ONE, arrived=ONE, passed=(ONE,), why=Why.NEWEST
)
WAIVED = Waived(ONE, "CVE-1", "openssl", "unused", "2026-12-31", BY, NOW)
ASKS = Admission(digest=ONE, outcome=Outcome.HOLD, reasons=(AdmissionReason.AWAITING_APPROVAL.value,), at=NOW)


def but(target: Target, **fields: object) -> Target:
    """A record with other fields."""
    return msgspec.structs.replace(target, **fields)


def told(before: Target | None, after: Target, now: datetime = NOW) -> list[str]:
    """The kinds that a change tells, of an end with what is over."""
    return [" ".join(filter(None, (one.kind, one.closes))) for one in told_of(before, after, now)]


def only(before: Target | None, after: Target, now: datetime = NOW) -> Notice:
    """The one notice of a change."""
    (one,) = told_of(before, after, now)
    return one


REACHED = but(FRESH, wanted=ONE, number=1, decided_at=NOW)


def test_what_tells_nothing_new_tells_nothing() -> None:
    assert told(None, FRESH) == []
    assert told(IN_USE, IN_USE) == []
    assert told(FRESH, REACHED) == []


def test_a_tag_that_comes_to_another_digest_is_promoted_by_its_decisions_number() -> None:
    one = only(REACHED, IN_USE, NOW + timedelta(minutes=90))
    assert (one.kind, one.mark, one.digest, one.place) == ("promoted", "1", ONE, "base/node:22")
    assert "1 h 30 min after it was first seen" in one.detail


def test_what_stood_there_and_what_is_put_back_is_no_promotion() -> None:
    assert told(but(REACHED, why=Why.ADOPTED), but(IN_USE, why=Why.ADOPTED)) == []
    assert told(but(IN_USE, number=2), but(IN_USE, number=2, reached=2)) == []


def test_what_people_say_is_told_by_its_time() -> None:
    pinned = but(IN_USE, pinned=Pinned(ONE, SAID))
    assert (only(IN_USE, pinned).kind, only(IN_USE, pinned).mark) == ("pinned", NOW.isoformat())
    assert told(pinned, IN_USE) == ["unpinned"]
    assert told(IN_USE, but(IN_USE, chosen=Chosen(TWO, 1, SAID))) == ["rolled-back"]
    assert told(IN_USE, but(IN_USE, chosen=Chosen(TWO, 1, SAID, Why.AGAINST_GATE))) == ["override"]
    assert told(IN_USE, but(IN_USE, override=OverrideAsked(TWO, BY, "now", NOW))) == ["override-asked"]
    assert told(IN_USE, but(IN_USE, hold=Held("ada", "wait", NOW, "node"))) == ["held"]
    assert told(but(IN_USE, hold=Held("ada", "wait", NOW, "node")), IN_USE) == ["resumed"]


def test_a_pin_whose_date_has_passed_is_told_as_over() -> None:
    pin = Pinned(ONE, SAID, NOW + timedelta(days=1))
    before = but(IN_USE, pinned=pin, why=Why.PINNED)
    after = but(before, why=Why.NEWEST, wanted=TWO, number=2)
    assert told(before, after, NOW) == []
    assert told(before, after, NOW + timedelta(days=2)) == ["unpinned"]


def test_a_choice_that_only_forgets_what_it_was_instead_of_is_no_news() -> None:
    before = but(IN_USE, chosen=Chosen(TWO, 1, SAID, instead=(ONE,)))
    assert told(before, but(before, chosen=Chosen(TWO, 1, SAID))) == []


def test_a_block_is_about_its_digest_whichever_tag_tells_it() -> None:
    other = but(IN_USE, tag=Tag("23"))
    ones = [only(one, but(one, blocked=(Blocked(TWO, SAID),))) for one in (IN_USE, other)]
    assert ones[0].key == ones[1].key
    assert (ones[0].kind, ones[0].about) == ("blocked", f"digest:{TWO}")
    assert told(but(IN_USE, blocked=(Blocked(TWO, SAID),)), IN_USE) == ["released"]


def test_what_was_said_long_ago_is_no_news_to_a_new_tag() -> None:
    late = NOW + timedelta(days=8)
    assert told(None, but(FRESH, blocked=(Blocked(TWO, SAID),), hold=Held("ada", "wait", NOW)), late) == []


def test_what_was_said_in_another_base_registry_was_told_there() -> None:
    moved = but(IN_USE, moved_from="former", pinned=Pinned(ONE, SAID), blocked=(Blocked(TWO, SAID),))
    assert told(None, moved) == []
    assert told(but(IN_USE, reached=0), moved) == []


def test_what_goes_back_because_it_is_refused_is_told() -> None:
    after = but(IN_USE, wanted=TWO, number=2, why=Why.ROLLED_BACK)
    assert (only(IN_USE, after).kind, only(IN_USE, after).mark) == ("rolled-back", "2")


def test_waivers_are_told_when_they_are_asked_and_when_they_are_granted() -> None:
    asked = but(IN_USE, waived=(WAIVED,))
    granted = but(IN_USE, waived=(but_waived(),))
    assert told(IN_USE, asked) == ["waiver-asked"]
    assert told(asked, granted) == ["waiver-granted"]
    assert told(granted, IN_USE) == []


def but_waived() -> Waived:
    """The waiver, granted."""
    return msgspec.structs.replace(WAIVED, granted=BY, granted_at=NOW)


def test_an_approval_is_needed_once_and_over_when_it_is_answered() -> None:
    asks = but(FRESH, admissions=(ASKS,))
    assert only(FRESH, asks).mark == ONE
    passes = msgspec.structs.replace(ASKS, outcome=Outcome.PASS, reasons=(AdmissionReason.APPROVED.value,))
    consent = Consent(ONE, Answer.AGREED, BY, "fine", NOW)
    assert told(asks, but(asks, consents=(consent,))) == ["approval-decided"]
    assert told(asks, but(asks, admissions=(passes,))) == ["solved approval-needed"]
    assert told(asks, but(asks, blocked=(Blocked(ONE, SAID),)))[0] == "solved approval-needed"


def test_a_request_that_waits_for_something_before_it_stays_open() -> None:
    asks = but(FRESH, admissions=(ASKS,))
    reasons = (AdmissionReason.SCAN_AWAITED.value, AdmissionReason.AWAITING_APPROVAL.value)
    assert told(asks, but(asks, admissions=(msgspec.structs.replace(ASKS, reasons=reasons),))) == []


def test_a_newer_digest_closes_a_request() -> None:
    asks = but(FRESH, admissions=(ASKS,))
    newer = but(asks, sightings=(*asks.sightings, Sighting(int(NOW.timestamp() * 1000) + 1, TWO)))
    one = only(asks, newer)
    assert (one.kind, one.closes, one.episode) == ("solved", "approval-needed", only(FRESH, asks).episode)
    assert f"a newer digest was seen, {TWO}" in one.detail
