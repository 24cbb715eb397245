"""The judge of what lies beside images, given lies: each fault that he is there to find, in what is otherwise right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.cast import LOCKABLE, NOTHING_ASKED, PLACES, TRAVELLING, Asked
from tests.chaos.judge_beside import PASSED, Lying, doubled_beside, lost_beside, touched
from tests.chaos.people import STAYS
from tests.chaos.tasks import BUILT_ON

pytestmark = pytest.mark.unit

NEW, OLD, PLATFORM, SIGNATURE, SBOM = (f"sha256:{letter * 64}" for letter in "abcde")
WHOLE = Asked("required", record=True, lock=("unique", "stable"))
RIGHT = Lying(
    name="base/ant:1",
    digest=NEW,
    asked=WHOLE,
    platforms=(PLATFORM,),
    given={"1-20300101.1": OLD, "1-20300101.2": NEW},
    tags={"1": NEW, "1-20300101.1": OLD, "1-20300101.2": NEW},
    upstream=frozenset({SIGNATURE, SBOM}),
    base=frozenset({SIGNATURE, SBOM}),
    records=(PASSED,),
    forms=frozenset({"att", "sig"}),
    locked=frozenset({"1", "1-20300101.1", "1-20300101.2", NEW, PLATFORM}),
    story=("what was",),
)


def lost(**changes: object) -> list[str]:
    """Return why something is lost, and hold that its story is told."""
    found = list(lost_beside([replace(RIGHT, **changes)]))  # type: ignore[arg-type]
    assert all((one.what, one.story) == (f"{RIGHT.name} at {NEW}", ("what was",)) for one in found)
    return [one.why for one in found]


def test_what_lies_there_as_it_should_is_neither_lost_nor_doubled() -> None:
    assert lost() == []
    assert list(doubled_beside([RIGHT])) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"given": {"1-20300101.1": OLD}}, "keeps no unique tag"),
        ({"tags": {**RIGHT.tags, "1-20300101.1": NEW}}, f"was given to {OLD}, and bears {NEW}"),
        ({"tags": {"1": NEW, "1-20300101.2": NEW}}, f"was given to {OLD}, and bears nothing"),
        ({"base": frozenset({SBOM})}, f"{SIGNATURE} refers to it upstream, and not in the base registry"),
        ({"upstream": frozenset({SBOM})}, f"{SIGNATURE} refers to it in the base registry, and nobody said so"),
        ({"records": ()}, "no record of its decision"),
        ({"records": ("altered: it was altered",)}, "the record of its decision says altered"),
        ({"forms": frozenset({"att"})}, "under .sig"),
        ({"forms": frozenset({"sig"})}, "under .att"),
        ({"locked": RIGHT.locked - {"1"}}, "1 is not locked"),
        ({"locked": RIGHT.locked - {"1-20300101.1"}}, "1-20300101.1 is not locked"),
        ({"locked": RIGHT.locked - {NEW}}, f"{NEW} is not locked"),
        ({"locked": RIGHT.locked - {PLATFORM}}, f"{PLATFORM} is not locked"),
        ({"asked": Asked("required", lock=("unique",)), "records": ()}, "its tag is locked, and nobody asked"),
        ({"asked": Asked("required", lock=("unique", "stable"))}, "nobody asked for a record"),
        ({"asked": replace(WHOLE, lock=("unique",)), "locked": RIGHT.locked - {"1"}, "by_people": True}, "it is open"),
    ],
)
def test_what_is_not_as_it_should_be_is_told_alone(changes: dict[str, object], why: str) -> None:
    (found,) = lost(**changes)
    assert why in found


def test_what_is_refused_by_name_is_not_missed() -> None:
    assert lost(base=frozenset({SBOM}), refused={SIGNATURE: "too-large"}) == []


def test_nothing_is_missed_where_nothing_travels() -> None:
    nothing = replace(RIGHT, asked=NOTHING_ASKED, records=(), locked=frozenset(), given={}, base=frozenset())
    assert list(lost_beside([nothing])) == []
    assert not nothing.missing


def test_what_people_locked_is_nothing_that_nobody_asked_for() -> None:
    assert lost(asked=Asked("required", lock=("unique",)), records=(), by_people=True) == []


def test_two_names_of_a_digest_for_one_tag_are_doubled() -> None:
    given = {**RIGHT.given, "1-20300101.3": NEW}
    (found,) = doubled_beside([replace(RIGHT, given=given, tags={**RIGHT.tags, "1-20300101.3": NEW})])
    assert "keeps 2 names" in found.why


def test_two_records_of_a_digest_are_doubled() -> None:
    (found,) = doubled_beside([replace(RIGHT, records=(PASSED, PASSED))])
    assert "2 records" in found.why


def test_what_people_found_open_is_told_by_its_name() -> None:
    assert [one.what for one in touched(["base/cat:1"])] == ["base/cat:1"]


def test_where_people_lock_tags_we_never_do_and_only_some_images_have_companions() -> None:
    assert LOCKABLE
    assert all("stable" not in place.asked.lock for place in LOCKABLE)
    assert STAYS
    assert all(place in BUILT_ON and place in LOCKABLE for place in STAYS)
    assert len({place.repository for place in TRAVELLING}) == 4 < len({place.repository for place in PLACES})
