"""``tidegate``, and ``python -m shared.cli``: see, decide and follow from a terminal; judge files without an app."""

from __future__ import annotations

import sys

from shared.cli.main import main


def run() -> None:
    """Run the command that the command line asks for, and end with its status."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
