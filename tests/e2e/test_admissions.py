"""The demo's scenes of admissions, one after the other on one twin with the Functions host: users see this."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.admission_scenes import AdmissionScenes, stage_settings
from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def admissions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdmissionScenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"))
    with Twin(topology, {**SETTINGS, **stage_settings(topology)}, host_options=HOST_OPTIONS) as twin:
        made = AdmissionScenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_only_what_we_signed_is_let_in(admissions: AdmissionScenes) -> None:
    admissions.signed()


def test_what_has_to_be_seen_for_long_is_held_until_then(admissions: AdmissionScenes) -> None:
    admissions.soaking()


def test_somebody_agrees_and_it_is_promoted(admissions: AdmissionScenes) -> None:
    admissions.agreed_to()


def test_nobody_agrees_to_what_a_newer_release_has_replaced(admissions: AdmissionScenes) -> None:
    admissions.agreed_to_too_late()


def test_who_is_told_by_teams_opens_the_page_and_agrees_there(admissions: AdmissionScenes) -> None:
    admissions.agreed_to_by_page()


def test_what_is_agreed_to_is_held_while_promotion_is_frozen(admissions: AdmissionScenes) -> None:
    admissions.frozen()


def test_a_finding_that_is_new_in_what_is_in_use_is_told_with_the_update_that_waits(
    admissions: AdmissionScenes,
) -> None:
    admissions.exposed()


def test_what_mends_something_urgent_goes_first_once_it_is_signed(admissions: AdmissionScenes) -> None:
    admissions.first()
