"""A month's bill, from what was counted, what is deployed and what it is charged by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.deployed import Deployed
from tests.idle.counts import FOUND_NOTHING, PLATFORM, Counts, total
from tests.idle.idle import GATE_SECONDS

# A month of thirty days.
QUARTERS = 30 * 24 * 4
# What an agent of ACR Tasks has unless it is asked for more; so long is the gate of an update that was counted.
GATE_VCPUS = 2
IDLE, UPDATES, GATES, WATCH = "idle", "updates", "gates", "watch"
NOTICES, PAGES = "notices", "pages"
# The standing watch of a thousand images in use, as tests/twin/test_watch_runs.py has it: runs a day, and seconds of
# each, of which most are an agent's that fetches the scanner and its database.
WATCHED_IMAGES, WATCH_RUNS, WATCH_SECONDS = 1000, 4, 90
# So many pages are looked at a day, and none twice within the seconds for which it is kept.
PAGES_A_DAY = 100
# A message is put, got and deleted; an instance that is called is billed for a second at least.
_A_MESSAGE, _A_CALL = 3, 1.0
# Deletions are free, leases and properties are other operations; what is listed costs as much as what is written:
# https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories
_BLOB_PRICES = {
    "Get": "blob_read",
    "Properties": "blob_other",
    "ContainerProperties": "blob_other",
    "Put lease": "blob_other",
    "Put metadata": "blob_other",
    "Delete": "",
    "DeleteContainer": "",
}
_DEAREST = "blob_write"
_METRICS = "MetricData"


@dataclass(frozen=True)
class Line:
    """One line of the bill.

    Attributes:
        part: what it is for: ``IDLE``, ``UPDATES``, ``GATES``, ``WATCH``, ``NOTICES`` or ``PAGES``.
        what: for people.
        amount: how much of it a month.
        price: the name of its price.
    """

    part: str
    what: str
    amount: float
    price: str


def lines(counted: Mapping[str, Any], found: Deployed, updates: int) -> list[Line]:
    """Return the lines of a month's bill.

    Args:
        counted: as ``tests/bench/counted.json`` holds it.
        found: what is deployed.
        updates: promoted updates a month.
    """
    return [
        *_idle(counted["idle"]["quarter"], found),
        *_updates(counted["update"]["each"], found, updates),
        _gates(updates),
        *_watch(),
        *_notices(counted, found, updates),
        *_pages(counted["pages"], found),
    ]


def _idle(quarter: Counts, found: Deployed) -> list[Line]:
    listened, timers = len(found.functions["queue"]), len(found.functions["timer"])
    queue = quarter["queue"]
    platform = sum(number for kind, number in queue.items() if kind.startswith(PLATFORM))
    empty = queue.get(FOUND_NOTHING, 0)
    blobs = blob_amounts(quarter)
    metrics = quarter["told"].get(_METRICS, 0)
    amounts = [
        ("function calls", total(quarter, "executions"), "execution"),
        (f"GB-seconds, instances of {found.memory_gb:g} GB", _gb_seconds(quarter, found), "gb_second"),
        (f"queue operations, the platform's polls of {listened} queues", platform, "queue"),
        ("queue operations, polls of instances that find nothing", empty, "queue"),
        ("queue operations, all else", total(quarter, "queue") - platform - empty, "queue"),
        ("table transactions", total(quarter, "table"), "table"),
        ("blobs written and listed", blobs["blob_write"], "blob_write"),
        ("blobs read", blobs["blob_read"], "blob_read"),
        (f"blobs, leases of host and {timers} timers", blobs["blob_other"], "blob_other"),
        ("telemetry, GB: spans, events, logs", (total(quarter, "told") - metrics) / 1e9, "telemetry_gb"),
        ("telemetry, GB: metrics", metrics / 1e9, "telemetry_gb"),
    ]
    alerts = [
        Line(IDLE, f"alert rules, every {every[2:-1]} minutes", number, f"alert_{every.lower()}")
        for every, number in sorted(found.alerts.items())
    ]
    return [*(Line(IDLE, what, amount * QUARTERS, price) for what, amount, price in amounts), *alerts]


def _updates(each: Counts, found: Deployed, updates: int) -> list[Line]:
    blobs = blob_amounts(each)
    amounts = [
        ("function calls", total(each, "executions"), "execution"),
        ("GB-seconds", _gb_seconds(each, found), "gb_second"),
        ("queue operations", total(each, "queue"), "queue"),
        ("table transactions", total(each, "table"), "table"),
        ("blobs written and listed", blobs["blob_write"], "blob_write"),
        ("blobs read", blobs["blob_read"], "blob_read"),
        ("blobs, leases", blobs["blob_other"], "blob_other"),
        ("telemetry, GB", total(each, "told") / 1e9, "telemetry_gb"),
    ]
    return [Line(UPDATES, what, amount * updates, price) for what, amount, price in amounts]


def _gates(updates: int) -> Line:
    return Line(GATES, "vCPU-seconds in ACR Tasks", updates * GATE_SECONDS * GATE_VCPUS, "vcpu_second")


def _watch() -> list[Line]:
    """Each day what is in each image is read twice, to be looked at and to be judged; and all is said to be in use."""
    days, quarters = 30, QUARTERS
    return [
        Line(WATCH, "vCPU-seconds in ACR Tasks", days * WATCH_RUNS * WATCH_SECONDS * GATE_VCPUS, "vcpu_second"),
        Line(WATCH, "blobs read", days * 3 * WATCHED_IMAGES + quarters, "blob_read"),
        Line(WATCH, "blobs written", days * (3 * WATCH_RUNS + 2), "blob_write"),
        Line(WATCH, "table transactions", days * 2 * WATCHED_IMAGES + 4 * quarters, "table"),
    ]


def _notices(counted: Mapping[str, Any], found: Deployed, updates: int) -> list[Line]:
    """Each update is told to each destination by a message of its own, which is more than the usual digests are."""
    told, quarter, each = counted["notices"], counted["idle"]["quarter"], counted["update"]["each"]
    looks = QUARTERS * _calls_of_queues(quarter, found) + updates * _calls_of_queues(each, found)
    sweeps = QUARTERS * quarter["executions"].get("sweep", 0)
    calls = updates * of_service(told["each"], "queue")
    tables = updates * of_service(told["each"], "table")
    anyway = sweeps * of_service(told["sweep"], "table") + looks * of_service(told["look"], "table")
    amounts = [
        ("function calls", calls, "execution"),
        ("GB-seconds", calls * _A_CALL * found.memory_gb, "gb_second"),
        ("queue operations", calls * _A_MESSAGE, "queue"),
        ("table transactions of what is told", tables, "table"),
        ("table transactions of looking whether something is to be told", anyway, "table"),
        ("blobs read", updates * told["each"].get("blob Get", 0), "blob_read"),
        ("blobs listed", updates * told["each"].get("blob List", 0), "blob_write"),
    ]
    return [Line(NOTICES, what, amount, price) for what, amount, price in amounts if amount]


def _calls_of_queues(counts: Counts, found: Deployed) -> float:
    """Whoever is called by a message may look at what is due."""
    return sum(counts["executions"].get(name, 0) for name in found.functions["queue"])


def _pages(counted: Mapping[str, Mapping[str, float]], found: Deployed) -> list[Line]:
    viewed = 30 * PAGES_A_DAY
    seconds = viewed * sum(max(_A_CALL, one["seconds"]) for one in counted.values()) / max(len(counted), 1)
    amounts = [
        ("function calls", viewed, "execution"),
        ("GB-seconds", seconds * found.memory_gb, "gb_second"),
        ("table transactions", viewed * mean(counted, "table"), "table"),
        ("blobs read", viewed * mean(counted, "blob"), "blob_read"),
    ]
    return [Line(PAGES, what, amount, price) for what, amount, price in amounts if amount]


def of_service(counts: Mapping[str, float], service: str) -> float:
    """Return how many requests of a service there are, such as ``table``, of every kind."""
    return sum(number for kind, number in counts.items() if kind.startswith(f"{service} "))


def mean(counted: Mapping[str, Mapping[str, float]], what: str) -> float:
    """Return how much of something a page has, each page as often as any other."""
    return sum(one[what] for one in counted.values()) / max(len(counted), 1)


def _gb_seconds(counts: Counts, found: Deployed) -> float:
    return total(counts, "billed seconds") * found.memory_gb


def blob_amounts(counts: Counts) -> dict[str, float]:
    """Return how many blob operations cost which price; one whose price is not known here counts as the dearest."""
    amounts = dict.fromkeys(("blob_write", "blob_read", "blob_other", ""), 0.0)
    for kind, number in counts["blob"].items():
        amounts[_BLOB_PRICES.get(kind.partition(" of ")[0], _DEAREST)] += number
    return amounts
