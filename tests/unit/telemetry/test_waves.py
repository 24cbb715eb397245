"""The moves of waves are told once, and so is what came of their members, with how that is known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.domain.waves.reasons import Reason
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import claimed, learned
from shared.telemetry import waves as module
from shared.telemetry.waves import wave_changed
from tests.unit.domain.waves.records import CANARY, ON_IT, at, passed, wave
from tests.unit.examples import NOON, TWO

pytestmark = pytest.mark.unit


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], str]]:
    """The events, each with what it is about and for people."""
    events: list[tuple[str, dict[str, Any], str]] = []
    monkeypatch.setattr(module, "tell", lambda name, about, detail="": events.append((name, dict(about), detail)))
    return events


def test_a_move_is_told_once_with_its_reason(told: list[tuple[str, dict[str, Any], str]]) -> None:
    before = wave()
    held = at(before, WaveState.HELD, reason=Reason.CANARY_FAILED)
    wave_changed(None, before)
    wave_changed(before, held)
    wave_changed(held, msgspec.structs.replace(held, look_at=NOON))
    assert [(name, about["tidegate.reason"]) for name, about, _ in told] == [
        ("wave-planned", "planned"),
        ("wave-held", "canary-failed"),
    ]
    assert told[-1][2] == "a canary failed on it"
    assert told[-1][1]["oci.manifest.digest"] == TWO


def test_what_came_of_a_member_is_told_with_how_it_is_known(told: list[tuple[str, dict[str, Any], str]]) -> None:
    asked = claimed(at(wave(), WaveState.CANARIES), [CANARY], ON_IT)
    built = learned(asked, passed(CANARY), NOON)
    wave_changed(asked, built)
    wave_changed(built, built)
    ((name, about, _),) = told
    assert (name, about["tidegate.member"], about["tidegate.canary"]) == ("wave-member-built", CANARY, "yes")
    known = (about["tidegate.ended_by"], about["tidegate.built_on"], about["tidegate.how"])
    assert known == ("build", TWO, "dependency-report")
