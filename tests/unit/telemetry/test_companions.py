"""What comes to lie beside an image is told once, in the trace of its update."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.references import Tag
from shared.domain.travel import changes, lock_changes
from shared.domain.travel.companions import Companions, Unique
from shared.domain.travel.locked import CHANGES
from shared.domain.travel.referrers import Referrer, ReferrerState, Refusal
from shared.telemetry import companions as module
from shared.telemetry.companions import companions_changed
from tests.doubles.registries import digest_of
from tests.unit.domain.travel.records import IMAGE, NOW, REQUIRED, list_some, new

pytestmark = pytest.mark.unit


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The events, each with what it is about."""
    events: list[tuple[str, str]] = []

    def tell(name: str, about: dict[str, str | float], detail: str = "") -> None:
        events.append(
            (
                name,
                detail
                or str(about.get("tidegate.referrer") or about.get("tidegate.tag") or about.get("tidegate.lock")),
            )
        )

    monkeypatch.setattr(module, "tell", tell)
    return events


def with_state(state: ReferrerState, refusal: Refusal | None = None) -> Companions:
    """Return companions with one referrer."""
    one = Referrer(digest=digest_of("one"), subject=IMAGE, state=state, refusal=refusal)
    return msgspec.structs.replace(new(REQUIRED), referrers=(one,))


def test_a_referrer_is_told_of_once_it_arrived_or_was_refused(told: list[tuple[str, str]]) -> None:
    before, arrived = with_state(ReferrerState.ARRIVING), with_state(ReferrerState.ARRIVED)
    companions_changed(before, arrived)
    companions_changed(arrived, arrived)
    companions_changed(before, with_state(ReferrerState.REFUSED, Refusal.FOREIGN_SUBJECT))
    assert told == [("referrer-arrived", digest_of("one")), ("referrer-refused", "foreign-subject")]


def test_a_name_is_told_of_once_it_bears_the_image(told: list[tuple[str, str]]) -> None:
    named = changes.named(new(REQUIRED), Unique(Tag("22.1"), Tag("22"), 1, NOW), NOW)
    companions_changed(None, named)
    landed = changes.image_landed(changes.image_begun(named, Tag("22.1"), NOW), Tag("22.1"), NOW)
    companions_changed(named, landed)
    assert told == [("unique-tag-landed", "22.1")]


def test_a_lock_is_told_of_once_it_was_read_back_and_when_others_open_it(told: list[tuple[str, str]]) -> None:
    claimed = lock_changes.claimed(new(REQUIRED), IMAGE, CHANGES, NOW)
    kept = lock_changes.kept(claimed, IMAGE, CHANGES, CHANGES, NOW)
    undone = lock_changes.undone(kept, [IMAGE], NOW)
    for before, after in ((new(REQUIRED), claimed), (claimed, kept), (kept, kept), (kept, undone)):
        companions_changed(before, after)
    assert told == [("locked", IMAGE), ("lock-undone", "setting")]


def test_a_tag_that_may_be_moved_is_told_of_with_what_lies_beside_its_image(told: list[tuple[str, str]]) -> None:
    companions_changed(new(REQUIRED), list_some(new(REQUIRED), frozenset(), NOW))
    assert told == [("companions-ready", "no referrers")]
