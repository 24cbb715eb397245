"""``python -m infra.local.emulator --topology FILE``: serve until told to stop."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path

from infra.local.emulator.app import Emulator
from infra.local.emulator.runs import Execute
from infra.local.runner import execute
from infra.local.topology import Topology

_LOOK_UP_SECONDS = 0.2


def serve(execute: Execute) -> None:
    """Serve every front of the topology that the command line names until SIGTERM or SIGINT.

    Args:
        execute: carries out a run.
    """
    parser = argparse.ArgumentParser(prog="python -m infra.local.emulator", description=__doc__)
    parser.add_argument("--topology", type=Path, required=True, help="the file that Topology.save wrote")
    topology = Topology.load(parser.parse_args().topology)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_stop.set())
    emulator = Emulator(topology, execute)
    emulator.start()
    print(f"emulator: control on {topology.http('control')}", flush=True)
    # The kernel may hand the signal to another thread, which does not wake this one: so it looks up now and then.
    while not told_to_stop.wait(_LOOK_UP_SECONDS):
        continue
    emulator.stop()


if __name__ == "__main__":
    serve(execute)
