"""The host's log: lines on standard output, as the twin's log files and benchmarks read them."""

from __future__ import annotations

import logging
import sys
import time


def log_to_stdout() -> None:
    """Send the log of this process to standard output, from INFO on."""
    formatter = logging.Formatter("[%(asctime)s.%(msecs)03dZ] %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The Azure SDKs log every request at INFO.
    logging.getLogger("azure").setLevel(logging.WARNING)
