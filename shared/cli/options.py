"""Options that several commands take, and what is made of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from shared.cli.exits import Ends, Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import duration

T = TypeVar("T")
MOST_REASON = 500


def of_statuses(parser: Parser, kind: type[Enum]) -> None:
    """Take ``--status``, once or several times."""
    words = [str(one.value) for one in kind]
    parser.add_argument("--status", action="append", choices=words, metavar="STATUS", help=f"one of {', '.join(words)}")


def bounded(parser: Parser) -> None:
    """Take ``--limit``."""
    parser.add_argument("--limit", type=_number, metavar="N", help="show so many at most, and say that there are more")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) > 0):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 on")
    return int(text[:9])


def among(rows: Sequence[T], limit: int | None, to: Session) -> Sequence[T]:
    """Return the first rows, and say on standard error how many were left out."""
    if limit is None or len(rows) <= limit:
        return rows
    to.tell(f"{len(rows) - limit} more are not shown; --limit was {limit}")
    return rows[:limit]


def reasoned(parser: Parser) -> None:
    """Take ``--reason``."""
    parser.add_argument("--reason", metavar="TEXT", help="why; it stands in the records with your name")


def reason_of(asked: argparse.Namespace, to: Session) -> str:
    """Return why something is to be done; who is there is asked for it.

    Raises:
        Ends: nobody says it.
    """
    said = asked.reason
    if said is None and to.around.interactive:
        print("reason: ", end="", file=sys.stderr, flush=True)
        said = sys.stdin.readline()
    if not said or not said.strip():
        raise Ends(Exit.USAGE, "say why, by --reason: it stands in the records with your name")
    return str(said).strip()


def moment(text: str, option: str, now: datetime) -> str:
    """Return a moment as RFC 3339: what is said so, a day's end, or a time from now such as ``2d``.

    Raises:
        Ends: it is none of the three.
    """
    if text[:1].isdigit() and "-" in text:
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise Ends(Exit.USAGE, f"{option}: {text!r} is no time such as 2026-12-31T18:00Z") from error
        if len(text) == len("2026-12-31"):
            found = found.replace(hour=23, minute=59, second=59, tzinfo=UTC)
        if found.tzinfo is None:
            raise Ends(Exit.USAGE, f"{option}: {text!r} says no time zone, such as Z for UTC")
        return found.isoformat()
    return (now + duration(text, option)).isoformat()


def past(text: str, option: str, now: datetime) -> datetime:
    """Return since when: a time, a day's begin, or so long ago.

    Raises:
        Ends: it is none of these.
    """
    if text[:1].isdigit() and "-" in text:
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise Ends(Exit.USAGE, f"{option}: {text!r} is no time such as 2026-12-31T18:00Z") from error
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return now - duration(text, option)
