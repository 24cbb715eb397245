"""``python -m shared.cli``: validates watch lists and explains what they take, offline unless asked otherwise."""

from __future__ import annotations

import sys

from shared.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
