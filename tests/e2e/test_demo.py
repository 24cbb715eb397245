"""The demo's scenes of updates, one after the other on one twin with the Functions host: what users see is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.scenes import Scenes
from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.demo.watching import SceneFailed, eventually
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"))
    with Twin(topology, SETTINGS, host_options=HOST_OPTIONS) as twin:
        made = Scenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def all_end_as(scenes: Scenes, statuses: set[str]) -> bool:
    """Whether the candidates have these statuses in the end: one is promoted once the registry's tag was read back."""
    return eventually(
        f"all are {statuses}", lambda: {one["status"] for one in scenes.watcher.candidates()} == statuses, seconds=20
    )


def test_everything_on_the_watch_list_arrives_in_the_base_registry(scenes: Scenes) -> None:
    scenes.first_import()
    assert len(scenes.watcher.candidates()) == 3


def test_a_bad_update_is_rejected_and_the_base_tag_stays_as_it_was(scenes: Scenes) -> None:
    scenes.bad_update()
    assert "rejected" in {one["status"] for one in scenes.watcher.candidates()}


def test_an_update_survives_the_host_being_killed_between_import_and_validation(scenes: Scenes) -> None:
    scenes.killed_between_import_and_validation()
    assert all_end_as(scenes, {"promoted", "rejected"})


def test_a_deleted_base_tag_comes_back_and_nothing_else_happens(scenes: Scenes) -> None:
    scenes.deleted_base_tag()
    assert all_end_as(scenes, {"promoted", "rejected"})


def test_a_good_update_is_promoted_and_the_application_is_rebuilt_on_it_and_runs(scenes: Scenes) -> None:
    scenes.good_update()
    assert all_end_as(scenes, {"promoted", "rejected"})


def test_the_same_messages_again_make_nothing_happen_twice(scenes: Scenes) -> None:
    before = len(scenes.watcher.operations())
    scenes.same_messages_again()
    assert len(scenes.watcher.operations()) == before


def test_a_rollback_rebuilds_the_application_and_holds_until_a_newer_release(scenes: Scenes) -> None:
    scenes.rollback()
    assert all_end_as(scenes, {"promoted", "rejected"})


def test_a_gate_of_three_steps_rejects_a_broken_release_and_lets_a_good_one_in(scenes: Scenes) -> None:
    scenes.steps_of_a_users_own()
    assert all_end_as(scenes, {"promoted", "rejected"})


def test_the_run_of_a_release_that_is_replaced_is_ended_and_the_newer_one_arrives(scenes: Scenes) -> None:
    scenes.superseded_run()
    assert all_end_as(scenes, {"promoted", "rejected", "superseded"})


def test_what_looks_once_more_a_minute_later_rebuilds_nothing_a_second_time(scenes: Scenes) -> None:
    scenes.a_minute_later()
    assert all_end_as(scenes, {"promoted", "rejected", "superseded"})


def test_a_message_that_died_fails_a_scene_though_a_sweep_has_put_it_away(scenes: Scenes) -> None:
    scenes.watcher.queue("imports-poison").send_message("nobody could read this")
    eventually("a sweep put it away", lambda: scenes.watcher.waiting("imports-poison") == 0)
    with pytest.raises(SceneFailed, match=r"no message died; these did: .*nobody could read this"):
        scenes.same_messages_again()
