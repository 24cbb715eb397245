"""The page about cost is what its calculation says, and the calculation is what it says it is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.bench.cost import COUNTED, PAGE, PRICES, lines, page

pytestmark = pytest.mark.unit

DATED = r"[A-Z][A-Za-z ]+, (\d{4}-\d{2}-\d{2}|not dated)"
NOTHING = dict.fromkeys(("queue", "table", "blob", "executions", "seconds", "telemetry_kb"), 0.0)


def counted(**parts: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(("check", "update", "sweep"), NOTHING),
        "idle_polls_a_minute": 0,
        "metrics_kb_an_export": 0.0,
        **parts,
    }


def test_the_page_is_what_was_counted_and_what_is_paid() -> None:
    assert PAGE.read_text() == page(json.loads(COUNTED.read_text()), json.loads(PRICES.read_text()))


def test_a_thousand_tags_are_checked_four_times_an_hour_for_thirty_days() -> None:
    found = {line.what: line.amount for line in lines(counted(check={**NOTHING, "table": 20.0}))}
    assert found["table transactions"] == 20 * 10 * 4 * 24 * 30


def test_an_update_is_paid_for_as_often_as_it_happens() -> None:
    found = {line.price: line.amount for line in lines(counted(update={**NOTHING, "executions": 7.0}), updates=50)}
    assert found["execution"] == 7 * 50
    assert found["vcpu_second"] == 180 * 50


def test_every_price_has_its_list() -> None:
    prices = json.loads(PRICES.read_text())["per"]
    assert {line.price for line in lines(counted())} == set(prices)
    assert all(one["source"].startswith("https://prices.azure.com/") and one["price"] > 0 for one in prices.values())
    assert all(one["meter"].replace(" ", "%20") in one["source"] for one in prices.values())


def test_every_price_says_with_what_it_was_compared() -> None:
    prices = json.loads(PRICES.read_text())["per"]
    assert {name for name, one in prices.items() if not re.fullmatch(DATED, one["confirmed"])} == set()
