"""The demo's scenes of what travels with an image, one after the other on one twin with the Functions host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.demo.stages import HOST_OPTIONS, SETTINGS
from infra.local.demo.travel_scenes import TravelScenes
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def travel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TravelScenes]:
    topology = new_topology(tmp_path_factory.mktemp("twin"), locks=True)
    with Twin(topology, SETTINGS, host_options=HOST_OPTIONS) as twin:
        made = TravelScenes(twin)
        made.prepare()
        twin.start_host()
        yield made
        assert "Traceback" not in twin.log("host").read_text(), "no function broke off"


def test_a_signature_and_an_sbom_arrive_with_their_image(travel: TravelScenes) -> None:
    travel.signature_and_sbom()


def test_a_late_signature_follows_by_itself(travel: TravelScenes) -> None:
    travel.late_signature()


def test_a_tag_goes_back_to_the_name_of_what_it_bore(travel: TravelScenes) -> None:
    travel.back_to_a_name()


def test_a_locked_name_refuses_a_push_and_its_deletion(travel: TravelScenes) -> None:
    travel.locked()
