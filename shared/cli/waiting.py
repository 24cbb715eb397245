"""Waiting for something at the app: patiently, less and less often, and no longer than was said."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from shared.cli.client import Document, path_of
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import duration

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 15.0
USUAL_WAIT = "1h"


def within(parser: Parser) -> None:
    """Take ``--within``."""
    parser.add_argument("--within", metavar="TIME", default=USUAL_WAIT, help="how long to wait at most; default: 1h")


class Turns:
    """Turns of looking, with pauses that grow while nothing changes.

    Args:
        asked: says how long to wait.
        to: lets time pass.
    """

    def __init__(self, asked: argparse.Namespace, to: Session) -> None:
        self._around = to.around
        self._end = to.around.passed() + duration(asked.within, "--within").total_seconds()
        self._pause = _FIRST_PAUSE

    def __iter__(self) -> Iterator[None]:
        """Yield for each look; the first at once, the last when the time is over."""
        yield
        while (left := self._end - self._around.passed()) > 0:
            self._around.pause(min(self._pause, left))
            self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
            yield

    def changed(self) -> None:
        """Look again soon: something moves."""
        self._pause = _FIRST_PAUSE


class Watched:
    """A record that is looked at again and again; while it is the same the app need not tell it again.

    Args:
        to: asks the app.
        path: of the record.
    """

    def __init__(self, to: Session, *path: str) -> None:
        self._client = to.client
        self._path = path_of(*path)
        self._etag = ""
        self._last: Document = {}

    def look(self) -> tuple[Document, bool]:
        """Return the record, and whether it is another than at the last look."""
        from shared.cli.client import document_of  # noqa: PLC0415

        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._client.answer("GET", self._path, headers=headers, takes=frozenset({304}))
        if answer.status == 304:
            return self._last, False
        found, before = document_of(answer), self._last
        self._etag, self._last = answer.headers.get("etag", ""), found
        return found, found != before


def wait_until_reached(asked: argparse.Namespace, to: Session, target: Document) -> Document:
    """Return a target once the base registry has what is wanted of it, or when the time is over."""
    watched, found = Watched(to, "targets", str(target["id"])), target
    turns = Turns(asked, to)
    for _ in turns:
        found, is_new = watched.look()
        if found["reached"]:
            break
        if is_new:
            turns.changed()
    return found
