"""``tidegate completion``: what completes commands in a shell, made when the package was."""

from __future__ import annotations

import argparse
from importlib.resources import files

from shared.cli.exits import Exit
from shared.cli.parsing import Parser
from shared.cli.session import Session

SHELLS = ("bash", "zsh", "tcsh")


def add(parser: Parser, _: str) -> None:
    """Take for which shell."""
    parser.add_argument("shell", choices=SHELLS, help="which shell reads it")


def run(asked: argparse.Namespace, _: Session) -> int:
    """Print it."""
    print(files("shared.cli").joinpath("completions", f"tidegate.{asked.shell}").read_text(), end="")
    return Exit.FINE
