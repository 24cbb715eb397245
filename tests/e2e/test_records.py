"""The demo's scene of records, on a twin with the Functions host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.record_scenes import RecordScenes, record_settings
from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordScenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"))
    with Twin(topology, {**SETTINGS, **record_settings(topology)}, host_options=HOST_OPTIONS) as twin:
        made = RecordScenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_record_verifies_and_what_was_altered_or_copied_does_not(records: RecordScenes) -> None:
    records.record()
