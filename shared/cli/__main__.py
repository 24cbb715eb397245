"""``python -m shared.cli``: validates watch lists, explains what they take, judges scans; offline unless asked."""

from __future__ import annotations

import sys

from shared.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
