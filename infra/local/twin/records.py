"""Which processes a twin runs, written to its state folder so that another command can stop them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from infra.local.twin.processes import Running, signal_group, started_at

_FILE = "processes.json"


def record(state: Path, parts: list[Running]) -> None:
    """Write the processes that run now: name, id and start time of each."""
    rows = [
        {"name": running.part.name, "pid": running.process.pid, "started": started_at(running.process.pid)}
        for running in parts
    ]
    (state / _FILE).write_text(json.dumps(rows, indent=1))


def forget(state: Path) -> None:
    """Remove the record of a twin that is stopped."""
    (state / _FILE).unlink(missing_ok=True)


def alive(state: Path) -> dict[str, int]:
    """Return name and process id of each recorded part that still runs."""
    try:
        rows = json.loads((state / _FILE).read_text())
    except FileNotFoundError:
        return {}
    # A process id is used again in time; the start time tells ours from a stranger.
    return {row["name"]: row["pid"] for row in rows if row["started"] and started_at(row["pid"]) == row["started"]}


def stop_recorded(state: Path, seconds: float) -> list[str]:
    """Stop what is recorded, children included, and return the names; empty when nothing ran."""
    running = alive(state)
    # Started last, stopped first: the host before what it writes to.
    for pid in reversed(running.values()):
        signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while alive(state) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in running.values():
        signal_group(pid, signal.SIGKILL)
    forget(state)
    return list(running)
