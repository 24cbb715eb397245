"""Tells at the end how many attacks were made, and how many got through."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent.name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line; a test that makes many attacks says so by ``record_property("attacks", number)``."""
    held, broke = (_attacks(terminalreporter.getreports(outcome)) for outcome in ("passed", "failed"))
    terminalreporter.write_line(f"attacks: {held + broke:,} made, {broke:,} got through")


def _attacks(reports: list[pytest.TestReport]) -> int:
    of_ours = (report for report in reports if f"/{_HERE}/" in report.nodeid and report.when == "call")
    return sum(int(str(dict(report.user_properties).get("attacks", 1))) for report in of_ours)
