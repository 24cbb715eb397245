"""``tidegate version``."""

from __future__ import annotations

import argparse

from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.version import VERSION


def add(parser: Parser, _: str) -> None:
    """Take ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(_: argparse.Namespace, to: Session) -> int:
    """Print the version."""
    to.show({"version": VERSION}, [f"tidegate {VERSION}"])
    return Exit.FINE
