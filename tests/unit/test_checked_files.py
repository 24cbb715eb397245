"""A file that could be written is valid, and one that is refused is not: one piece checks both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shared.admitting import Admitting
from shared.domain.promotion.said import Said
from shared.errors import MalformedInput
from tests.doubles.configuration_files import InMemoryFiles
from tests.doubles.storage import MIDDAY
from tests.doubles.world import BASE_SERVER, World

pytestmark = pytest.mark.unit

SAID = Said("ada", "a new channel", MIDDAY)
KNOWN, UNKNOWN = (f"routes: [{{to: {name}, when: now}}]\n".encode() for name in ("chat", "nobody"))


@pytest.fixture
def admitting() -> Admitting:
    """The app's own parts over files in memory, with one destination."""
    world: Any = World(destinations=("chat",))
    parts: Any = SimpleNamespace(
        configuration_files=InMemoryFiles({}),
        configuration=world.configuration,
        activity=world.activity,
        notifying=world.notifying,
        settings=SimpleNamespace(base_server=BASE_SERVER, list_removal_percent=20),
        watch_lists=world.watch_lists,
    )
    return Admitting(parts, world.scan_book)


def test_routes_to_a_destination_that_nobody_set_are_neither_valid_nor_written(admitting: Admitting) -> None:
    told = admitting.comparer.check("notify.yaml", UNKNOWN)
    assert not told.valid
    assert "nobody" in "".join(told.problems)
    with pytest.raises(MalformedInput, match="nobody"):
        admitting.writer.write("notify.yaml", UNKNOWN, None, SAID)


def test_routes_to_one_that_is_set_are_valid_and_written(admitting: Admitting) -> None:
    assert admitting.comparer.check("notify.yaml", KNOWN).valid
    assert admitting.writer.write("notify.yaml", KNOWN, None, SAID).content == KNOWN
