"""One process of the twin: started in a group of its own, watched, and stopped with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TAIL_LINES = 25


class PartFailedError(Exception):
    """A part of the twin died or did not become healthy; the message carries the end of its log."""


@dataclass(frozen=True)
class Part:
    """How one process is started and recognised as ready.

    Attributes:
        name: what the log file is called and messages say.
        argv: program and arguments.
        environment: the whole environment of the process.
        folder: working directory.
        log: file that receives standard output and standard error, appended.
        ready: asks the process, quickly, whether it serves; must not raise.
        ends_children: whether it ends its own children in good order, so that it alone is asked to end.
    """

    name: str
    argv: list[str]
    environment: dict[str, str]
    folder: Path
    log: Path
    ready: Callable[[], bool]
    ends_children: bool = False


@dataclass(frozen=True)
class Running:
    """A started process and the part it is."""

    part: Part
    process: subprocess.Popen[bytes]


def start(part: Part) -> Running:
    """Start the process of one part, in its own process group."""
    part.log.parent.mkdir(parents=True, exist_ok=True)
    with part.log.open("ab") as log:
        process = subprocess.Popen(
            part.argv,
            cwd=part.folder,
            env=part.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(part, process)


def wait_ready(parts: list[Running], seconds: float) -> None:
    """Wait until every part serves.

    Raises:
        PartFailedError: one of them ended, or is not ready in time; with the end of its log.
    """
    waiting = list(parts)
    deadline = time.monotonic() + seconds
    while waiting:
        for running in waiting:
            _require_alive(running)
        waiting = [running for running in waiting if not running.part.ready()]
        if waiting and time.monotonic() > deadline:
            raise PartFailedError(_explain(waiting[0].part, f"is not ready after {seconds:.0f} s"))
        if waiting:
            time.sleep(0.02)


def wait_success(running: Running, seconds: float) -> None:
    """Wait until a short process ends well; ``PartFailedError`` when it fails or takes longer than ``seconds``."""
    try:
        status = running.process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(running)
        raise PartFailedError(_explain(running.part, f"took longer than {seconds:.0f} s")) from None
    if status != 0:
        raise PartFailedError(_explain(running.part, f"ended with status {status}"))


def _require_alive(running: Running) -> None:
    status = running.process.poll()
    if status is not None:
        raise PartFailedError(_explain(running.part, f"ended with status {status}"))


def _explain(part: Part, what: str) -> str:
    lines = part.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join([f"{part.name} {what}; the end of {part.log}:", *(f"  {line}" for line in lines)])


def stop(parts: list[Running], seconds: float) -> None:
    """Stop processes together: ask, wait, then kill whatever is left of their groups."""
    for running in parts:
        _ask_to_end(running)
    deadline = time.monotonic() + seconds
    for running in parts:
        with suppress(subprocess.TimeoutExpired):
            running.process.wait(max(0.0, deadline - time.monotonic()))
    for running in parts:
        kill(running)


def _ask_to_end(running: Running) -> None:
    if not running.part.ends_children:
        signal_group(running.process.pid, signal.SIGTERM)
    elif running.process.poll() is None:
        running.process.terminate()


def kill(running: Running) -> None:
    """Kill a process and its children at once, and reap it."""
    signal_group(running.process.pid, signal.SIGKILL)
    running.process.wait()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group a part leads; a group that is gone is what was wanted."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def started_at(pid: int) -> str | None:
    """Return the kernel's start time of a process in clock ticks, or ``None`` when it is gone (proc(5), field 22)."""
    try:
        record = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the name in parentheses and may hold spaces, so count from its end.
    fields = record.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
