"""Troubles are told again for as long as they last, by name as far as people can read them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.watching.troubles import MOST_OF_A_KIND, Kind, Noted, Trouble
from shared.telemetry.troubles import troubles_last
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit


def lasting(number: int, kind: Kind = Kind.TAG_GONE) -> Noted:
    """A trouble that lasts the longer the lower its number is."""
    trouble = Trouble(kind=kind, about=f"tag:{number}", detail="gone", images=("node", "other"))
    return Noted(trouble=trouble, since=NOON + timedelta(minutes=number), told=True)


def told(caplog: pytest.LogCaptureFixture, *troubles: Noted) -> list[dict[str, Any]]:
    """The events that are told of some troubles."""
    caplog.set_level(logging.INFO, "tidegate.events")
    troubles_last(troubles)
    return [vars(record) for record in caplog.records]


def test_a_trouble_is_an_event_with_its_kind_its_subject_its_entries_and_since_when(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (event,) = told(caplog, lasting(0))
    names = ("microsoft.custom_event.name", "tidegate.trouble", "tidegate.subject", "tidegate.image", "tidegate.since")
    assert [event[name] for name in names] == ["trouble", "tag-gone", "tag:0", "node other", "2026-03-04T12:00:00Z"]
    assert event["tidegate.detail"] == "gone"


def test_where_nothing_is_wrong_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog) == []


def test_of_very_many_of_one_kind_the_oldest_are_told_by_name_and_the_rest_as_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many = [lasting(number) for number in reversed(range(MOST_OF_A_KIND + 5))]
    events = told(caplog, *many, lasting(99, Kind.NOT_UPDATED))
    gone = [event for event in events if event["tidegate.trouble"] == "tag-gone"]
    assert [event["tidegate.subject"] for event in gone] == [f"tag:{number}" for number in range(20)] + ["others"]
    assert gone[-1]["tidegate.detail"].startswith("5 more")
    assert [event["tidegate.subject"] for event in events if event not in gone] == ["tag:99"]
