"""A registry, small images with busybox in them, and runs, for the tests of the runner."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
import yaml

from infra.local.runner import RunRequest, RunResult, execute
from infra.local.runner.rights import EVERYTHING
from infra.local.runner.vault import Vault, no_vault

OWN = "localhost:9425"  # the login server of the registry that owns the runs; nothing listens there
_IMAGE = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Registry:
    """A real registry at ``address``, ``host:port``."""

    address: str

    def digest(self, image: str) -> str | None:
        """Return the digest a tag points at, or ``None``."""
        repository, _, tag = image.rpartition(":")
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        accept = f"{_IMAGE}, {_INDEX}, application/vnd.docker.distribution.manifest.v2+json"
        return requests.head(url, headers={"Accept": accept}, timeout=9).headers.get("Docker-Content-Digest")

    def push_busybox(self, image: str, files: Mapping[str, str] | None = None, **config: object) -> str:
        """Push an index over one amd64 image of busybox, ``files`` and ``config``; return the index's digest."""
        repository, _, tag = image.rpartition(":")
        layer = _layer(files or {})
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"], **config},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _IMAGE,
            "config": self._blob(repository, json.dumps(document).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": [self._blob(repository, gzip.compress(layer, 1), "application/vnd.oci.image.layer.v1.tar+gzip")],
        }
        entry = self._manifest(repository, None, manifest, _IMAGE)
        platform = {"platform": {"os": "linux", "architecture": "amd64"}}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [{**entry, **platform}]}
        return str(self._manifest(repository, tag, index, _INDEX)["digest"])

    def _blob(self, repository: str, content: bytes, media_type: str) -> dict[str, object]:
        start = requests.post(f"http://{self.address}/v2/{repository}/blobs/uploads/", timeout=9)
        answer = requests.put(start.headers["Location"], params={"digest": _digest(content)}, data=content, timeout=9)
        answer.raise_for_status()
        return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}

    def _manifest(self, repository: str, tag: str | None, manifest: object, media_type: str) -> dict[str, object]:
        body = json.dumps(manifest).encode()
        url = f"http://{self.address}/v2/{repository}/manifests/{tag or _digest(body)}"
        requests.put(url, data=body, headers={"Content-Type": media_type}, timeout=9).raise_for_status()
        return {"mediaType": media_type, "digest": _digest(body), "size": len(body)}


@dataclass
class Runs:
    """Executes tasks one after another or side by side, all below one folder."""

    registry: Registry
    folder: Path
    cancelled: threading.Event = field(default_factory=threading.Event)

    def start(
        self,
        steps: str,
        files: Mapping[str, str] | None = None,
        *,
        run_id: str = "cab",
        timeout: float = 60,
        rights: frozenset[str] = EVERYTHING,
        own: str = OWN,
        login: str = "",
        vault: Vault = no_vault,
        **values: str,
    ) -> tuple[RunResult, list[str]]:
        """Run ``steps``, YAML without its version line, on a source of ``files``; return the result and the log."""
        log: list[str] = []
        registries = {own: self.registry.address, "docker.io": self.registry.address}
        request = RunRequest(
            run_id=run_id,
            registry_name="staging",
            login_server=own,
            registries=registries,
            steps_yaml=f"version: v1.1.0\n{steps}",
            values=values,
            source=self._source(run_id, files or {}),
            task_name="gate",
            timeout=timeout,
            workdir=self.folder / "runs",
            rights=rights,
            login=login,
            vault=vault,
        )
        return execute(request, log.append, self.cancelled), log

    def _source(self, run_id: str, files: Mapping[str, str]) -> Path:
        path = self.folder / f"{run_id}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, text in files.items():
                _add(archive, name, text.encode(), 0o644)
        return path


@contextlib.contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """Run a registry on a free port with its contents in ``folder``."""
    address = f"127.0.0.1:{_free_port()}"
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    path = folder / "registry.yml"
    path.write_text(yaml.safe_dump(config))
    with subprocess.Popen(["docker-registry", "serve", str(path)], stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(address)
            yield Registry(address)
        finally:
            process.terminate()


def processes_with(marker: str) -> list[str]:
    """Return the command lines of all processes on this machine that carry ``marker``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # a process may end while it is looked at
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if marker in line]


def _layer(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        _add(archive, "bin/busybox", Path("/bin/busybox").read_bytes(), 0o755)
        for applet in (
            "sh",
            "cat",
            "echo",
            "env",
            "grep",
            "httpd",
            "ls",
            "mkdir",
            "pwd",
            "setsid",
            "sleep",
            "test",
            "touch",
            "true",
            "wget",
        ):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, text in files.items():
            _add(archive, name, text.encode(), 0o755)
    return content.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"http://{address}/v2/", timeout=1).raise_for_status()
            return
        time.sleep(0.02)
    raise TimeoutError(f"the registry at {address} does not answer")
