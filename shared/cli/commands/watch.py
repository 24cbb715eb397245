"""``tidegate watch``: follows one candidate live: to its decision, its promotion, or the rebuilds of what is on it."""

from __future__ import annotations

import argparse
import json

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.naming import candidate_of
from shared.cli.parsing import Parser
from shared.cli.rebuilding import Rebuilding
from shared.cli.session import DOCUMENT_VERSION, Session
from shared.cli.text import fitting, harmless, minute, plain
from shared.cli.waiting import Turns, Watched, within

_NO = frozenset({"rejected", "failed"})
_DECIDED = frozenset({"promoting", "promoted", "observed", "mirrored"})
_DONE = frozenset({"promoted", "observed", "mirrored"})
# Held for a moment, in which nobody has to say anything: its scan runs.
_PASSING = frozenset({"scan-awaited"})


def add(parser: Parser, _: str) -> None:
    """Take which, and until what."""
    parser.add_argument("what", metavar="ID|IMAGE:TAG", help="a candidate's id, or the tag whose newest one is meant")
    until = ("decided", "promoted", "rebuilt")
    parser.add_argument("--until", choices=until, default="promoted", help="default: promoted")
    within(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Follow a candidate; as JSON, each event is a document in a line of its own.

    Returns:
        0 if it came so far; 1 if it was rejected or failed, or a rebuild did; 2 if it is held; 5 if a newer digest took
        its place; 7 if the time was over.
    """
    followed = _Followed(to)
    watched, turns = Watched(to, "candidates", candidate_of(to.client, asked.what)), Turns(asked, to)
    rebuilding = Rebuilding(to) if asked.until == "rebuilt" else None
    for _ in turns:
        candidate, is_new = watched.look()
        if is_new and followed.tell(candidate):
            turns.changed()
        ended = end_of(candidate, asked.until)
        if ended == Exit.FINE and rebuilding is not None and candidate["status"] == "promoted":
            ended = rebuilding.look(candidate, followed.event)
        if ended is not None:
            return ended
    to.tell(f"{asked.what} did not come to its end in {asked.within}")
    return Exit.LATE


def end_of(candidate: Document, until: str) -> Exit | None:
    """Return what a candidate has come to; ``None`` while it is on its way.

    Args:
        candidate: as the app shows it.
        until: how far it is followed.
    """
    status = candidate["status"]
    if status in _NO:
        return Exit.NO
    if status == "superseded":
        return Exit.CONFLICT
    if status == "held":
        return None if candidate["reason"] in _PASSING else Exit.HOLD
    return Exit.FINE if status in (_DECIDED if until == "decided" else _DONE) else None


class _Followed:
    """Tells each event once.

    Args:
        to: prints them.
    """

    def __init__(self, to: Session) -> None:
        self._to = to
        self._told: set[tuple[str, ...]] = set()

    def tell(self, candidate: Document) -> bool:
        """Tell what is new of a candidate; return whether something is."""
        before = len(self._told)
        for each in candidate["history"]:
            self.event({"of": "candidate", "id": candidate["id"], "generation": candidate.get("generation", 1), **each})
        return len(self._told) > before

    def event(self, event: Document) -> None:
        """Tell one event, unless it was told; of what happened several times in a row, each time that is seen."""
        key = tuple(str(event.get(name)) for name in ("of", "id", "generation", "at", "status", "reason", "times"))
        if key in self._told:
            return
        self._told.add(key)
        if self._to.as_json:
            print(json.dumps({"tidegate": DOCUMENT_VERSION, **event}), flush=True)
            return
        status = self._to.colours.word(str(event["status"]))
        words = f"{status}, {event['reason']}" if event.get("reason") else status
        of = "" if event["of"] == "candidate" else f"{plain(str(event['id']))}: "
        line = f"{minute(event.get('at'))}  {of}{words}  {plain(str(event.get('detail') or ''))}"
        print(fitting(harmless(line.rstrip())), flush=True)
