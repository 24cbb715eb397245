"""What nobody waits for is listed again at a steady pace, and what somebody waits for is not kept by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events.messages import LookAtDue
from shared.domain.promotion.due import Due
from shared.domain.references import Repository
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.following import MINUTE, MOST_A_MINUTE
from shared.domain.travel.referrers import Listing
from shared.errors import Unavailable
from shared.rules.follow_pace import FollowPace
from shared.rules.wake import Waker
from shared.travel_ports import StoredCompanions
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.registries import digest_of
from tests.doubles.storage import SettableClock
from tests.unit.domain.travel.records import NOW, STABLE, new

pytestmark = pytest.mark.unit

LATER = NOW + timedelta(hours=1)


def followed(number: int, upstream: str = "docker.io") -> StoredCompanions:
    """Return what is only followed, and due; the lower its number the longer."""
    digest = digest_of(str(number))
    known = msgspec.structs.replace(new(), digest=digest, source=Repository(upstream, "library/node"))
    known = changes.told(changes.listed(known, (digest,), Listing(), NOW), STABLE, 1, NOW)
    return StoredCompanions(msgspec.structs.replace(known, look_at=NOW + timedelta(seconds=number)), "1")


def waited(number: int) -> StoredCompanions:
    """Return what a tag waits for."""
    return StoredCompanions(msgspec.structs.replace(new(), digest=digest_of(str(number))), "1")


@pytest.fixture
def outbox() -> InMemoryOutbox:
    """A queue."""
    clock = SettableClock()
    clock.now = LATER
    return InMemoryOutbox(clock)


@pytest.fixture
def pace(outbox: InMemoryOutbox) -> FollowPace:
    """A pace, an hour after all was decided."""
    return FollowPace(Waker(outbox, outbox._clock), outbox._clock)


def taken(pace: FollowPace, *due: StoredCompanions) -> list[Companions]:
    """Return what is looked at."""
    return [one.record for one in pace.of(due)]


def test_of_thousands_a_minutes_share_is_listed_the_longest_due_first_and_the_rest_is_woken_for(
    pace: FollowPace, outbox: InMemoryOutbox
) -> None:
    due = [followed(number) for number in range(300)]
    assert taken(pace, *reversed(due)) == [one.record for one in due[:MOST_A_MINUTE]]
    assert outbox.next_due() == LATER + MINUTE
    assert [(type(one.message), one.delay) for one in outbox.sent] == [(LookAtDue, MINUTE)]
    assert taken(pace, *due[MOST_A_MINUTE:]) == []


def test_a_minute_later_it_goes_on(pace: FollowPace, outbox: InMemoryOutbox) -> None:
    due = [followed(number) for number in range(300)]
    taken(pace, *due)
    outbox._clock.advance(MINUTE)  # type: ignore[attr-defined]
    assert taken(pace, *due[MOST_A_MINUTE:]) == [one.record for one in due[MOST_A_MINUTE : 2 * MOST_A_MINUTE]]


def test_what_a_tag_waits_for_is_looked_at_whatever_else_is_due(pace: FollowPace) -> None:
    taken(pace, *(followed(number) for number in range(300)))
    assert len(taken(pace, *(waited(number) for number in range(300, 600)))) == 300


def test_each_upstream_has_a_pace_of_its_own(pace: FollowPace) -> None:
    taken(pace, *(followed(number) for number in range(300)))
    assert len(taken(pace, *(followed(number, "mcr.microsoft.com") for number in range(300)))) == MOST_A_MINUTE


def test_where_few_are_due_nobody_is_woken_for_them_again(pace: FollowPace, outbox: InMemoryOutbox) -> None:
    assert len(taken(pace, followed(1), followed(2), waited(3))) == 3
    assert outbox.next_due() is None


def test_what_was_read_before_others_could_not_be_is_looked_at(pace: FollowPace) -> None:
    def broken() -> Iterator[StoredCompanions]:
        yield followed(1)
        yield waited(2)
        raise Unavailable("a page")

    seen = []
    with pytest.raises(Unavailable):
        seen.extend(pace.of(broken()))
    assert len(list(seen)) == 2


def test_what_is_due_is_that_of_companions(pace: FollowPace, outbox: InMemoryOutbox) -> None:
    taken(pace, *(followed(number) for number in range(300)))
    assert [one.message.due for one in outbox.sent] == [Due.COMPANIONS]  # type: ignore[union-attr]
