"""``tidegate candidates``: what is on its way, or ended."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.naming import MOST_CANDIDATES
from shared.cli.options import bounded, of_statuses, past
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, read_time, short, table
from shared.domain.promotion.statuses import Status

_HEADS = ("status", "for", "digest", "changed", "reason", "id")


def add(parser: Parser, _: str) -> None:
    """Take which are meant."""
    of_statuses(parser, Status)
    parser.add_argument("--repository", metavar="NAME", help="only those that this repository's tags asked for")
    parser.add_argument("--since", metavar="TIME", help="only what changed since then: 2026-12-31, or 2d ago")
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """List candidates, newest change first."""
    found = _found(asked, to)
    shown = [*found] if asked.limit is None else [*islice(found, asked.limit)]
    if asked.limit is not None and next(found, None) is not None:
        to.tell(f"there are more; --limit was {asked.limit}")
    rows = [
        (one["status"], _places(one), short(one["digest"]), minute(one["changed"]), one["reason"], one["id"])
        for one in shown
    ]
    to.show({"candidates": shown}, table(_HEADS, rows, to.colours))
    return Exit.FINE


def _found(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    since = past(asked.since, "--since", to.around.now()) if asked.since else None
    alone = asked.status[0] if asked.status and len(asked.status) == 1 else None
    query = {"repository": asked.repository, "status": alone}
    for part in to.client.parts("candidates", query, MOST_CANDIDATES):
        if part.get("unreadable"):
            to.tell(f"not all of them could be read: {part['unreadable']}")
        for one in part["candidates"]:
            changed = read_time(one["changed"])
            if since is not None and changed is not None and changed < since:
                return
            if not asked.status or one["status"] in asked.status:
                yield one


def _places(one: Document) -> str:
    places = [f"{each['repository']}:{each['tag']}" for each in one.get("targets", ())]
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
