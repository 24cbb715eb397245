"""What the watch list says is built elsewhere is asked for once: at once, or in its turn where waves are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from shared.domain.dispatch.answer import Answer
from shared.domain.dispatch.builds import End
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind, Rebuild, RebuildStatus
from shared.domain.promotion.said import Guilt, Said
from shared.domain.waves.results import HowKnown
from shared.domain.waves.spoken import spoke
from shared.domain.waves.states import MemberState, WaveState
from shared.domain.waves.telling import log_of, told_of_wave
from shared.domain.waves.wave import Spoken, Word
from shared.errors import SwitchedOff, Unavailable
from shared.flows.take_outcome import OutcomeTaker
from shared.rules.impacts import Foreseen, Impacts
from tests.doubles.dispatchers import InMemoryDispatcher
from tests.doubles.registries import digest_of
from tests.doubles.world import BASE, BASE_SERVER, ONE, TWO, WATCH_LIST
from tests.unit.flows.manners import Telling, after_each_write
from tests.unit.flows.waves_told import MOST, begins
from tests.unit.flows.waving import ALL, APPS, CANARY, CONTINUE, HOLD, RESTORE, Waving, asking, task

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
PLACE = "contoso/shop/build.yml@main"
TARGET_ID = f"github:{PLACE}"
NAMED = f"    rebuilds: ['{TARGET_ID}']\n".encode()
FAILURE = (End.FAILED, "failure")


def listed(watch_list: bytes = WATCH_LIST, named: bytes = NAMED) -> bytes:
    """Return a watch list whose entry names what is built on it elsewhere."""
    return watch_list + named


def foreseen(world: Waving) -> Foreseen:
    """Return what would be rebuilt if a tag of the entry moved."""
    parts = (world.kept_listings, world.rebuilds, world.targets, world.watch_lists.in_force, BASE, BASE_SERVER)
    impacts = Impacts(*parts, lambda registry: f"{registry}.azurecr.io")
    return impacts.of_entry(world.watch_lists.in_force().base_images[0])


class Elsewhere(Waving):
    """A world with somebody who builds elsewhere.

    Args:
        watch_list: YAML.
        dispatcher: who; GitHub unless another one is given.
        tasks: by their names, or as they are.
    """

    def __init__(
        self,
        watch_list: bytes,
        dispatcher: InMemoryDispatcher | None = None,
        tasks: Sequence[str | ApplicationTask] = ALL,
    ) -> None:
        self.builder = dispatcher or InMemoryDispatcher()
        super().__init__(watch_list, tasks)

    def start(self) -> None:
        """Start, with the same builder."""
        self.builds_elsewhere(self.builder)
        super().start()

    def builds(self, digest: str = TWO) -> list[str]:
        """Return what was built elsewhere for a digest."""
        return [one.asked.place for one in self.builder.builds if one.asked.digest == digest]

    def rebuild_of(self, digest: str = TWO) -> Rebuild:
        """Return the latest rebuild of what is built elsewhere."""
        found = [one for one in self.rebuilt() if not one.is_of_acr and one.base_digest == digest]
        return max(found, key=lambda one: one.attempt)

    def how(self, name: str = TARGET_ID, number: int = 2) -> MemberState:
        """Return where it is as a member of a wave."""
        found = self.wave(number).member(name)
        assert found is not None
        return found.state


# At once.


def test_where_no_waves_are_asked_for_it_is_asked_at_once_and_once() -> None:
    world = Elsewhere(listed())
    world.promote(TWO, HOUR)
    assert world.builds() == [PLACE]
    assert world.rebuild_of().status is RebuildStatus.SUCCEEDED
    assert [world.runs_of(name) for name in ALL] == [1, 1, 1]


def test_a_first_filling_asks_nobody() -> None:
    world = Elsewhere(listed())
    assert world.builder.builds == []


def test_an_entry_that_names_nobody_has_nobody_asked_and_no_record_more() -> None:
    world = Elsewhere(WATCH_LIST)
    world.promote(TWO, HOUR)
    assert world.builder.builds == []
    assert all(one.is_of_acr for one in world.rebuilt())


def test_whoever_the_settings_do_not_name_is_not_asked_and_keeps_nobody_else() -> None:
    world = Elsewhere(listed(named=b"    rebuilds: ['nobody:a/b', '" + TARGET_ID.encode() + b"']\n"))
    world.promote(TWO, HOUR)
    assert world.builds() == [PLACE]


def test_a_task_that_is_named_and_reports_no_base_yet_is_run_as_well() -> None:
    fresh = f"    rebuilds: ['acr:{APPS}/fresh']\n".encode()
    world = Elsewhere(listed(named=fresh))
    world.application_runs.application_tasks += (msgspec.structs.replace(task("fresh"), dependencies=()),)
    world.promote(TWO, HOUR)
    assert world.application_runs.started["/tasks/fresh"] == 1


@pytest.mark.parametrize("watch_list", [WATCH_LIST, asking(CONTINUE)], ids=["at once", "wave"])
@pytest.mark.parametrize(("reports", "apart", "runs"), [(False, None, 1), (True, "own-trigger", 0)])
def test_a_task_that_is_named_and_has_a_trigger_is_left_to_it_only_where_that_sees_the_base(
    watch_list: bytes, reports: bool, apart: str | None, runs: int
) -> None:
    """What ACR does not report it does not look at: the impact, the wave and the rebuild say the same."""
    one = task("own", own_trigger=True)
    one = one if reports else msgspec.structs.replace(one, dependencies=())
    world = Elsewhere(listed(watch_list, f"    rebuilds: ['acr:{APPS}/own']\n".encode()), tasks=(CANARY, one))
    found = {hit.builder.id: hit.apart for hit in foreseen(world).impact.hits}
    assert [one.value if one else None for name, one in found.items() if name.endswith("/own")] == [apart]
    world.promote(TWO, timedelta(minutes=5))
    if watch_list != WATCH_LIST:
        assert [one.target for one in world.wave().outside] == ([f"acr:{APPS}/own"] if apart else [])
    assert world.application_runs.started["/tasks/own"] == 0, "ACR has ten minutes to build it"
    if reports:
        world.application_runs.built_by_others("own")  # type: ignore[attr-defined]
    world.run_for(HOUR)
    assert world.application_runs.started["/tasks/own"] == runs


@pytest.mark.parametrize("watch_list", [listed(), listed(asking(HOLD, f"['{TARGET_ID}']"))], ids=["at once", "wave"])
def test_whoever_dies_after_any_write_asks_once_and_comes_to_the_same_end(watch_list: bytes) -> None:
    def story(telling: Telling) -> None:
        begins(telling).promote(TWO, 2 * HOUR)

    for world in after_each_write(lambda: Elsewhere(watch_list), story, most=MOST):
        assert isinstance(world, Elsewhere)
        assert world.builds() == [PLACE]
        assert world.rebuild_of().status is RebuildStatus.SUCCEEDED
        assert world.builder.posted == list(dict.fromkeys(world.builder.posted))


# In waves.


def test_as_a_canary_it_lets_the_others_through_when_it_was_built() -> None:
    world = Elsewhere(listed(asking(HOLD, f"['{TARGET_ID}']")))
    world.promote(TWO, HOUR)
    assert world.state() == (WaveState.DONE, "all-built")
    assert world.builds() == [PLACE]
    found = world.wave().member(TARGET_ID)
    assert found is not None
    assert found.kind is BuilderKind.GITHUB
    assert [one.how for one in found.results] == [HowKnown.TAG]


def test_as_a_canary_that_fails_twice_it_takes_the_tag_back_and_its_control_is_asked_for() -> None:
    world = Elsewhere(listed(asking(RESTORE, f"['{TARGET_ID}']")))
    world.builder.ends = [FAILURE, FAILURE]
    world.promote(TWO, 3 * HOUR)
    assert world.state() == (WaveState.RESTORED, "went-back")
    assert world.target().seen == ONE
    assert world.canaried().guilt is Guilt.CONFIRMED
    assert (world.builds(TWO), world.builds(ONE)) == ([PLACE, PLACE], [PLACE])
    assert [world.runs_of(name) for name in ALL] == [0, 0, 0]


def test_as_one_of_the_others_it_waits_for_the_canary_s_word() -> None:
    world = Elsewhere(listed(asking()))
    world.fails(CANARY)
    world.promote(TWO, 2 * HOUR)
    assert (world.how(), world.builds()) == (MemberState.WAITING, [])


def test_after_the_way_back_it_is_not_asked_if_it_never_was_built_on_what_failed() -> None:
    world = Elsewhere(listed(asking(RESTORE)))
    world.fails(CANARY)
    world.promote(TWO, 3 * HOUR)
    assert world.target().seen == ONE
    assert world.builder.builds == []


def test_whoever_the_settings_do_not_name_is_outside_of_the_wave_and_said_to_be() -> None:
    world = Elsewhere(listed(asking(), b"    rebuilds: ['nobody:a/b']\n"))
    world.promote(TWO, HOUR)
    (told,) = world.wave().outside
    assert (told.target, "settings name no nobody" in told.why) == ("nobody:a/b", True)
    assert world.state() == (WaveState.DONE, "all-built")


# 21: a lost answer in a wave.


def test_an_answer_that_is_lost_makes_no_second_build_and_decides_nothing() -> None:
    world = Elsewhere(listed(asking(HOLD, f"['{TARGET_ID}']")))
    world.builder.loses = 1
    world.promote(TWO, HOUR)
    assert world.builds() == [PLACE]
    assert world.state() == (WaveState.DONE, "all-built")


# 34


def events(**fields: object) -> InMemoryDispatcher:
    """Return somebody who takes events and tells the end by himself."""
    return InMemoryDispatcher("github", BuilderKind.EVENTS, tells=timedelta(hours=2), **fields)  # type: ignore[arg-type]


def test_what_was_clearly_accepted_and_is_not_found_is_not_asked_for_anew_by_its_wave_either() -> None:
    builder = InMemoryDispatcher()
    builder.says_runs, builder.hidden = False, 99_999
    world = Elsewhere(listed(asking(canary=f"['{TARGET_ID}']")), builder)
    world.promote(TWO, 8 * HOUR)
    assert world.state() == (WaveState.HELD, "inconclusive")
    assert world.builds() == [PLACE]


def test_whoever_takes_the_event_and_never_tells_the_end_holds_the_wave() -> None:
    world = Elsewhere(listed(asking(RESTORE, f"['{TARGET_ID}']")), events())
    world.promote(TWO, timedelta(hours=20))
    assert world.state() == (WaveState.HELD, "inconclusive")
    assert (world.target().seen, world.how()) == (TWO, MemberState.UNDECIDED)
    assert [world.runs_of(name) for name in ALL] == [0, 0, 0]


def answers(world: Elsewhere, end: End, built_on: str = "") -> None:
    """Let the builder tell how the attempt under way ended."""
    rebuild = world.rebuild_of()
    told = Answer(rebuild=rebuild.id, attempt=rebuild.runs, end=end, built_on=built_on)
    world.do(lambda: OutcomeTaker(world.rebuild_progress).take(told))
    world.run_for(timedelta(minutes=20))


def test_what_is_told_to_be_built_lets_the_others_through() -> None:
    world = Elsewhere(listed(asking(RESTORE, f"['{TARGET_ID}']")), events())
    world.promote(TWO, timedelta(minutes=20))
    assert world.how() is MemberState.RUNNING
    answers(world, End.BUILT, TWO)
    world.run_for(HOUR)
    assert world.state() == (WaveState.DONE, "all-built")


def test_a_failure_that_is_only_told_holds_and_takes_nothing_back() -> None:
    world = Elsewhere(listed(asking(RESTORE, f"['{TARGET_ID}']")), events())
    world.promote(TWO, timedelta(minutes=20))
    answers(world, End.FAILED)
    answers(world, End.FAILED)
    assert world.state() == (WaveState.HELD, "told-from-outside")
    assert (world.target().seen, world.target().number) == (TWO, 2)


def test_whoever_says_that_he_is_gone_is_off_and_the_wave_is_held_and_it_is_told() -> None:
    world = Elsewhere(listed(asking(RESTORE, f"['{TARGET_ID}']")), events())
    world.builder.fail("ask", SwitchedOff("HTTP 410 Gone"))
    world.promote(TWO, 3 * HOUR)
    assert world.state() == (WaveState.HELD, "inconclusive")
    assert world.target().seen == TWO
    assert [line.name for line in world.activity.of("dispatcher:github", 5)] == ["dispatcher-off"]


# What keeps somebody from being asked is told.


def troubles(world: Elsewhere) -> list[tuple[str, str]]:
    """Return what lasts of those who build elsewhere."""
    world.pass_time(HOUR)
    world.teller.survey()
    found = [one.trouble for one in world.lasting if one.trouble.about.startswith("dispatcher:")]
    return [(one.kind.value, one.about) for one in found]


def test_whoever_the_list_names_and_the_settings_do_not_is_told_without_a_base_that_moves() -> None:
    world = Elsewhere(listed(named=b"    rebuilds: ['nobody:a/b']\n"))
    assert troubles(world) == [("dispatcher-not-set", "dispatcher:nobody")]
    (told,) = world.rolling.unnamed()
    assert ("DISPATCH_NOBODY" in told.detail, told.images) == (True, ("node",))


def test_whoever_is_off_is_told_as_long_as_he_is() -> None:
    world = Elsewhere(listed())
    assert troubles(world) == []
    world.builder.fail("ask", SwitchedOff("HTTP 410 Gone"))
    world.promote(TWO, HOUR)
    assert troubles(world) == [("dispatcher-off", "dispatcher:github")]
    world.builder.fingerprint = "another setting"
    assert troubles(world) == []


def test_a_list_that_names_nobody_has_nobody_looked_for() -> None:
    world = Elsewhere(WATCH_LIST)
    world.switches.fail("off", Unavailable("nobody should ask"))
    assert troubles(world) == []
    assert world.switches._errors["off"], "somebody asked"


# Cancelled.


def a_wave_of_which_some_wait_for_their_turn() -> tuple[Elsewhere, list[str], list[str]]:
    """Return a world, whose runs have begun in it, and who was claimed and waits."""
    names = [CANARY, *(f"task{number}" for number in range(5))]
    world = Elsewhere(listed(asking(wave=10)), tasks=names)
    world.most_rebuilds = 1
    world.start()
    world.promote(TWO, timedelta(seconds=40))
    world.application_runs.looks = 10**6
    world.run_for(timedelta(minutes=3))
    begun = [name for name in names if world.runs_of(name)]
    waiting = [one for one in world.wave().members if one.task not in begun]
    claimed = [one.target for one in waiting if one.state is MemberState.CLAIMED]
    assert claimed, "nobody waits for his turn"
    return world, begun, claimed


def test_whoever_only_waits_for_his_turn_when_a_wave_is_cancelled_is_not_begun() -> None:
    world, begun, claimed = a_wave_of_which_some_wait_for_their_turn()
    said = Spoken(Word.CANCEL, Said("ada", "stop", world.clock()))
    world.rolling.book.change(world.wave().id, lambda known: spoke(known, said) if known else None)
    world.run_for(timedelta(minutes=20))
    world.application_runs.looks = 1
    world.application_runs.finish()
    world.run_for(3 * HOUR)
    assert world.state()[0] is WaveState.CANCELLED
    assert [one.name for one in world.application_runs.application_tasks if world.runs_of(one.name)] == begun
    ends = {one.task: one.status for one in world.rebuilt() if one.base_digest == TWO}
    assert {ends[name.rpartition("/")[2]] for name in claimed if "acr:" in name} == {RebuildStatus.WITHDRAWN}
    assert not [one.target for one in world.wave().members if one.state is MemberState.CLAIMED]


# What is told of it.


def lasting(world: Waving) -> dict[tuple[str, str], str]:
    """Return what is wrong now, by its kind and subject."""
    found = (one.noted for one in world.troubles.every() if one.noted.told and one.noted.ended_at is None)
    return {(one.trouble.kind.value, one.trouble.about): one.trouble.detail for one in found}


ABOUT = f"task:{TARGET_ID}"


def test_a_member_that_fails_elsewhere_is_a_trouble_of_its_own_with_the_pages_of_its_runs() -> None:
    world = Elsewhere(listed(asking(HOLD, f"['{TARGET_ID}']")))
    world.builder.ends = [FAILURE] * 2
    world.promote(TWO, 2 * HOUR)
    detail = lasting(world)["task-fails-since-base-moved", ABOUT]
    assert detail.startswith(f"{TARGET_ID} is not built on {TWO}")
    assert detail.count("run https://builds.example/") == 2
    assert ("not-rebuilt", ABOUT) not in lasting(world)


def test_a_failure_elsewhere_that_no_wave_sees_to_is_told_until_the_next_digest_is_built() -> None:
    world = Elsewhere(listed())
    world.builder.ends = [FAILURE]
    world.promote(TWO, HOUR)
    detail = lasting(world)["not-rebuilt", ABOUT]
    assert f"{TARGET_ID} is not known to be built on {TWO}" in detail
    assert detail.endswith(f"{world.rebuild_of().id}, https://builds.example/{world.rebuild_of().run_id})")
    world.promote(digest_of("three"), HOUR)
    assert ("not-rebuilt", ABOUT) not in lasting(world)


def test_what_nobody_told_the_end_of_is_told_as_not_built() -> None:
    world = Elsewhere(listed(), events())
    world.promote(TWO, timedelta(hours=4))
    assert world.rebuild_of().status is RebuildStatus.UNDECIDED
    assert "its rebuild is undecided" in lasting(world)["not-rebuilt", ABOUT]


def test_a_failure_elsewhere_is_told_for_two_weeks_as_nobody_tells_what_is_built_there_since() -> None:
    world = Elsewhere(listed())
    world.builder.ends = [FAILURE]
    world.promote(TWO, HOUR)
    for days, told in ((13, True), (2, False)):
        world.pass_time(timedelta(days=days))
        world.teller.survey()
        assert (("not-rebuilt", ABOUT) in lasting(world)) is told


def test_what_was_built_elsewhere_or_is_named_by_nobody_any_more_is_no_trouble() -> None:
    world = Elsewhere(listed())
    world.promote(TWO, HOUR)
    assert lasting(world) == {}
    world.builder.ends = [FAILURE]
    world.promote(digest_of("three"), HOUR)
    assert ("not-rebuilt", ABOUT) in lasting(world)
    world.configuration.text = WATCH_LIST
    world.run_for(HOUR)
    assert ("not-rebuilt", ABOUT) not in lasting(world)


def test_a_canary_that_failed_elsewhere_is_told_with_the_page_of_its_run_and_no_log_of_ours() -> None:
    world = Elsewhere(listed(asking(HOLD, f"['{TARGET_ID}']")))
    world.builder.ends = [FAILURE] * 2
    world.promote(TWO, 2 * HOUR)
    wave = world.wave()
    (told,) = [one for one in told_of_wave(None, wave, world.clock()) if one.kind == "canary-failed"]
    assert f"{TARGET_ID} failed on {TWO}" in told.detail
    assert "(runs https://builds.example/101, https://builds.example/102)" in told.detail
    member = wave.member(TARGET_ID)
    assert member is not None
    assert [(one.ended.link, log_of(wave, member, one)) for one in member.results] == [
        ("https://builds.example/101", None),
        ("https://builds.example/102", None),
    ]


@pytest.mark.parametrize("state", [WaveState.SUPERSEDED, WaveState.RESTORED])
def test_nor_is_whoever_waits_when_a_tag_is_decided_on_anew_and_does_not_bear_that_yet(state: WaveState) -> None:
    world, begun, _ = a_wave_of_which_some_wait_for_their_turn()
    over = {"state": state, "look_at": None}
    world.rolling.book.change(world.wave().id, lambda known: msgspec.structs.replace(known, **over) if known else None)
    world.application_runs.looks = 1
    world.application_runs.finish()
    world.run_for(3 * HOUR)
    assert [one.name for one in world.application_runs.application_tasks if world.runs_of(one.name)] == begun
