"""The emulator answers every recorded request with the recorded status and the recorded fields, and with no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.twin.conftest import Twin
from tests.twin.listener import Listener, listening
from tests.twin.recorded.interactions import FACTS, RECORDED, Recording, recordings
from tests.twin.recorded.player import Player
from tests.twin.recorded.unplayed import PARTLY, UNPLAYED

pytestmark = pytest.mark.twin

HERE = RECORDED.is_dir()
PLAYED = [*recordings(FACTS), *(one for one in recordings(RECORDED) if one.name not in UNPLAYED)]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Something that webhooks can be sent to."""
    with listening() as opened:
        yield opened


@pytest.mark.parametrize("recording", PLAYED, ids=lambda recording: recording.name)
def test_the_emulator_answers_as_azure_did(
    twin: Twin, listener: Listener, tmp_path: Path, recording: Recording
) -> None:
    left_out, _ = PARTLY.get(recording.name, ((), ""))
    assert Player(twin, recording, listener, tmp_path / "source").play(left_out) == []


@pytest.mark.skipif(not HERE, reason=f"the recordings are not here: {RECORDED.name}")
def test_what_is_not_played_is_recorded_and_has_a_reason() -> None:
    names = {one.name for one in recordings(RECORDED)}
    assert [name for name in (*UNPLAYED, *PARTLY) if name not in names] == []


@pytest.mark.skipif(not HERE, reason=f"the recordings are not here: {RECORDED.name}")
def test_every_recording_with_requests_is_played_or_listed() -> None:
    without = {one.name for one in recordings(RECORDED) if not one.interactions}
    assert without <= UNPLAYED.keys()
