"""What a command runs in: the app that it asks, and the terminal that it prints to."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from shared.cli.exits import Ends, Exit
from shared.cli.text import Colours, fitting, harmless, harmless_lines
from shared.cli_settings import environment

if TYPE_CHECKING:
    from shared.cli.client import Client
    from shared.cli.exchange import Send

DOCUMENT_VERSION = 1


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


class Surroundings(msgspec.Struct):
    """The process that a command runs in; tests hand over another.

    Attributes:
        environment: its variables.
        interactive: whether somebody is there to be asked.
        coloured: whether what is printed is looked at.
        pause: waits some seconds.
        passed: tells how many seconds have passed since some moment.
        now: tells the time.
        send: sends a request; ``None`` for HTTP.
        page: how many rows one request asks for at most; 0 for as many as the app gives.
    """

    environment: Mapping[str, str] = msgspec.field(default_factory=environment)
    interactive: bool = msgspec.field(default_factory=lambda: sys.stdin.isatty() and sys.stderr.isatty())
    coloured: bool = msgspec.field(default_factory=sys.stdout.isatty)
    pause: Callable[[float], None] = _pause
    passed: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    send: Any = None
    page: int = 0


class Session:
    """Joins a command with the app and the terminal.

    Args:
        asked: the command's arguments.
        around: the process.
    """

    def __init__(self, asked: argparse.Namespace, around: Surroundings) -> None:
        self._asked = asked
        self.around = around
        self.as_json: bool = getattr(asked, "json", False)
        quiet_lines = around.environment.get("NO_COLOR") or getattr(asked, "no_color", False)
        self.colours = Colours(on=around.coloured and not quiet_lines)

    @cached_property
    def client(self) -> Client:
        """What asks the app; nothing is asked before it is used.

        Raises:
            Ends: nobody said where the app is, or the profile is not what it should be.
        """
        from shared.cli.client import Client  # noqa: PLC0415  what is offline needs none of it
        from shared.cli.profiles import access_of  # noqa: PLC0415

        access = access_of(self._asked, self.around.environment)
        for told in access.warnings:
            self.tell(told)
        return Client(access, self._send(), self.around)

    def _send(self) -> Send:
        if self.around.send is not None:
            given: Send = self.around.send
            return given
        from shared.cli.transport import over_http  # noqa: PLC0415  takes the longest to load

        return over_http(self.around.environment)

    def tell(self, words: str) -> None:
        """Say something to people that is no part of the answer."""
        if not self._asked.quiet:
            print(harmless_lines(words), file=sys.stderr)

    def show(self, document: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Print an answer: one JSON document, or lines for people.

        Args:
            document: what is told, as JSON; only ever gains members within ``DOCUMENT_VERSION``.
            lines: the same for people.
        """
        if self.as_json:
            print(json.dumps({"tidegate": DOCUMENT_VERSION, **document}))
            return
        for line in lines:
            print(fitting(harmless(line)))

    def hand_over(self, document: Mapping[str, Any], text: str) -> None:
        """Print a file: as it is where it goes into another, and on a terminal as what can do nothing to it.

        Args:
            document: what is told, as JSON.
            text: the file's.
        """
        if self.as_json or self.around.coloured:
            self.show(document, text.splitlines())
        else:
            print(fitting(text), end="" if text.endswith("\n") else "\n")

    def agreed(self, question: str, *, yes: bool) -> None:
        """Ask whoever is there to agree.

        Args:
            question: what is about to happen, without a question mark.
            yes: it was agreed to on the command line.

        Raises:
            Ends: nobody agreed.
        """
        if yes or not self.around.interactive:
            return
        print(f"{question}? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Ends(Exit.NO, "nothing was done")
