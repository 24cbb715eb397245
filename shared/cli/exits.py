"""What a command's exit status says, and the one error that ends a command early."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

FINE, NO, HOLD, USAGE, UNREADABLE, UNREACHABLE = 0, 1, 2, 64, 65, 6


class Ends(Exception):
    """A command cannot go on.

    Args:
        status: to exit with.
        told: one line for people.
    """

    def __init__(self, status: int, told: str) -> None:
        self.status = status
        super().__init__(told)


class Parser(argparse.ArgumentParser):
    """Reads arguments. Who types a wrong one is told by 64: argparse's own 2 could mean an answer."""

    def error(self, message: str) -> NoReturn:
        """End with the usage and what is wrong."""
        self.print_usage(sys.stderr)
        raise Ends(USAGE, f"{self.prog}: {message}")
