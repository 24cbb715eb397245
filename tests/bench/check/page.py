"""Writes `docs/performance.md` and its chart from what was measured."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path

from docs.parts import ROOT, table
from tests.bench.check.cases import REPOSITORIES, Case, Series
from tests.bench.check.chart import svg
from tests.bench.check.content import TAGS
from tests.bench.check.goals import Judged, judged
from tests.bench.check.ground import LATENCY, Result

PAGE = ROOT / "docs" / "performance.md"
_HEADS = ("who", "seconds", "times ours", "requests", "of which", "tags a second", "processor s", "MB")
_ABOUT = f"""# Performance of looking

<!-- Written by `make bench-check`; what is changed by hand is lost. -->

{REPOSITORIES} repositories with {len(TAGS)} watched tags each are looked at side by side, in one run on one machine,
on a real registry (CNCF Distribution, as Debian packages it) that speaks TLS itself. Requests are counted from its
access log. Latency is added by a proxy that lets every request arrive {LATENCY} ms late, all side by side. Who saw
something else than what has changed would have ended the run.

- *Seconds* are of the clock and hold the start of the process, ours too, though a function app has long started.
  *Tags a second* are without it. *MB* is the largest resident set, *processor s* is without the registry's share.
- Ours and the limit take turns three times, and the middle of each counts. The limit is
  [`ab`](https://httpd.apache.org/docs/2.4/programs/ab.html), a C program that asks for one tag over and over.
- Renovate asks by plain HTTP and the skopeos verify no certificate, which is cheaper for them. Renovate starts with
  an empty cache, and also asks for each pinned digest, the list of tags and one image's labels. `skopeo sync` copies
  into a registry that is never far away.
- *By a catalogue* is how Docker Hub and MCR are asked: here, of a stand-in that has its pages ready and asks for no
  token. How fast theirs answer is another matter; how often they are asked is the same.
- ≈ marks what was measured on a part of the tags and multiplied: both skopeos ask for one tag after the other.
"""


def write(cases: list[Case], growth: list[Series]) -> None:
    """Write the page and its charts."""
    PAGE.write_text(markdown(cases, growth))
    for series in growth:
        PAGE.with_name(_chart(series)).write_text(_drawn(series))


def markdown(cases: list[Case], growth: list[Series]) -> str:
    """Return the page."""
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    busiest = max(case.busy for case in cases)
    machine = f"Measured on {when}, {os.cpu_count()} cores ({_processor()})"
    quiet = f"other programs used up to {busiest:.0%} of the machine just before a case."
    parts = [
        _ABOUT,
        f"{machine}; {quiet}\n",
        "## Where we lose\n",
        _lost(cases),
        *map(_case, cases),
        *map(_growth, growth),
    ]
    return "\n".join(parts)


def _lost(cases: list[Case]) -> str:
    missed = [(case.name, goal) for case in cases for goal in judged(case) if not goal.met]
    if not missed:
        return "Every goal was met in every case.\n"
    return "\n".join(f"- {name}: {goal.who} reached {goal.reached}; {goal.goal}." for name, goal in missed) + "\n"


def _case(case: Case) -> str:
    rows = [_row(result, case.ours[0]) for result in (case.limit, *case.ours, *case.peers)]
    goals = table(("way", "goal", "reached", "met"), [_goal(one) for one in judged(case)])
    return f"## {case.name[0].upper()}{case.name[1:]}\n\n{table(_HEADS, rows)}\n\n{goals}\n"


def _row(result: Result, ours: Result) -> tuple[str, ...]:
    about = "" if result.part == 1 else "≈ "
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in result.requests.most_common())
    rate = f"{result.rate:,.0f}" if result.rate else ""
    return (
        result.who,
        f"{about}{result.seconds:.1f}",
        f"{result.seconds / ours.seconds:.1f}",
        f"{about}{result.total:,}",
        kinds,
        rate,
        f"{about}{result.cpu:.1f}",
        f"{result.megabytes:.0f}" if result.megabytes else "",
    )


def _goal(one: Judged) -> tuple[str, ...]:
    return one.who, one.goal, one.reached, "yes" if one.met else "**no**"


_GROWTH = {
    "repositories": f"More repositories, {len(TAGS)} tags named in each",
    "tags": "More tags in the same ten repositories, all taken by one rule",
}


def _chart(series: Series) -> str:
    return f"performance-{series.grows}.svg"


def _growth(series: Series) -> str:
    rows = [
        (
            ours.who,
            f"{size.repositories:,}",
            f"{size.watched:,}",
            f"{ours.total:,}",
            f"{ours.seconds:.1f}",
            f"{ours.megabytes:.0f}",
        )
        for size in series.sizes
        for ours in size.ours
    ]
    shown = table(("way", "repositories", "watched tags", "requests", "seconds", "MB"), rows)
    picture = f"![Requests, seconds and megabytes by watched tags]({_chart(series)})"
    return f"## {_GROWTH[series.grows]}\n\n{shown}\n\n{picture}\n"


def _drawn(series: Series) -> str:
    names = [ours.who for ours in series.sizes[0].ours]
    shown: dict[str, Callable[[Result], float]] = {
        "requests": lambda result: float(result.total),
        "seconds": lambda result: result.seconds,
        "MB": lambda result: result.megabytes,
    }
    charts = {
        title: {name: [(size.watched, read(size.ours[at])) for size in series.sizes] for at, name in enumerate(names)}
        for title, read in shown.items()
    }
    return svg(charts, "watched tags")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else os.uname().machine
