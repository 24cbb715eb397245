"""The page about cost is what its calculation says, and that is about the app and the templates there are."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.bill import GATES, IDLE, NOTICES, PAGES, PAGES_A_DAY, UPDATES, Line, blob_amounts, lines
from tests.bench.cost import COUNTED, PAGE, PRICES
from tests.bench.cost import UPDATES as UPDATES_A_MONTH
from tests.bench.cost_page import page
from tests.bench.deployed import Deployed, alerts, deployed
from tests.idle.counts import SUBJECTS
from tests.infra.bicep import INFRA, read

pytestmark = pytest.mark.unit

DATED = r"[A-Z][A-Za-z ]+, (\d{4}-\d{2}-\d{2}|not dated)"
NOTHING: dict[str, dict[str, float]] = {subject: {} for subject in SUBJECTS}
FOUND = Deployed({"timer": ["tick"], "queue": ["one", "two"], "http": []}, ["one", "two"], 0.5, 0.25, {"PT15M": 3})
QUARTERS = 4 * 24 * 30
RULES = """\
var rules = [
  { name: 'a', every: 'PT5M' }
  { name: 'b', every: 'PT15M', by: [{ name: 'c' }] }
]
resource all 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    properties: { evaluationFrequency: rule.every }
  }
]
resource one 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  properties: { evaluationFrequency: 'PT1M' }
}
"""


def counted(quarter: dict[str, Any] | None = None, each: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "idle": {"quarter": {**NOTHING, **(quarter or {})}},
        "update": {"each": {**NOTHING, **(each or {})}},
        "notices": {"destinations": 3, "each": {}, "look": {}, "sweep": {}},
        "pages": {},
    }


def of_part(part: str, bill: list[Line]) -> dict[str, float]:
    return {line.what: line.amount for line in bill if line.part == part}


def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COUNTED.read_text())
    return found


def prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PRICES.read_text())
    return found


def test_the_page_is_what_was_counted_what_is_deployed_and_what_is_paid() -> None:
    said = "run `python -m tests.bench.cost --computed`, or `make cost` where the app does other work than was counted"
    assert PAGE.read_text() == page(stored(), prices(), deployed(), UPDATES_A_MONTH), said


def test_what_was_counted_is_an_app_with_the_functions_and_queues_there_are() -> None:
    counted_of = (stored()["functions"], stored()["queues"])
    assert counted_of == (deployed().functions, deployed().queues), "another app was counted: run `make cost`"


def test_what_was_counted_had_the_share_of_a_core_that_is_deployed_or_the_page_says_otherwise() -> None:
    counted_as_deployed = stored()
    counted_as_deployed["idle"]["cores"] = deployed().cores
    said = f"Each instance had {deployed().cores:g} of a core"
    assert said in page(counted_as_deployed, prices(), deployed(), UPDATES_A_MONTH)
    counted_as_deployed["idle"]["cores"] = 0.0
    assert said not in page(counted_as_deployed, prices(), deployed(), UPDATES_A_MONTH)


def test_another_alert_rule_another_queue_or_another_count_is_another_page() -> None:
    now, today = deployed(), stored()
    written = page(today, prices(), now, UPDATES_A_MONTH)
    more_rules = replace(now, alerts={**now.alerts, "PT15M": now.alerts.get("PT15M", 0) + 1})
    more_queues = replace(now, functions={**now.functions, "queue": [*now.functions["queue"], "another"]})
    today["idle"]["quarter"]["queue"]["PutMessage"] = 1_000_000
    others = (
        page(stored(), prices(), more_rules, UPDATES_A_MONTH),
        page(stored(), prices(), more_queues, UPDATES_A_MONTH),
        page(today, prices(), now, UPDATES_A_MONTH),
    )
    assert written not in others


def test_a_quarter_of_an_hour_is_paid_for_as_often_as_a_month_has_one() -> None:
    bill = of_part(IDLE, lines(counted({"table": {"Query": 3.0, "Batch": 4.0}}), FOUND, 200))
    assert bill["table transactions"] == 7 * QUARTERS


def test_the_platforms_polls_and_those_of_instances_are_lines_of_their_own() -> None:
    queue = {"the platform's GetQueueMetadata": 180.0, "GetMessages that found nothing": 20.0, "PutMessage": 2.0}
    bill = of_part(IDLE, lines(counted({"queue": queue}), FOUND, 200))
    assert bill["queue operations, the platform's polls of 2 queues"] == 180 * QUARTERS
    assert bill["queue operations, polls of instances that find nothing"] == 20 * QUARTERS
    assert bill["queue operations, all else"] == 2 * QUARTERS


def test_blobs_are_paid_for_by_what_is_done_to_them_and_what_is_unknown_is_the_dearest() -> None:
    blob = {"Put": 1.0, "Put of a timer's last run": 2.0, "List": 4.0, "Get": 8.0, "Put lease": 16.0, "Delete": 32.0}
    found = blob_amounts({**NOTHING, "blob": {**blob, "Patch": 64.0}})
    assert (found["blob_write"], found["blob_read"], found["blob_other"]) == (1 + 2 + 4 + 64, 8, 16)


def test_alert_rules_are_paid_for_by_how_often_they_look() -> None:
    bill = lines(counted(), replace(FOUND, alerts={"PT5M": 1, "PT15M": 3}), 200)
    assert {line.price: line.amount for line in bill if line.price.startswith("alert")} == {
        "alert_pt5m": 1,
        "alert_pt15m": 3,
    }


def test_an_update_is_paid_for_as_often_as_it_happens_and_its_gate_apart() -> None:
    bill = lines(
        counted(each={"executions": {"import_images": 7.0}, "billed seconds": {"import_images": 8.0}}), FOUND, 50
    )
    assert of_part(UPDATES, bill)["function calls"] == 7 * 50
    assert of_part(UPDATES, bill)["GB-seconds"] == 8 * 50 * 0.5
    assert of_part(GATES, bill) == {"vCPU-seconds in ACR Tasks": 2 * 90 * 50}


def test_a_notice_is_paid_for_at_each_destination_and_so_is_looking_whether_there_is_one() -> None:
    calls = {"executions": {"one": 5.0, "tick": 9.0, "sweep": 2.0}}
    now = counted(quarter=calls, each={"executions": {"one": 1.0, "two": 2.0}})
    each = {"table Get": 4.0, "table Update": 8.0, "queue PutMessage": 3.0, "blob Get": 1.0}
    now["notices"] = {"destinations": 3, "each": each, "look": {"table Query": 2}, "sweep": {"table Query": 7}}
    bill = of_part(NOTICES, lines(now, FOUND, 50))
    assert bill == {
        "function calls": 3 * 50,
        "GB-seconds": 3 * 50 * 0.5,
        "queue operations": 3 * 3 * 50,
        "table transactions of what is told": 12 * 50,
        "table transactions of looking whether something is to be told": QUARTERS * (2 * 7 + 5 * 2) + 50 * 3 * 2,
        "blobs read": 50,
    }


def test_pages_are_paid_for_by_what_one_reads_and_a_second_at_least() -> None:
    now = counted()
    now["pages"] = {"a": {"table": 10, "blob": 1, "seconds": 0.2}, "b": {"table": 20, "blob": 0, "seconds": 2.0}}
    viewed = 30 * PAGES_A_DAY
    assert of_part(PAGES, lines(now, FOUND, 50)) == {
        "function calls": viewed,
        "GB-seconds": viewed * 1.5 * 0.5,
        "table transactions": viewed * 15,
        "blobs read": viewed * 0.5,
    }


@pytest.mark.parametrize(("part", "of", "kind"), [("notices", "each", "table Query"), ("pages", "pages", "table")])
def test_another_count_of_notices_or_of_pages_is_another_page(part: str, of: str, kind: str) -> None:
    now = stored()
    now[part][of][kind] += 90
    assert page(now, prices(), deployed(), UPDATES_A_MONTH) != page(stored(), prices(), deployed(), UPDATES_A_MONTH)


def test_the_page_tells_what_a_notice_and_a_page_cost_and_a_month_of_them() -> None:
    now, text = stored(), PAGE.read_text()
    each = sum(number for kind, number in now["notices"]["each"].items() if kind.startswith("table "))
    assert f"{each / 3:.1f} table transactions for each" in " ".join(text.split())
    assert f"| **notices of {UPDATES_A_MONTH} updates to 3 destinations** | | " in text
    assert f"| **{PAGES_A_DAY} pages a day** | | " in text
    assert all(f"| `{path}` | {one['table']:,} | {one['blob']:,} |" in text for path, one in now["pages"].items())


def test_the_page_tells_what_the_default_costs_that_asks_what_lies_beside_images() -> None:
    text = PAGE.read_text()
    assert "(`referrers: best-effort`)" in text
    assert "200 updates are 8,200 table" in " ".join(text.split())


def test_every_alert_rule_of_the_templates_is_found_with_how_often_it_looks(tmp_path: Path) -> None:
    file = tmp_path / "rules.bicep"
    file.write_text(RULES)
    assert alerts(read(file)) == ["PT5M", "PT15M", "PT1M"]
    texts = [file.read_text() for file in (INFRA / "modules").glob("*.bicep")]
    declared = sum(text.count("'Microsoft.Insights/scheduledQueryRules@") for text in texts)
    assert sum(deployed().alerts.values()) >= declared > 0


def test_an_alert_rule_that_does_not_say_how_often_it_looks_is_an_error_and_not_free(tmp_path: Path) -> None:
    file = tmp_path / "rules.bicep"
    file.write_text(RULES.replace("every: 'PT5M'", "often: 'PT5M'"))
    with pytest.raises(ValueError, match=r"rules\.bicep: how often the alert rules of all look is not read here"):
        alerts(read(file))


def test_every_line_has_a_price_and_every_price_its_list() -> None:
    per = prices()["per"]
    assert {line.price for line in lines(stored(), deployed(), UPDATES_A_MONTH)} <= set(per)
    assert all(one["source"].startswith("https://prices.azure.com/") and one["price"] > 0 for one in per.values())
    assert all(one["meter"].replace(" ", "%20") in one["source"] for one in per.values())


def test_every_price_says_with_what_it_was_compared() -> None:
    assert {name for name, one in prices()["per"].items() if not re.fullmatch(DATED, one["confirmed"])} == set()


def test_what_is_free_is_said_and_not_taken_off() -> None:
    written = page(stored(), prices(), deployed(), UPDATES_A_MONTH)
    spared = re.findall(r"^\| ([a-z ]+) \| [\d,]+ \| [\d,.]+ \| ([\d.]+) \|$", written, re.MULTILINE)
    assert {name for name, _ in spared} == {"gb second", "execution", "telemetry gb", "vcpu second"}
    bill = lines(stored(), deployed(), UPDATES_A_MONTH)
    whole = sum(line.amount * prices()["per"][line.price]["price"] for line in bill)
    assert f"| **together** | | **{whole:.2f}** |" in written
