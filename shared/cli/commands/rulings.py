"""``tidegate block``, ``release``, ``hold``, ``resume`` and ``rulings``: what people say of a digest or of an entry."""

from __future__ import annotations

import argparse

from shared.cli.acting import act, acting
from shared.cli.client import Document, path_of
from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain, table

_WORDS = {
    "block": "refuse {} in every tag",
    "release": "refuse {} no more",
    "hold": "decide nothing any more for the tags of {}",
    "resume": "decide again for the tags of {}",
}


def add(parser: Parser, command: str) -> None:
    """Take of what."""
    if command == "rulings":
        return
    if command in {"block", "release"}:
        parser.add_argument("what", metavar="DIGEST", help="sha256:… with 64 hexadecimal digits")
    else:
        parser.add_argument("what", metavar="IMAGE", help="the name of an entry of the watch list")
    acting(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Say it, or list what was said."""
    if asked.command == "rulings":
        return _listed(to)
    of = "digests" if asked.command in {"block", "release"} else "images"
    what = _WORDS[asked.command].format(asked.what)
    done = act(asked, to, path_of(of, asked.what, asked.command), {}, what, None)
    if done is not None:
        to.show({"ruling": done}, _told(done))
    return Exit.FINE


def _told(done: Document) -> list[str]:
    said = done["said"]
    state = "in force" if done["in_force"] else "over"
    head = f"{done['kind']} of {plain(done['subject'])} is {state}, by {plain(said['by'])}: {plain(said['why'])}"
    tags = [f"  {one['repository']}:{one['tag']} wants {one['wanted'] or '-'}" for one in done["targets"]]
    more = done["count"] - len(tags)
    return [head, *tags, *([f"  and {more} more tags"] if more > 0 else [])]


def _listed(to: Session) -> int:
    found = to.client.get("rulings")
    rows = [("blocked", one["digest"], one["by"], minute(one["at"]), one["why"]) for one in found["blocked"]]
    rows += [("held", one["image"], one["by"], minute(one["at"]), one["why"]) for one in found["held"]]
    to.show(found, table(("ruling", "of", "by", "at", "why"), rows, to.colours) or ["nothing is blocked or held"])
    return Exit.FINE
