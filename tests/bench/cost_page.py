"""The page about cost, as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from tests.bench.bill import (
    GATE_VCPUS,
    GATES,
    IDLE,
    NOTICES,
    PAGES,
    PAGES_A_DAY,
    UPDATES,
    WATCH,
    WATCH_RUNS,
    WATCH_SECONDS,
    WATCHED_IMAGES,
    Line,
    lines,
    mean,
    of_service,
)
from tests.bench.deployed import Deployed
from tests.idle.counts import SUBJECTS, Counts, total
from tests.idle.idle import GATE_SECONDS, IMPORT_SECONDS, QUARTER

_WIDTH = 120
_UNITS = {"billed seconds": 1.0, "told": 1000.0}
# Table transactions beside an update that nothing refers to, and each look for what comes later; docs/travelling.md.
_TRAVEL_BEGINS, _TRAVEL_LOOKS, _TRAVEL_LOOK = 2, 13, 3
# Housekeeping asks each quarter of an hour whether a round begins; docs/housekeeping.md.
_HOUSE_ASKS = 96
_NAMES = {"told": "kB told", "asked": "requests to upstreams, registries and Azure", "starts": "instances started"}


def page(counted: Mapping[str, Any], prices: Mapping[str, Any], found: Deployed, updates: int) -> str:
    """Return ``docs/cost.md``.

    Args:
        counted: as ``tests/bench/counted.json`` holds it.
        prices: as ``tests/bench/prices.json`` does.
        found: what is deployed.
        updates: promoted updates a month.
    """
    bill = lines(counted, found, updates)
    idle, update = counted["idle"], counted["update"]
    return _PAGE.format(
        tags=f"{idle['tags']:,}",
        updates=updates,
        bill=_bill(bill, prices, updates, counted["notices"]["destinations"]),
        currency=prices["currency"],
        region=prices["region"],
        free=_free(bill, prices),
        gate=f"{GATE_SECONDS * GATE_VCPUS * prices['per']['vcpu_second']['price']:.3f}",
        gate_seconds=f"{GATE_SECONDS:g}",
        import_seconds=f"{IMPORT_SECONDS:g}",
        vcpus=GATE_VCPUS,
        watched=f"{WATCHED_IMAGES:,}",
        runs=WATCH_RUNS,
        watch_seconds=WATCH_SECONDS,
        listened=len(found.functions["queue"]),
        timers=len(found.functions["timer"]),
        leases=5 + 2 * len(found.functions["timer"]),
        rules=sum(found.alerts.values()),
        share=_share(counted, found),
        how=_how(counted),
        counts=_counts(idle["quarter"], update["each"]),
        **_of_people(counted),
        **_of_travel(updates, prices),
        moved=update["updates"],
        prices="\n".join(
            _rate(name, one) for name, one in prices["per"].items() if name in {line.price for line in bill}
        ),
    )


def _bill(bill: list[Line], prices: Mapping[str, Any], updates: int, destinations: int) -> str:
    parts = {IDLE: "without an update", UPDATES: f"{updates} updates", GATES: f"the gates of {updates} updates"}
    parts[WATCH] = f"the standing watch of {WATCHED_IMAGES:,} images"
    parts[NOTICES] = f"notices of {updates} updates to {destinations} destinations"
    parts[PAGES] = f"{PAGES_A_DAY} pages a day"
    rows = []
    for part, name in parts.items():
        of_part = [line for line in bill if line.part == part]
        rows += [f"| {_titled(line)} | {_shown(line.amount)} | {_cost(line, prices):.2f} |" for line in of_part]
        rows.append(f"| **{name}** | | **{sum(_cost(line, prices) for line in of_part):.2f}** |")
    apart = sum(_cost(line, prices) for line in bill if line.part not in {GATES, WATCH})
    rows += [
        f"| **together, gates and watch apart** | | **{apart:.2f}** |",
        f"| **together** | | **{sum(_cost(line, prices) for line in bill):.2f}** |",
    ]
    return "\n".join(rows)


def _titled(line: Line) -> str:
    apart = {UPDATES: "updates: ", GATES: "gates: ", WATCH: "watch: ", NOTICES: "notices: ", PAGES: "pages: "}
    return apart.get(line.part, "") + line.what


def _cost(line: Line, prices: Mapping[str, Any]) -> float:
    return float(line.amount * prices["per"][line.price]["price"])


def _free(bill: list[Line], prices: Mapping[str, Any]) -> str:
    """What a subscription or account has free each month, if nothing else uses it."""
    rows = []
    for name, one in prices["per"].items():
        used = sum(line.amount for line in bill if line.price == name)
        if "free" in one and used:
            spared = min(used, one["free"]) * one["price"]
            rows.append(f"| {_named(name)} | {one['free']:,} | {_shown(used)} | {spared:.2f} |")
    return "\n".join(rows)


def _share(counted: Mapping[str, Any], found: Deployed) -> str:
    cores = counted["idle"]["cores"]
    if cores == found.cores:
        return f"Each instance had {cores:g} of a core, as in Azure."
    had = f"{cores:g} of a core" if cores else "whatever the machine had left"
    return f"In Azure one has {found.cores:g} of a core; here each had\n  {had}, so that there it runs longer."


def _how(counted: Mapping[str, Any]) -> str:
    before, around = counted["idle"]["plain_seconds"], counted["idle"]["check_seconds"]
    told = (
        f"Counted {counted['when']} at commit {counted['commit']} on {counted['machine']}: {before} s in which nothing",
        "was due but what comes more often than each quarter of an hour, then",
        f"{around} s in which all the rest came once. A quarter of an hour is these and",
        f"{(QUARTER - around) / before:.2f} times those. Docker Hub's answers were made a tenth of a second slower.",
    )
    return fill(" ".join(told), _WIDTH)


def _counts(quarter: Counts, each: Counts) -> str:
    rows = []
    for subject in SUBJECTS:
        unit, name = _UNITS.get(subject, 1.0), _NAMES.get(subject, subject)
        both = [total(counts, subject) / unit for counts in (quarter, each)]
        rows.append(f"| **{name}** | {both[0]:,.1f} | {both[1]:,.1f} |")
        for kind in sorted({*quarter[subject], *each[subject]}):
            amounts = [counts[subject].get(kind, 0) / unit for counts in (quarter, each)]
            rows.append(f"| {kind} | {amounts[0]:,.1f} | {amounts[1]:,.1f} |")
    return "\n".join(rows)


def _of_people(counted: Mapping[str, Any]) -> dict[str, Any]:
    notices, pages = counted["notices"], counted["pages"]
    tables, most = of_service(notices["each"], "table"), max(one["table"] for one in pages.values())
    rows = [f"| `{path}` | {one['table']:,} | {one['blob']:,} |" for path, one in sorted(pages.items())]
    return {
        "destinations": notices["destinations"],
        "notice": f"{tables / notices['destinations']:.1f}",
        "wakes": f"{of_service(notices['each'], 'queue'):g}",
        "views": PAGES_A_DAY,
        "page_tables": f"{mean(pages, 'table'):.1f}",
        "page_most": most,
        "pages": "\n".join(rows),
    }


def _of_travel(updates: int, prices: Mapping[str, Any]) -> dict[str, Any]:
    """What the default costs where nothing refers to an image, as docs/travelling.md has it."""
    transactions = updates * (_TRAVEL_BEGINS + _TRAVEL_LOOKS * _TRAVEL_LOOK)
    price = prices["per"]["table"]["price"]
    return {
        "travel_looks": _TRAVEL_LOOKS,
        "travel_tables": f"{transactions:,}",
        "travel_cost": f"{transactions * price:.4f}",
        "house_tables": f"{_HOUSE_ASKS * 30:,}",
    }


def _rate(name: str, one: Mapping[str, Any]) -> str:
    return f"| {_named(name)} | {_plain(one['price'])} | [{one['meter']}]({one['source']}) | {one['confirmed']} |"


def _named(name: str) -> str:
    return name.replace("_pt", ", every ").replace("_", " ")


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.2f}"


def _plain(price: float) -> str:
    return f"{price:.9f}".rstrip("0").rstrip(".")


_PAGE = """\
# Cost

