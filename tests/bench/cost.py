"""``python -m tests.bench.cost``: what a month costs in Azure, from what was counted on the twin and from prices.

Writes ``docs/cost.md`` and what it was computed from, ``tests/bench/counted.json``. With ``--computed`` nothing is
counted anew. ``--price NAME=VALUE`` replaces a price of ``tests/bench/prices.json``, ``--updates N`` the
updates a month; then the page is printed and not written.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import counting

ROOT = Path(__file__).resolve().parents[2]
PAGE, COUNTED = ROOT / "docs" / "cost.md", Path(__file__).with_name("counted.json")
PRICES = Path(__file__).with_name("prices.json")
# What is computed: a month of thirty days, a check every quarter of an hour, a sweep every minute.
MINUTES = 30 * 24 * 60
CHECKS, SWEEPS = MINUTES // 15, MINUTES
# What is wrong is surveyed every quarter of an hour: three tables are read in pages of a thousand rows, and that of
# observations has one for each repository, too, and that of listings a row for each application registry; the list is
# asked for. tests/contract/test_troubles.py counts it.
SURVEYS, TABLES_A_SURVEY, BLOBS_A_SURVEY = MINUTES // 15, 2 + 1 + 1 + 1, 1
WATCHED_TAGS, UPDATES = 1000, 200
INSTANCE_GB = 2
# A gate's run: two vCPUs for a minute and a half.
VCPU_SECONDS = 2 * 90
EXPORTS = MINUTES
# Counted in Azurite's log under Microsoft's host: its own lease every 12 s, one for each of four timers every 7.5 s.
LEASES_A_MINUTE = 5 + 4 * 8
_SERVICES = ("queue", "table", "blob")


@dataclass(frozen=True)
class Line:
    """One line of the bill.

    Attributes:
        what: for people.
        amount: how much of it a month.
        price: the name of its price.
    """

    what: str
    amount: float
    price: str


def lines(counted: dict[str, Any], updates: int = UPDATES) -> list[Line]:
    """Return the lines of a month's bill.

    Args:
        counted: as ``counting.counted`` gives it.
        updates: promoted updates a month.
    """
    hundreds = WATCHED_TAGS / (counting.REPOSITORIES * counting.TAGS_EACH)
    times = {"check": CHECKS * hundreds, "update": updates, "sweep": SWEEPS}

    def month(key: str) -> float:
        return sum(counted[part][key] * number for part, number in times.items())

    metrics = counted["metrics_kb_an_export"] * EXPORTS / 1e6
    return [
        Line("function calls", month("executions"), "execution"),
        Line(f"GB-seconds, instances of {INSTANCE_GB} GB", month("seconds") * INSTANCE_GB, "gb_second"),
        *(Line(f"{service} transactions", month(service), service) for service in _SERVICES),
        # An observation that says nothing new is written once its last look is a quarter of an hour old.
        Line("table transactions, noting the last look", times["check"] * counting.REPOSITORIES, "table"),
        Line("table transactions, surveys of what is wrong", SURVEYS * TABLES_A_SURVEY, "table"),
        Line("blob transactions, surveys of what is wrong", SURVEYS * BLOBS_A_SURVEY, "blob"),
        Line("queue transactions, polls that find nothing", counted["idle_polls_a_minute"] * MINUTES, "queue"),
        Line("blob transactions, leases of host and timers", LEASES_A_MINUTE * MINUTES, "blob"),
        Line("telemetry, GB: spans, events, logs", month("telemetry_kb") / 1e6, "telemetry_gb"),
        Line("telemetry, GB: metrics", metrics, "telemetry_gb"),
        Line("vCPU-seconds of gates in ACR Tasks", updates * VCPU_SECONDS, "vcpu_second"),
    ]


def page(counted: dict[str, Any], prices: dict[str, Any], updates: int = UPDATES) -> str:
    """Return ``docs/cost.md``."""
    bill = [(line, line.amount * prices["per"][line.price]["price"]) for line in lines(counted, updates)]
    body = [f"| {line.what} | {_shown(line.amount)} | {cost:.2f} |" for line, cost in bill]
    total = f"| **together** | | **{sum(cost for _, cost in bill):.2f}** |"
    parts = ("check", "update", "sweep")
    kinds = {key: [counted[part][key] for part in parts] for key in counted["check"]}
    table = [f"| {key.replace('_', ' ')} | {' | '.join(f'{value:g}' for value in row)} |" for key, row in kinds.items()]
    rates = [_rate(name, one) for name, one in prices["per"].items()]
    return _PAGE.format(
        tags=f"{WATCHED_TAGS:,}",
        updates=updates,
        currency=prices["currency"],
        region=prices["region"],
        bill="\n".join([*body, total]),
        counted="\n".join(table),
        polls=counted["idle_polls_a_minute"],
        metrics=counted["metrics_kb_an_export"],
        prices="\n".join(rates),
    )


def _rate(name: str, one: dict[str, Any]) -> str:
    meter = f"[{one['meter']}]({one['source']})"
    return f"| {name.replace('_', ' ')} | {_plain(one['price'])} | {meter} | {one['confirmed']} |"


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}"


def _plain(price: float) -> str:
    return f"{price:.9f}".rstrip("0")


_PAGE = """\
# Cost

