"""Running one program so that nothing of it is left over.

Each program gets its own process and mount namespaces (``unshare``): killing it kills whatever a container started,
even processes that detached themselves, and its mounts vanish with it. It dies too when the thread that started it
does (``setpriv``), so a twin that is killed leaves no containers behind.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.runner.limits import Limits
from infra.local.runner.networks import MACHINE, NONE

DIES_WITH_US = ("setpriv", "--pdeathsig=KILL", "--")
_CONFINED = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
# A network namespace begins with its loopback down; docker's `--network none` has it up.
_LOOPBACK_UP = ("busybox", "sh", "-c", 'busybox ip link set lo up && exec "$@"', "command")
_POLL = 0.1  # seconds between looks at the limits while the program is silent
_CHUNK = 65536


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: Callable[[str], None],
    errors: Callable[[str], None] | None,
    limits: Limits,
    network: Path | str = MACHINE,
) -> int:
    """Run ``command`` to its end and return its exit status.

    Args:
        environment: all the variables the program sees.
        folder: its working directory.
        output: called with each line of standard output, without its newline.
        errors: the same for standard error; ``None`` joins it to the output in the order written.
        network: this machine's, or that of a namespace at a path, or ``none``: a loopback and nothing beside.

    Raises:
        Stopped: the limits were reached; the program and all its children are dead by then.
    """
    with subprocess.Popen(
        [*DIES_WITH_US, *_confined(network), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors else subprocess.STDOUT,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    ) as child:
        try:
            _pump(child, output, errors, limits)
            return child.wait()
        finally:
            if child.returncode is None:
                _kill(child)


def _confined(network: Path | str) -> tuple[str, ...]:
    if network == NONE:
        return (*_CONFINED, "--net", "--", *_LOOPBACK_UP)
    entered = ("nsenter", f"--net={network}", "--") if isinstance(network, Path) else ()
    return (*entered, *_CONFINED, "--")


def _pump(
    child: subprocess.Popen[bytes],
    output: Callable[[str], None],
    errors: Callable[[str], None] | None,
    limits: Limits,
) -> None:
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as ends:
        for stream, write in ((child.stdout, output), (child.stderr, errors)):
            if stream and write:
                lines = _Lines(write)
                ends.callback(lines.end)
                selector.register(stream, selectors.EVENT_READ, lines)
        while selector.get_map():
            limits.check()
            for key, _ in selector.select(_POLL):
                chunk = os.read(key.fd, _CHUNK)
                key.data.feed(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself in the meantime
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Lines:
    """Cuts what a program writes into lines."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._emit(line)

    def end(self) -> None:
        if self._rest:
            self._emit(self._rest)

    def _emit(self, line: bytes) -> None:
        self._write(line.decode(errors="replace").rstrip("\r"))
