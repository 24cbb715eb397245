"""What every implementation of ``Switches`` promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.switches_table import SwitchesTable
from shared.dispatch_ports import Off, Switches
from tests.doubles.dispatchers import InMemorySwitches

pytestmark = pytest.mark.contract

OFF = Off("builds", "f" * 32, datetime(2026, 3, 4, 12, tzinfo=UTC), "HTTP 410, no more of it")


@pytest.fixture
def switches(account_or_none: StorageAccount | None) -> Switches:
    """The implementation under test."""
    return SwitchesTable(account_or_none) if account_or_none else InMemorySwitches()


def test_whoever_said_nothing_is_on(switches: Switches) -> None:
    assert switches.off("builds", "f" * 32) is None


def test_whoever_is_off_is_off_with_its_first_word_and_by_the_settings_that_it_was_asked_by(
    switches: Switches,
) -> None:
    switches.switch_off(OFF)
    switches.switch_off(Off("builds", "f" * 32, OFF.at, "another word"))
    assert switches.off("builds", "f" * 32) == OFF
    assert switches.off("builds", "e" * 32) is None
    assert switches.off("others", "f" * 32) is None
