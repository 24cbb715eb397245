"""What is on its way keeps its digests, and what is let go is not brought back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from shared.domain.housekeeping.companions import (
    RECORDS_STAY,
    digests_of,
    forgotten,
    is_on_its_way,
    let_go,
    replaced_in,
    without,
)
from shared.domain.record.record import Form, Piece, Record
from shared.domain.record.record import RecordState as Inside
from shared.domain.references import Digest, Tag, parse_repository
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions, Unique, Want
from shared.domain.travel.next_step import Todo, next_step, scheduled
from shared.domain.travel.recorded import Recorded, RecordState
from shared.domain.travel.referrers import Referrer, ReferrerState
from shared.domain.travel.tries import Tries
from shared.domain.watching.travelling import ReferrerMode, Travelling
from tests.doubles.registries import digest_of
from tests.doubles.storage import MIDDAY

pytestmark = pytest.mark.unit

IMAGE, SIGNATURE, PLATFORM = digest_of("image"), digest_of("signature"), digest_of("platform")
SAID, SAID_BEFORE = digest_of("record"), digest_of("record before")
TAG, OTHER = Tag("22"), Tag("latest")
ASKED = Travelling(referrers=ReferrerMode.REQUIRED, unique_tag="{tag}-{yyyymmdd}.{n}")
LONG_AGO = MIDDAY - timedelta(days=90)


def name(tag: Tag) -> Tag:
    """Return a unique tag."""
    return Tag(f"{tag}-20251003.1")


def want(tag: Tag, **more: object) -> Want:
    """Return a decision of long ago, for which all has come."""
    fields = {"ready_at": LONG_AGO, "told": True, **more}
    return Want(tag=tag, number=1, at=LONG_AGO, since=LONG_AGO, asked=ASKED, names=True, **fields)  # type: ignore[arg-type]


def at_rest(*tags: Tag) -> Companions:
    """Return the companions of a digest, of which all has come long ago."""
    signature = Referrer(digest=SIGNATURE, subject=IMAGE, state=ReferrerState.ARRIVED)
    known = Companions(
        registry="base",
        repository="base/node",
        digest=IMAGE,
        source=parse_repository("docker.io/library/node"),
        staging="base/node",
        wants=tuple(map(want, tags)),
        manifests=(IMAGE, PLATFORM),
        image_at=LONG_AGO,
        unique=tuple(Unique(name(tag), tag, 1, LONG_AGO, landed_at=LONG_AGO) for tag in tags),
        referrers=(signature,),
        listed_at=LONG_AGO,
        listed=1,
    )
    return scheduled(known, MIDDAY)


def test_what_has_come_and_is_not_followed_any_more_is_not_on_its_way() -> None:
    assert not is_on_its_way(at_rest(TAG), MIDDAY)


@pytest.mark.parametrize(
    "fields",
    [
        {"wants": (want(TAG, ready_at=None),)},
        {"follow_until": MIDDAY + timedelta(days=1)},
        {"image_at": None, "unique": (Unique(name(TAG), TAG, 1, LONG_AGO),)},
        {"parts_gone": (PLATFORM,), "image_tries": Tries(failures=1, retry_at=MIDDAY + timedelta(hours=1))},
    ],
    ids=["a tag waits", "late ones follow", "it is to be brought again", "a platform is, later"],
)
def test_what_has_still_to_come_or_may_come_is_on_its_way(fields: dict[str, object]) -> None:
    assert is_on_its_way(msgspec.structs.replace(at_rest(TAG), **fields), MIDDAY)


def test_with_a_digest_its_platforms_and_what_refers_to_it_are_needed() -> None:
    assert set(digests_of(at_rest(TAG))) == {IMAGE, PLATFORM, SIGNATURE}


def test_what_is_let_go_is_not_brought_back_when_it_is_found_to_be_missing() -> None:
    lost = frozenset({IMAGE, SIGNATURE})
    assert next_step(changes.lost(at_rest(TAG), lost, frozenset({name(TAG)}), MIDDAY), MIDDAY) is not Todo.REST
    gone = let_go(at_rest(TAG), MIDDAY)
    after = changes.lost(gone, lost, frozenset({name(TAG)}), MIDDAY)
    assert next_step(after, MIDDAY) is Todo.REST
    assert (after.look_at, gone.step) == (None, at_rest(TAG).step + 1)


def test_of_a_digest_that_stays_only_the_one_name_is_let_go() -> None:
    left = without(at_rest(TAG, OTHER), [name(TAG)])
    assert [one.name for one in left.unique] == [name(OTHER)]
    assert [one.tag for one in left.wants] == [OTHER]
    assert next_step(changes.lost(left, frozenset(), frozenset({name(TAG)}), MIDDAY), MIDDAY) is Todo.REST


def test_a_tag_that_wants_what_was_let_go_has_it_brought_once_more() -> None:
    again = changes.wanted(let_go(at_rest(TAG), MIDDAY), want(TAG, ready_at=None, told=False), MIDDAY)
    assert next_step(again, MIDDAY) is not Todo.REST


def recorded(state: Inside = Inside.ATTACHED, *, ago: timedelta = RECORDS_STAY, said: Digest = SAID) -> Companions:
    """Return the companions of a digest whose record was replaced some time ago."""
    pieces = (Piece(Form.BUNDLE, IMAGE, said),) if state is Inside.ATTACHED else ()
    record = Record(state=state, pieces=pieces, former=(SAID_BEFORE,), since=MIDDAY - ago)
    return msgspec.structs.replace(at_rest(TAG), record=Recorded(state=RecordState.DONE, record=record))


@pytest.mark.parametrize("state", [Inside.ATTACHED, Inside.WITHDRAWN, Inside.NONE])
def test_what_was_said_before_may_go_once_what_is_said_instead_is_there(state: Inside) -> None:
    assert replaced_in(recorded(state), MIDDAY) == {SAID_BEFORE}


@pytest.mark.parametrize("state", [Inside.WANTED, Inside.SIGNED, Inside.STAGED])
def test_until_then_it_stays(state: Inside) -> None:
    assert replaced_in(recorded(state), MIDDAY) == frozenset()


def test_it_stays_for_a_day_in_which_it_may_still_arrive() -> None:
    assert replaced_in(recorded(ago=RECORDS_STAY - timedelta(seconds=1)), MIDDAY) == frozenset()


def test_what_is_said_once_more_stays() -> None:
    assert replaced_in(recorded(said=SAID_BEFORE), MIDDAY) == frozenset()


def test_without_a_record_nothing_was_replaced() -> None:
    assert replaced_in(at_rest(TAG), MIDDAY) == frozenset()
    assert forgotten(at_rest(TAG), {SAID_BEFORE}) == at_rest(TAG)


def test_what_was_deleted_is_forgotten_and_the_record_stays_as_it_is() -> None:
    after = forgotten(recorded(), {SAID_BEFORE})
    assert after.record is not None
    assert after.record.record is not None
    assert (after.record.record.former, after.record.record.state) == ((), Inside.ATTACHED)
    assert after.step == recorded().step + 1
