"""The demo's scenes of scans, one after the other on one twin with the Functions host: what users see is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.scan_scenes import ScanScenes
from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScanScenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"))
    with Twin(topology, SETTINGS, host_options=HOST_OPTIONS) as twin:
        made = ScanScenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_fixable_critical_vulnerability_is_rejected_by_name(scans: ScanScenes) -> None:
    scans.rejected_by_name()


def test_a_waiver_turns_a_rejection_without_a_scan(scans: ScanScenes) -> None:
    scans.waived()


def test_what_the_base_has_too_keeps_no_release_out(scans: ScanScenes) -> None:
    scans.not_worse_than_the_base()


def test_forged_reports_and_words_let_nothing_in(scans: ScanScenes) -> None:
    scans.forged()


def test_a_database_too_old_holds_a_release_until_there_is_a_new_one(scans: ScanScenes) -> None:
    scans.too_old()
