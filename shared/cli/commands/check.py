"""``tidegate check``: ask that the upstreams are looked at now, and maybe wait for what comes of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from shared.cli.client import Document, path_of
from shared.cli.commands.images import every_image
from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import short, table
from shared.cli.waiting import Turns, within

_UNDER_WAY = frozenset({"under-way", "waiting", "unseen", "doubted"})
# A look that finds nothing new is written every twenty minutes at most, so that it was made is not always to be seen.
_UNTIL_IT_IS_MADE = 60.0
_BAD = frozenset({"rejected", "failed", "never-there"})


def add(parser: Parser, _: str) -> None:
    """Take which entries, and whether to wait."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="entries of the watch list; default: all")
    parser.add_argument("--wait", action="store_true", help="wait until all that came of it is decided")
    within(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Ask for a check.

    Returns:
        0 once it is asked for; with ``--wait``: 0 if all is well, 1 if something was rejected or failed, 7 if the time
        was over.
    """
    before = {one["name"]: _looks(one) for one in _entries(asked.images, to)} if asked.wait else {}
    found = [to.client.post("check", {"image": name}) for name in (asked.images or [None])]
    repositories = sorted({one for each in found for one in each["repositories"]})
    for note in (each["note"] for each in found if each.get("note")):
        to.tell(note)
    if not asked.wait:
        to.show({"repositories": repositories}, [f"asked for {one}" for one in repositories])
        return Exit.FINE
    return _waited(asked, to, before)


def _waited(asked: argparse.Namespace, to: Session, before: dict[str, Sequence[object]]) -> int:
    entries: list[Document] = []
    begun = to.around.passed()
    for _ in Turns(asked, to):
        entries = [*_entries(asked.images, to)]
        quiet = [one["name"] for one in entries if _looks(one) == before.get(one["name"])]
        is_made = not quiet or to.around.passed() - begun >= _UNTIL_IT_IS_MADE
        if is_made and not any(_moves(one) for one in entries):
            _tell_of(entries, quiet, to)
            return _told(entries, to)
    _told(entries, to)
    return Exit.LATE


def _tell_of(entries: Sequence[Document], quiet: Sequence[str], to: Session) -> None:
    if quiet:
        to.tell(f"nothing new was written of {', '.join(quiet[:10])}{' and others' * (len(quiet) > 10)} in a minute")
    for one in entries:
        state = one.get("state") or {}
        if why := state.get("trouble") or state.get("deferred"):
            to.tell(f"{one['name']}: its upstream was not looked at: {why}")


def _entries(images: Sequence[str], to: Session) -> Iterator[Document]:
    yield from (to.client.get(path_of("images", name)) for name in images) if images else every_image(to)


def _looks(entry: Document) -> Sequence[object]:
    """What a look at the upstream changes, whatever it finds there."""
    return [entry.get("state"), [(one["tag"], one["checked_at"]) for one in entry["tags"]]]


def _moves(entry: Document) -> bool:
    return any(one["status"] in _UNDER_WAY for one in entry["tags"])


def _told(entries: Sequence[Document], to: Session) -> int:
    tags = [(entry["name"], tag) for entry in entries for tag in entry["tags"]]
    rows = [(f"{name}:{one['tag']}", one["status"], short(one["upstream"]), one["reason"]) for name, one in tags]
    to.show({"images": list(entries)}, table(("image", "status", "upstream", "why"), rows, to.colours))
    return Exit.NO if any(one["status"] in _BAD for _, one in tags) else Exit.FINE
