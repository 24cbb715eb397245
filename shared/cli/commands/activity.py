"""``tidegate activity``: what happened, and who did what why."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator
from itertools import islice

from shared.cli.client import Document
from shared.cli.exits import Ends, Exit
from shared.cli.options import bounded, past
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, printable, read_time, table
from shared.domain.spreadsheets import as_text

_MOST = 500
_FIELDS = ("at", "subject", "name", "detail")


def add(parser: Parser, _: str) -> None:
    """Take of what, by whom, since when."""
    parser.add_argument("--subject", metavar="SUBJECT", help="such as repository:docker.io/library/node")
    parser.add_argument("--who", metavar="TEXT", help="only lines whose words name somebody so")
    parser.add_argument("--kind", action="append", metavar="NAME", help="only such events, such as promoted")
    parser.add_argument("--since", metavar="TIME", help="only what happened since then: 2026-12-31, or 2d ago")
    parser.add_argument("--csv", action="store_true", help="print comma-separated values")
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """List what happened, newest first."""
    if asked.csv and to.as_json:
        raise Ends(Exit.USAGE, "--csv and --json: one of the two")
    found = _found(asked, to)
    shown = [*found] if asked.limit is None else [*islice(found, asked.limit)]
    if asked.limit is not None and next(found, None) is not None:
        to.tell(f"there are more; --limit was {asked.limit}")
    if asked.csv:
        to.show({}, _csv(shown))
    else:
        rows = [(minute(one["at"]), one["name"], one["subject"], one.get("detail")) for one in shown]
        to.show({"activity": shown}, table(("at", "what", "of", "detail"), rows, to.colours))
    return Exit.FINE


def _found(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    since = past(asked.since, "--since", to.around.now()) if asked.since else None
    for part in _parts(asked, to):
        for one in part["activity"]:
            at = read_time(one["at"])
            if since is not None and at is not None and at < since:
                return
            if (not asked.kind or one["name"] in asked.kind) and _is_by(one, asked.who):
                yield one


def _parts(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    """The lines of one subject are told at once, up to as many as the app lists."""
    if not asked.subject:
        yield from to.client.parts("activity", most=_MOST)
        return
    part = to.client.get("activity", {"subject": asked.subject, "limit": _MOST})
    if len(part["activity"]) == _MOST:
        to.tell(f"only the last {_MOST} lines of {asked.subject} are told")
    yield part


def _is_by(one: Document, who: str | None) -> bool:
    return not who or who.lower() in str(one.get("detail") or "").lower()


def _csv(lines: list[Document]) -> Iterator[str]:
    for row in (_FIELDS, *([one.get(name) or "" for name in _FIELDS] for one in lines)):
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow([as_text(printable(str(each))) for each in row])
        yield text.getvalue()
