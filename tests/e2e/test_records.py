"""The demo's scenes of records, and of builds that are not ACR's, on one twin with the Functions host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.builder_scenes import BuilderScenes, builder_settings
from infra.local.demo.record_scenes import RecordScenes, record_settings
from infra.local.demo.stages import HOST_OPTIONS, SETTINGS, Together
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RecordScenes, BuilderScenes]]:
    topology = new_topology(tmp_path_factory.mktemp("twin"))
    settings = {**SETTINGS, **record_settings(topology), **builder_settings(topology)}
    with Twin(topology, settings, host_options=HOST_OPTIONS) as twin:
        made = RecordScenes(twin), BuilderScenes(twin)
        Together(*made).prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_record_verifies_and_what_was_altered_or_copied_does_not(stage: tuple[RecordScenes, BuilderScenes]) -> None:
    stage[0].record()


def test_a_dispatch_through_a_502_makes_one_run(stage: tuple[RecordScenes, BuilderScenes]) -> None:
    stage[1].lost_answer()


def test_an_end_that_is_told_twice_counts_once(stage: tuple[RecordScenes, BuilderScenes]) -> None:
    stage[1].told_twice()
