"""The CNCF registry that everybody asks, with TLS of its own, and its access log, which is where requests are counted.

The registry counts by itself: no program stands between it and those who are measured, so none can be the bottleneck.
Only the cases with latency go through ``delay``, which never limits them: it waits for all requests at once.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import requests

from infra.local.emulator.tls import server_context
from infra.local.topology import Topology
from infra.local.twin.processes import Part, Running, start, stop, wait_ready
from tests.bench.check.measure import ROOT, environment

_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3})')
# The line of a request is written when its answer has been sent, so the last may come after the client's end.
_LAST_LINES = 0.2
_READY_SECONDS = 20.0
# First ports after the block's own, by what listens there.
_PORTS = {"tls": 0, "plain": 1, "far_tls": 2, "far_plain": 3, "target": 4}


class Registry:
    """A registry on one folder, listening with TLS and without, near and far.

    Args:
        topology: gives the folder, the ports and the certificates.
        latency: milliseconds by which requests to the far addresses arrive late.
    """

    def __init__(self, topology: Topology, latency: int) -> None:
        self._topology = topology
        self._latency = latency
        self._running: list[Running] = []
        self._folder = topology.state / "upstream"

    def __enter__(self) -> Registry:
        server_context(self._topology)
        near = [self._registry(kind, self._folder) for kind in ("tls", "plain")]
        parts = [*near, self._far("tls"), self._far("plain")]
        self._running = [start(part) for part in parts]
        wait_ready(self._running, _READY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._running, 5.0)

    @property
    def ca_bundle(self) -> Path:
        """The file that makes clients trust the registry."""
        return self._topology.ca_bundle

    def address(self, kind: str = "tls", *, far: bool = False) -> str:
        """Return ``127.0.0.1:<port>`` of one listener.

        Args:
            kind: ``tls`` or ``plain``.
            far: whether requests arrive late there.
        """
        return f"127.0.0.1:{self._port(f'far_{kind}' if far else kind)}"

    def mark(self) -> dict[Path, int]:
        """Return where the access logs end now, for ``counts``."""
        time.sleep(_LAST_LINES)
        return {log: log.stat().st_size for log in self._logs()}

    def counts(self, since: dict[Path, int]) -> Counter[str]:
        """Return the requests answered since a mark, by kind such as ``HEAD manifest``."""
        time.sleep(_LAST_LINES)
        return sum((count_requests(log, since[log]) for log in self._logs()), Counter())

    def snapshot(self) -> None:
        """Keep what the registry holds now, for ``target``."""
        shutil.copytree(self._folder, self._topology.state / "snapshot")

    def target(self) -> Target:
        """Return another registry that holds the snapshot, for a peer that copies; a fresh one each time."""
        copy = self._topology.state / "target"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self._topology.state / "snapshot", copy)
        return Target(f"127.0.0.1:{self._port('target')}", self._registry("target", copy))

    def _logs(self) -> list[Path]:
        return [self._log(kind) for kind in ("tls", "plain")]

    def _log(self, name: str) -> Path:
        return self._topology.state / "logs" / f"{name}.log"

    def _port(self, name: str) -> int:
        return self._topology.base_port + _PORTS[name]

    def _registry(self, name: str, folder: Path) -> Part:
        config = self._topology.state / f"{name}.json"
        config.write_text(json.dumps(self._config(name, folder)))
        argv = ["docker-registry", "serve", str(config)]
        return Part(name, argv, environment(), ROOT, self._log(name), lambda: self._serves(name))

    def _config(self, name: str, folder: Path) -> dict[str, object]:
        """Debian's configuration, without the health check it makes beside; JSON is YAML too."""
        http: dict[str, object] = {"addr": f"127.0.0.1:{self._port(name)}", "secret": self._topology.identity_header}
        if name != "plain":
            tls = self._topology.ca_bundle.parent
            http["tls"] = {"certificate": str(tls / "server.pem"), "key": str(tls / "server.key")}
        storage = {"cache": {"blobdescriptor": "inmemory"}, "filesystem": {"rootdirectory": str(folder)}}
        return {"version": "0.1", "log": {"level": "error"}, "storage": storage, "http": http}

    def _far(self, kind: str) -> Part:
        ports = [str(self._port(f"far_{kind}")), str(self._port(kind)), str(self._latency)]
        argv = [sys.executable, "-m", "tests.bench.check.delay", *ports]
        name = f"far_{kind}"
        return Part(name, argv, environment(), ROOT, self._log(name), lambda: self._serves(name))

    def _serves(self, name: str) -> bool:
        scheme = "http" if name.endswith("plain") else "https"
        address = f"{scheme}://127.0.0.1:{self._port(name)}/v2/"
        try:
            return requests.get(address, verify=str(self.ca_bundle), timeout=2).status_code == 200
        except requests.RequestException:
            return False


class Target:
    """The registry that a copying peer writes into, running inside ``with``.

    Args:
        address: ``127.0.0.1:<port>``.
        part: the process.
    """

    def __init__(self, address: str, part: Part) -> None:
        self.address = address
        self._part = part

    def __enter__(self) -> Target:
        self._part.log.unlink(missing_ok=True)
        self._running = start(self._part)
        wait_ready([self._running], _READY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        stop([self._running], 5.0)

    def counts(self) -> Counter[str]:
        """Return all requests answered, by kind."""
        time.sleep(_LAST_LINES)
        return count_requests(self._part.log, 0)


def count_requests(log: Path, since: int) -> Counter[str]:
    """Return the requests of an access log in the combined format, by kind.

    Args:
        log: the file.
        since: offset in bytes of the first line that counts.
    """
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode(errors="replace")
    return Counter(f"{found['method']} {_kind(found['path'])}" for found in _REQUEST.finditer(text))


def _kind(path: str) -> str:
    for part, kind in (("/manifests/", "manifest"), ("/tags/list", "tags list"), ("/blobs/", "blob")):
        if part in path:
            return kind
    return "v2"
