"""``tidegate rebuilds``: the rebuilds of applications whose base moved."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.naming import MOST_REBUILDS
from shared.cli.options import among, bounded, of_statuses
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, short, table
from shared.domain.promotion.rebuilds import RebuildStatus

_HEADS = ("task", "status", "base", "digest", "since", "detail")


def add(parser: Parser, _: str) -> None:
    """Take which are meant."""
    parser.add_argument("--task", metavar="REGISTRY/NAME", help="only this task's, with those that ended long ago")
    parser.add_argument("--base", metavar="REPOSITORY:TAG", help="only what is built on this tag of the base registry")
    of_statuses(parser, RebuildStatus)
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """List them."""
    shown = among([*_found(asked, to)], asked.limit, to)
    rows = [_row(one) for one in shown]
    to.show({"rebuilds": list(shown)}, table(_HEADS, rows, to.colours))
    return Exit.FINE


def _row(one: Document) -> tuple[object, ...]:
    task, digest = f"{one['registry']}/{one['task']}", short(one["base_digest"])
    return task, one["status"], one["base"], digest, minute(one["since"]), one.get("detail")


def _found(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    for part in to.client.parts("rebuilds", {"task": asked.task}, MOST_REBUILDS):
        if part.get("unreadable"):
            to.tell(f"not all of them could be read: {part['unreadable']}")
        for one in part["rebuilds"]:
            if (not asked.status or one["status"] in asked.status) and asked.base in (None, one["base"]):
                yield one