What Tidegate itself costs a month: {tags} watched tags, checked every quarter of an hour, {updates} updates promoted,
all schedules as deployed. Registries, their storage and traffic, and the application images' own builds are not in it.
This page is computed: `make cost` counts operations on the twin and writes it, prices are parameters.

| | a month | {currency} |
|---|---:|---:|
{bill}

A gate is said apart because it is what an update is made of: {vcpus} vCPUs for {gate_seconds} s are {gate} {currency}.
Reckon with the seconds of your own gates.

The standing watch costs what it does only where a policy has a scan: once a day, when the database is newer, what is in
{watched} images in use is looked at by {runs} runs of {watch_seconds} s. That is reckoned and not counted; images that
share less take more runs.

Notices and pages cost what they do only where destinations are set and pages are looked at. A notice that goes to each
of {destinations} destinations at once is {notice} table transactions for each, and {wakes} calls of the app; each
update is reckoned as one, which is more than the usual message of the day. A page is {page_tables} table transactions
where 1,000 images are watched, {page_most} at most; {views} are looked at a day, none within the seconds for which it
is kept.

What lies beside images is asked for by default (`referrers: best-effort`), and is reckoned here and not counted:
where nothing refers to an image, an update is asked about by one request more for each of its manifests, at once and
{travel_looks} times in the fourteen days after. Those requests are of the upstream's budget and cost nothing;
{updates} updates are {travel_tables} table transactions more, {travel_cost} {currency}. [Each referrer that comes,
unique tags](travelling.md#what-it-costs) and [records](decision-record.md#what-it-costs) have their own figures; a
record is one signature by Key Vault. With `referrers: off` and neither name nor record there is none of this.
Housekeeping, which is on for staging, is {house_tables} table transactions for being asked, and [what a round
takes](housekeeping.md#what-it-costs).

## What is free

Nothing of this is taken off above. Azure grants it each month, to a subscription or to a billing account as a whole.

| | free | used | {currency} spared |
|---|---:|---:|---:|
{free}

## How far to believe it

- An instance is billed for the time in which it runs something, calls that overlap once, a second a period at least.
  Instances come and go as the twin's host makes them: [as in Flex Consumption](../infra/local/host/README.md), as far
  as that is known. {share}
  Calls also ran longer where the machine that counted had other work.
- The platform looks at each of the {listened} queues that are listened to every ten seconds. That is what
  [Microsoft says of the Consumption plan][polls]; of Flex Consumption nothing is published.
- Microsoft's host holds a lease of 15 s for itself, renewed every 12 s, and one of 60 s for each of {timers} timers,
  renewed every 30 s: {leases} operations a minute of an instance that had all of them and never went. On a developer's
  machine the host holds timers' leases for 15 s, renewed four times as often ([the times][leases]); this page once
  counted that. A lease is [no write, but one of the other operations][operations], which cost a fifteenth of one.
- A page's seconds are those in which it was put together beside Azurite, on the machine that counted; what else that
  machine did is in them. Looking whether something is to be told is reckoned for each call of a queue and each sweep.
- What comes more seldom than each quarter of an hour, as a look at the base registry does, is counted as if it came in
  each.
- Told is what the app sends, as JSON. Azure does not bill some columns of it, which is about a quarter. What
  Microsoft's host tells of itself is not in it: the twin's host tells nothing.
- {rules} alert rules are paid for whether or not they fire. One that calls for each trouble by itself costs 0.05 more a
  month for each that it tells, where it looks each quarter of an hour.

## What was counted

{how}

An update is one tag of {moved} that moved one after the other, with imports of {import_seconds} s, a gate of
{gate_seconds} s and a webhook, less what the time costs anyway. It was asked for by hand, so one call of the API and
one check of a repository are in it.

| | a quarter of an hour, idle | an update |
|---|---:|---:|
{counts}

| a page, put together anew | table transactions | blobs |
|---|---:|---:|
{pages}

## Prices

{currency}, {region}, for the zone-redundant storage that the templates make. Azure's price list could not be asked
from where this page was written. Each price was compared with an answer of the list that somebody else had recorded in
public; the last column says for which region and of which day. The meters link to the list itself. Put in your own,
region and agreement considered:
`.venv/bin/python -m tests.bench.cost --computed --price telemetry_gb=2.76 --updates 50`.

| one of | price | meter in Azure's price list | compared with the list's answer for |
|---|---:|---|---|
{prices}

[polls]: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider
[leases]: https://github.com/Azure/azure-webjobs-sdk/blob/dev/src/Microsoft.Azure.WebJobs.Host/Singleton/SingletonOptions.cs
[operations]: https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories
"""
