"""The demo's scenes of waves, one after the other on one twin with the Functions host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.demo.wave_scenes import APPLICATION_TASKS, WaveScenes
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveScenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"), application_tasks=APPLICATION_TASKS)
    with Twin(topology, SETTINGS, host_options=HOST_OPTIONS) as twin:
        made = WaveScenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_tag_goes_back_whose_canary_fails_and_nobody_else_is_built_on_it(waves: WaveScenes) -> None:
    waves.goes_back()


def test_a_wave_whose_control_fails_waits_for_a_person_who_has_it_go_on(waves: WaveScenes) -> None:
    waves.person_decides()


def test_a_chain_is_rebuilt_in_order_though_the_webhook_is_lost(waves: WaveScenes) -> None:
    waves.chain()
