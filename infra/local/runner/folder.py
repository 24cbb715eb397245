"""A run's own folder: workspace, home, image storage and buildah's configuration. Nothing is shared between runs."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.runner.errors import EngineError
from infra.local.runner.reference import DOCKER_HUB

START = "start.sh"  # starts a container's command
_PARTS = ("workspace", "home", "volumes", "storage", "state", "tmp", "tools", "registries.d")


@dataclass(frozen=True)
class RunFolder:
    """Where the parts of one run lie."""

    root: Path

    @property
    def workspace(self) -> Path:
        """The source, as every step sees it below ``/workspace``."""
        return self.root / "workspace"

    @property
    def home(self) -> Path:
        """The steps' shared home, ``/acb/home``."""
        return self.root / "home"

    @property
    def volumes(self) -> Path:
        """Holds a folder for each of the task's volumes."""
        return self.root / "volumes"

    @property
    def temporary(self) -> Path:
        """For scratch files of buildah and of the runner."""
        return self.root / "tmp"

    @property
    def tools(self) -> Path:
        """Holds the machine's static busybox, for the shell that starts a container's command."""
        return self.root / "tools"

    def buildah_flags(self) -> list[str]:
        """The global flags that keep buildah within this folder."""
        return [
            f"--root={self.root / 'storage'}",
            f"--runroot={self.root / 'state'}",
            f"--storage-driver={storage_driver(self.root.parent)}",
            f"--registries-conf={self.root / 'registries.conf'}",
            f"--registries-conf-dir={self.root / 'registries.d'}",
            f"--short-name-alias-conf={self.root / 'aliases.conf'}",
        ]

    @property
    def signature_policy(self) -> str:
        """The flag naming this run's policy file."""
        return f"--signature-policy={self.root / 'policy.json'}"


@contextlib.contextmanager
def run_folder(workdir: Path, run_id: str, registries: Mapping[str, str]) -> Iterator[RunFolder]:
    """Make a run's folder below ``workdir``, and delete it in the end.

    What a crash left under the same run id is deleted first.
    """
    root = workdir / run_id
    shutil.rmtree(root, ignore_errors=True)
    for part in _PARTS:
        (root / part).mkdir(parents=True)
    (root / "registries.conf").write_text(_registries_conf(registries))
    # The machine may have no policy, or a stricter one; what the twin's own registries hold is trusted here.
    (root / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    shutil.copy(_busybox(), root / "tools" / "busybox")
    shutil.copy(Path(__file__).with_name(START), root / "tools" / START)
    try:
        yield RunFolder(root)
    finally:
        shutil.rmtree(root)


def _busybox() -> str:
    program = shutil.which("busybox")
    if program is None:
        raise EngineError("busybox is not installed: run `infra/local/setup.sh twin`")
    return program


def _registries_conf(registries: Mapping[str, str]) -> str:
    """See containers-registries.conf(5); a name without a host means Docker Hub, as it does to Docker."""
    lines = [f'unqualified-search-registries = ["{DOCKER_HUB}"]', 'short-name-mode = "disabled"']
    for host, address in registries.items():
        lines += ["[[registry]]", f'prefix = "{host}"', f'location = "{address}"', "insecure = true"]
    return "\n".join(lines) + "\n"


@functools.lru_cache
def storage_driver(workdir: Path) -> str:
    """Return ``overlay`` where the file system of ``workdir`` carries it, else ``vfs``, which copies every layer."""
    with tempfile.TemporaryDirectory(prefix="storage-probe-", dir=workdir) as probe:
        flags = [f"--root={probe}/storage", f"--runroot={probe}/state", "--storage-driver=overlay"]
        answer = subprocess.run(["buildah", *flags, "info"], capture_output=True, check=False)
    return "overlay" if answer.returncode == 0 else "vfs"
