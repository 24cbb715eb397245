"""Of waves people are told what is decided, once, and what is wrong for as long as it lasts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from shared.domain.promotion.said import Said
from shared.domain.waves.reasons import HOLDS, Reason
from shared.domain.waves.states import WaveState
from shared.domain.waves.telling import held_because, told_of_wave
from shared.domain.waves.wave import Word
from shared.domain.waves.way_back import Grounds, Scanned
from shared.errors import UNREADABLE, ServiceError
from tests.doubles.world import BASE, ONE, TWO, WATCH_LIST, Died
from tests.unit.domain.waves.records import at, wave
from tests.unit.examples import NOON
from tests.unit.flows.told_people import CHAT, kinds
from tests.unit.flows.waving import CANARY, CONTINUE, RESTORE, SHOP, Waving, asking

pytestmark = pytest.mark.unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ID = f"{BASE}~base~node~22-alpine~2"
ROUTES = b"routes: [{to: chat, kinds: [canary-failed, wave-held, restored, rolled-back, solved], when: now}]"


def told(on_failure: str = "hold", routes: bytes = ROUTES) -> Waving:
    """A world whose people are told, and whose canary fails."""
    world = Waving(asking(on_failure), destinations=(CHAT,))
    world.notify_files.files["notify.yaml"] = routes
    world.fails(CANARY)
    return world


def says(world: Waving, word: Word, why: str = "I looked at it") -> None:
    """Let a person say something of the wave, and an hour pass."""
    world.pass_time(timedelta(seconds=1))
    world.rolling.speaker(world.activity).say(ID, word, Said("ada", why, world.clock()))
    world.run_for(HOUR)


def lasting(world: Waving) -> set[tuple[str, str]]:
    """What is wrong now."""
    found = (one.noted for one in world.troubles.every())
    return {(one.trouble.kind.value, one.trouble.about) for one in found if one.told and one.ended_at is None}


def test_a_canary_that_failed_and_the_wave_that_waits_for_it_are_told_at_once() -> None:
    world = told()
    world.promote(TWO, timedelta(minutes=40))
    assert Counter(kinds(world)) == {"canary-failed": 1, "wave-held": 1}
    notices = {one.notice.kind: one.notice for one in world.deliveries.records}
    assert notices["canary-failed"].about == notices["wave-held"].about == f"wave:{ID}"
    assert "acr:tidegateapps/canary failed on" in notices["canary-failed"].detail
    assert "a canary failed on it; continue, restore or cancel it" in notices["wave-held"].detail
    assert notices["wave-held"].images == ("node",)


def test_who_was_told_that_a_wave_waits_is_told_by_whom_it_goes_on() -> None:
    world = told()
    world.promote(TWO, HOUR)
    says(world, Word.CONTINUE, "the canary itself is broken")
    ended = next(one.notice for one in world.deliveries.records if one.notice.closes)
    assert (ended.kind, ended.closes) == ("solved", "wave-held")
    assert "ada: the canary itself is broken" in ended.detail
    assert kinds(world).count("solved") == 1


def test_a_tag_that_goes_back_by_its_canaries_is_told_so_and_not_as_a_persons_word() -> None:
    world = told(RESTORE)
    world.promote(TWO, 2 * HOUR)
    assert world.target().wanted == ONE
    found = Counter(kinds(world))
    assert (found["restored"], found["canary-failed"], found["rolled-back"], found["wave-held"]) == (1, 1, 0, 0)


def test_a_failure_that_is_passed_over_is_told_all_the_same() -> None:
    world = told(CONTINUE)
    world.promote(TWO, HOUR)
    assert (world.state()[0], kinds(world).count("canary-failed")) == (WaveState.DONE_WITH_FAILURES, 1)
    assert "wave-held" not in kinds(world)


def test_without_a_destination_no_record_of_a_wave_holds_a_notice() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, HOUR)
    assert world.wave().notices == ()


def test_a_wave_that_is_told_of_keeps_nothing_to_be_told() -> None:
    world = told()
    world.promote(TWO, HOUR)
    assert world.wave().notices == ()
    assert world.deliveries.records != ()


def test_where_no_entry_asks_for_waves_nobody_looks_for_what_they_tell_or_for_what_is_wrong_with_them() -> None:
    world = Waving(WATCH_LIST, destinations=(CHAT,))
    asked: list[str] = []
    world.waves.before_call = asked.append
    world.promote(TWO, 2 * HOUR)
    assert asked == []


@pytest.mark.parametrize("place", ["waves.", "deliveries.", "destinations.", "activity."])
def test_whoever_dies_on_the_way_tells_it_once(place: str) -> None:
    """Each death is at another moment of that place, until there is none left."""
    number = 0
    while True:
        number += 1
        world, left = told(), [number]

        def moment(name: str, left: list[int] = left) -> None:
            if name.startswith(place):
                left[0] -= 1
                if left[0] == 0:
                    raise Died

        world.hook = moment
        world.promote(TWO, HOUR)
        world.do(lambda world=world: says(world, Word.CANCEL))  # type: ignore[misc]
        world.run_for(HOUR)
        notices = Counter((one.notice.kind, one.notice.closes) for one in world.deliveries.records)
        assert notices["canary-failed", ""] == notices["wave-held", ""] == notices["solved", "wave-held"] == 1, number
        assert world.wave().notices == ()
        if left[0] > 0:
            break
    assert number > 1


def test_a_wave_that_waits_for_an_hour_is_a_trouble_until_somebody_speaks() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, timedelta(minutes=50))
    assert ("wave-waits", f"wave:{ID}") not in lasting(world)
    world.run_for(HOUR)
    assert ("wave-waits", f"wave:{ID}") in lasting(world)
    says(world, Word.CANCEL)
    assert ("wave-waits", f"wave:{ID}") not in lasting(world)


def test_a_task_that_fails_since_its_base_moved_is_a_trouble_of_its_own_until_it_is_built() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    task = f"task:tidegateapps/{CANARY}"
    assert ("task-fails-since-base-moved", task) in lasting(world)
    assert ("not-rebuilt", task) not in lasting(world)
    world.application_runs.built_by_others(CANARY)  # type: ignore[attr-defined]
    world.run_for(3 * HOUR)
    assert ("task-fails-since-base-moved", task) not in lasting(world)


def test_a_task_whose_second_try_is_to_come_is_no_trouble_yet() -> None:
    world = Waving()
    world.fails(CANARY, times=1)
    world.promote(TWO, 2 * HOUR)
    names = {line.name for line in world.activity.of(f"task:tidegateapps/{CANARY}", 20)}
    assert not names & {"not-rebuilt", "task-fails-since-base-moved"}


def test_others_that_wait_for_their_canaries_are_no_trouble() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 5 * HOUR)
    assert not any(about == f"task:tidegateapps/{SHOP}" for _, about in lasting(world))


def test_waves_that_cannot_be_read_are_a_trouble_and_hide_none_of_the_others() -> None:
    world = Waving()
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    known = lasting(world)
    assert ("wave-waits", f"wave:{ID}") in known
    world.waves.fail("every", ServiceError("a row cannot be read", code=UNREADABLE))
    world.pass_time(timedelta(minutes=20))
    world.teller.survey()
    assert lasting(world) == {*known, ("records-unreadable", "table:waves")}


def test_a_wave_on_hold_whose_tag_is_decided_anew_waits_for_nobody_any_more() -> None:
    world = told()
    world.promote(TWO, HOUR)
    world.pass_time(timedelta(seconds=1))
    world.actor.roll_back(world.target().id, ONE, Said("ada", "it broke the shop", world.clock()))
    world.run_for(HOUR)
    assert world.state() == (WaveState.SUPERSEDED, "moved-on")
    assert ("wave-waits", f"wave:{ID}") not in lasting(world)
    assert [one.notice.closes for one in world.deliveries.records if one.notice.closes] == ["wave-held"]


def test_what_cannot_go_back_by_a_persons_word_waits_anew_and_is_told_anew() -> None:
    world = told()
    world.promote(TWO, HOUR)
    world.grounds.grounds = Grounds(Scanned.CLEAN, there=False)
    says(world, Word.RESTORE)
    assert world.state() == (WaveState.HELD, "former-gone")
    found = Counter((one.notice.kind, one.notice.closes) for one in world.deliveries.records)
    assert (found["wave-held", ""], found["solved", "wave-held"]) == (2, 1)


@pytest.mark.parametrize("reason", sorted(HOLDS, key=lambda one: one.value))
def test_every_reason_to_hold_is_said_in_a_sentence(reason: Reason) -> None:
    assert held_because(at(wave(), WaveState.HELD, reason=reason))


def test_what_is_told_of_a_change_is_told_whoever_looks_again() -> None:
    before = wave()
    after = at(before, WaveState.HELD, reason=Reason.CANARY_FAILED, held_until=NOON + DAY)
    (first,) = told_of_wave(before, after, NOON)
    (again,) = told_of_wave(None, after, NOON + DAY)
    assert (first.kind, first.key) == ("wave-held", again.key)
    assert told_of_wave(after, msgspec.structs.replace(after, look_at=NOON), NOON) == ()
