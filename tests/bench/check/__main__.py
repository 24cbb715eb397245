"""``python -m tests.bench.check``: measure side by side and write the page. Never a test: machines differ."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.check.cases import measure
from tests.bench.check.page import PAGE, write


def main() -> None:
    """Measure, write the page and print it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-check-") as folder:
        cases, growth = measure(Path(folder))
    write(cases, growth)
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
