"""``tidegate bases``: which builds, or which lines of a Dockerfile, take images from outside, and what to write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shared.cli.client import Document, document_of
from shared.cli.commands.impact import unknown
from shared.cli.exits import Ends, Exit
from shared.cli.options import among, bounded
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import table

_MOST = 500
# Beyond it the app refuses whatever the file is.
_LARGEST = 1024 * 1024
_OF_BUILDS = ("build", "owner", "image", "advice", "instead")
_OF_LINES = ("line", "written", "image", "advice", "instead", "why")


def add(parser: Parser, _: str) -> None:
    """Take a Dockerfile, or whose builds are meant."""
    parser.add_argument("dockerfile", nargs="?", metavar="DOCKERFILE", help="judge this one; - for standard input")
    parser.add_argument("--team", metavar="OWNER", help="only builds that are this owner's")
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell it.

    Returns:
        0; 1 if something comes from outside; 6 if it is not known yet what all tasks are built on.
    """
    return _judge(asked.dockerfile, to) if asked.dockerfile else _builds(asked, to)


def _builds(asked: argparse.Namespace, to: Session) -> int:
    parts = list(to.client.parts("exposure/builds", {}, _MOST))
    found = [one for part in parts for one in part["builds"] if not asked.team or one["owner"] == asked.team]
    shown = among(found, asked.limit, to)
    rows = [(one["id"], one["owner"], *_of(each)) for one in shown for each in one["takes"]]
    last = parts[-1]
    missing = list(unknown({**last, "registries": [{**one, "runs_at": "-"} for one in last["registries"]]}))
    to.show({"builds": list(shown), "registries": last["registries"]}, table(_OF_BUILDS, rows, to.colours))
    for told in missing:
        to.tell(told)
    if found:
        return Exit.NO
    return Exit.UNREACHABLE if missing else Exit.FINE


def _of(takes: Document) -> tuple[object, ...]:
    return takes["image"], takes["advice"], takes["instead"] or ", ".join(takes["others"]) or None


def _judge(file: str, to: Session) -> int:
    headers = {"Content-Type": "application/octet-stream"}
    said = document_of(to.client.answer("POST", "exposure/dockerfile", body=_content(file), headers=headers))
    rows = [(one["line"], one["written"], *_of(one["takes"]), one["takes"]["why"]) for one in said["images"]]
    to.show(said, table(_OF_LINES, rows, to.colours))
    return Exit.NO if said["leaving"] else Exit.FINE


def _content(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_LARGEST)
        with Path(file).open("rb") as opened:
            return opened.read(_LARGEST)
    except OSError as error:
        raise Ends(Exit.UNREADABLE, f"{file} cannot be read: {error.strerror}") from error
