"""``tidegate housekeeping``: have what nobody needs deleted from registries, or tell what would go, and why."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain, short

# Sites a request; the app answers with fewer where it has to read much.
_SITES = 20
_PLACES = ("staging", "base", "task-runs")


def add(parser: Parser, _: str) -> None:
    """Take what is meant, and whether it is only told."""
    parser.add_argument("--dry-run", action="store_true", help="tell what would be deleted now, and delete nothing")
    parser.add_argument("--place", choices=_PLACES, help="with --dry-run: only what is there")
    parser.add_argument("--name", metavar="NAME", help="with --dry-run: only one repository, or one registry's runs")
    parser.add_argument("--spared", action="store_true", help="with --dry-run: each thing that stays, too")
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def run(asked: argparse.Namespace, to: Session) -> int:
    """Have a round begin, or list what would go.

    Returns:
        0; with ``--dry-run``: 1 if something could not be read, of which nothing would go.
    """
    if asked.dry_run:
        return _list(asked, to)
    to.agreed("Delete what nobody needs any more from the registries that the settings name", yes=asked.yes)
    done = to.client.post("housekeeping", {})
    to.show(done, ["asked for: it begins within a quarter of an hour, and the activity log tells what is deleted"])
    return Exit.FINE


def _list(asked: argparse.Namespace, to: Session) -> int:
    query = {"place": asked.place, "name": asked.name}
    parts = [*to.client.parts("housekeeping", query, _SITES)]
    sites = [site for each in parts for site in each["sites"] if not site["unread"]]
    told = {"clears": parts[-1]["clears"], "round": parts[-1]["round"], "sites": sites}
    to.show(told, _lines(told, sites, spared=asked.spared))
    return Exit.NO if any(site["trouble"] for site in sites) else Exit.FINE


def _lines(told: Document, sites: Sequence[Document], *, spared: bool) -> Iterator[str]:
    for site in sites:
        yield from _of_site(site, spared=spared)
    yield f"would go: {_counted(sites, 'going')}"
    yield f"stays: {_counted(sites, 'staying')}"
    last = told["round"]
    if last["began_at"]:
        ended = f"ended {minute(last['ended_at'])}" if last["ended_at"] else "is under way"
        yield f"the last round began {minute(last['began_at'])} and {ended}: {_words(last['deleted'])} deleted"
    if not told["clears"]:
        yield "nothing is deleted anywhere: housekeeping is off"


def _of_site(site: Document, *, spared: bool) -> Iterator[str]:
    where = f"{site['place']} {site['name']}"
    off = "" if site["clears"] else " (switched off there)"
    if site["trouble"]:
        yield plain(f"{where}: cannot be read, and so nothing goes: {site['trouble']}")
    if site["goes"]:
        yield plain(f"{where}: {sum(site['going'].values())} would go{off}")
    yield from (plain(f"  {_named(one)}: {one['why']}") for one in site["goes"])
    more = sum(site["going"].values()) - len(site["goes"])
    if more > 0:
        yield f"  and {more} more"
    if spared:
        yield from (plain(f"  {short(one['digest'])} {_tags(one)}stays: {one['why']}") for one in site["stays"])


def _named(one: Document) -> str:
    if one.get("tag"):
        return f"the tag {one['tag']}"
    what = short(one["what"]) if one["what"].startswith("sha256:") else one["what"]
    return f"{what} {_tags(one)}".rstrip()


def _tags(one: Document) -> str:
    tags = one.get("tags") or ()
    return f"({', '.join(tags)}) " if tags else ""


def _counted(sites: Sequence[Document], name: str) -> str:
    total: Counter[str] = Counter()
    for site in sites:
        total.update(site[name])
    return _words(total)


def _words(counts: Document) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(counts.items())) or "nothing"
