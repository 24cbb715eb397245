"""The API key of whoever runs the twin: an operator's, made by the product's own command when it is first needed."""

from __future__ import annotations

import os
import subprocess
import sys

from infra.local.topology import Topology
from infra.local.twin.parts import ROOT
from infra.local.twin.settings import storage_connection_string

_SECONDS = 60


def api_key(topology: Topology) -> str:
    """Return the key; it stands in a file of the twin's state, which only its owner reads.

    Raises:
        CalledProcessError: the command failed; its words are on standard error.
    """
    file = topology.state / "api-key"
    if not file.exists():
        environment = {"PATH": os.environ["PATH"], "AzureWebJobsStorage": storage_connection_string(topology)}
        argv = [sys.executable, "-m", "shared.keys", "make", "twin", "--role", "operator"]
        made = subprocess.run(
            argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=_SECONDS
        )
        file.touch(mode=0o600)
        file.write_text(made.stdout.strip())
    return file.read_text()