What Tidegate itself costs a month: {tags} watched tags, checked every quarter of an hour, {updates} updates promoted, a
sweep every minute. Registries, their storage and traffic, and the application images' own builds are not in it. This
page is written by `make cost`: amounts are counted on the twin, prices are parameters.

| | a month | {currency} |
|---|---:|---:|
{bill}

It is an upper bound where Azure's bill cannot be known from here:

- Free grants of Functions and Log Analytics are not taken off.
- Functions are billed by the time in which an instance is busy; here every call counts by itself, as if no two of an
  instance ever ran at once, with a second at least, as Flex Consumption has it.
- Polls were counted when ten queue functions listened, which never scaled to zero; an instance that is not there polls
  nothing. Two listen by now, and the sweep asks for what died: the next count is to show a fifth.
- Metrics are those of one instance that never sleeps, performance counters of the exporter among them.
- Leases are those of one instance that never sleeps, as Microsoft's host renews them for itself and for four timers.

Left out are the host's own telemetry and what it keeps of each timer's last run, which the twin's host does not count.

## What was counted

One check of a hundred tags in twenty repositories, one update from the check to the promotion, one sweep. Upstream
requests were slowed to a tenth of a second each, which is what takes the time of a check.

| | check | update | sweep |
|---|---:|---:|---:|
{counted}

Besides: {polls} polls a minute that found nothing, and {metrics} kB of metrics at each export, once a minute.

## Prices

{currency}, {region}, for the zone-redundant storage that the templates make; every blob transaction is taken for a
write, the dearest kind. Azure's price list could not be asked from where this page was written. Each price was compared
with an answer of the list that somebody else had recorded in public; the last column says for which region and of which
day. The meters link to the list itself. Put in your own, region and agreement considered:
`.venv/bin/python -m tests.bench.cost --computed --price telemetry_gb=2.76 --updates 50`.

| one of | price | meter in Azure's price list | compared with the list's answer for |
|---|---:|---|---|
{prices}
"""


def main() -> None:
    """Count, compute, and write or print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("--computed", action="store_true", help="take what was counted the last time")
    parser.add_argument("--price", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--updates", type=int, default=UPDATES)
    arguments = parser.parse_args()
    prices = json.loads(PRICES.read_text())
    for name, value in (text.split("=") for text in arguments.price):
        prices["per"][name]["price"] = float(value)
    if not arguments.computed:
        with tempfile.TemporaryDirectory(prefix="tidegate-cost-") as folder:
            COUNTED.write_text(json.dumps(counting.counted(Path(folder)), indent=1) + "\n")
    text = page(json.loads(COUNTED.read_text()), prices, arguments.updates)
    if arguments.price or arguments.updates != UPDATES:
        print(text)
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
