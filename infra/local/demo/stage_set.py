"""What stands on the stage before the first scene: images upstream, the watch list with its gate, an application."""

from __future__ import annotations

import json
import os
import subprocess

import requests
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from infra.local.demo.applications import Applications
from infra.local.demo.watching import Watcher, expect
from infra.local.topology import BASE, Topology
from infra.local.twin.images import push_image
from infra.local.twin.twin import Twin

NODE, RUNTIME = "library/node", "dotnet/runtime"
NODE_TARGET, RUNTIME_TARGET = "base/node", "base/dotnet-runtime"
APPLICATION = "shop"
# What stands upstream before the first scene: part of the twin, repository, tag.
UPSTREAM = (("docker_hub", NODE, "22-alpine"), ("docker_hub", NODE, "20-alpine"), ("mcr", RUNTIME, "8.0"))
_LIST = "images.yaml"

WATCH_LIST = """\
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine, 20-alpine]
    target: base/node
    gate: release
  - name: dotnet-runtime
    source: mcr.microsoft.com/dotnet/runtime
    tags: [8.0]
    target: base/dotnet-runtime
    gate: release
"""
GATE = {
    "Dockerfile": 'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY test.sh /test.sh\nENTRYPOINT ["/bin/sh", "/test.sh"]\n',
    "test.sh": (
        'set -eu\necho "tidegate: begin $TIDEGATE_NONCE"\necho "release $(cat /etc/base-release)"\n'
        "if grep -q broken /etc/base-release; then\n"
        '  echo "this release is broken"\n  exit 3\nfi\necho "all is well"\necho "tidegate: passed $TIDEGATE_NONCE"\n'
    ),
}
# Steps as a user writes them: one builds a checker on the tested image, one looks at the image meanwhile, one checks.
STEPS_GATE = {
    "task.yaml": (
        "version: v1.1.0\nstepTimeout: 120\nsteps:\n"
        "  - id: checker\n    build: -t checker --build-arg BASE_IMAGE={{.Values.image}} .\n"
        '  - id: look\n    cmd: "{{.Values.image}} /bin/sh -c \'cat /etc/base-release\'"\n    when: ["-"]\n'
        "  - cmd: checker\n    when: [checker, look]\n    retries: 1\n"
    ),
    "Dockerfile": 'ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY check.sh /check.sh\nCMD ["/bin/sh", "/check.sh"]\n',
    "check.sh": (
        'set -eu\necho "$TIDEGATE_TARGET is to be $TIDEGATE_IMAGE and was <$TIDEGATE_BASE>"\n'
        "if grep -q broken /etc/base-release; then exit 3; fi\n"
    ),
}
APPLICATION_FILES = {
    "Dockerfile": (
        'ARG REGISTRY\nFROM ${REGISTRY}/base/node:22-alpine\nCOPY app.sh /app.sh\nCMD ["/bin/sh", "/app.sh"]\n'
    ),
    "app.sh": 'echo "shop runs on $(cat /etc/base-release)"\n',
}


class StageSet:
    """Puts things on the stage.

    Args:
        topology: of the running twin.
        watcher: looks at it.
    """

    def __init__(self, topology: Topology, watcher: Watcher) -> None:
        self._topology = topology
        self._watcher = watcher
        self._applications = Applications(topology, watcher)

    def release(self, part: str, repository: str, tag: str, release: str) -> str:
        """Publish a release upstream, as its maintainers do: an index of two platforms; return its digest."""
        registry = self._topology.http(f"backing_{part}")
        return push_image(registry, repository, tag, release, platforms=("linux/amd64", "linux/arm64")).digest

    def add_bash(self) -> None:
        """Publish the image that the steps before and after a user's are run by; the twin's has busybox's shell."""
        shell = {"/bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n'}
        push_image(self._topology.http("backing_mcr"), "acr/bash", "2ff604c", "bash", files=shell)

    def delete(self, part: str, repository: str, digest: str) -> None:
        """Delete an image with every tag on it, as the owner of a registry may."""
        url = f"{self._topology.http(f'backing_{part}')}/v2/{repository}/manifests/{digest}"
        requests.delete(url, timeout=20).raise_for_status()

    def roll_back(self, repository: str, tag: str, *, why: str) -> None:
        """Let a tag of the base registry go back to the digest before, as a person does by the product's HTTP API."""
        listed = self._watcher.api("GET", "targets", params={"repository": repository}).json()["targets"]
        target = next(one["id"] for one in listed if one["tag"] == tag)
        answer = self._watcher.api("POST", f"targets/{target}/rollback", json={"why": why})
        expect(answer.status_code == 200, f"the rollback is done, not answered {answer.status_code}: {answer.text}")

    def configure(self, watch_list: str = WATCH_LIST) -> None:
        """Store a watch list, and the gate that it names, where the product reads them."""
        container = self._configuration()
        for gate, files in {"release": GATE, "steps": STEPS_GATE}.items():
            for name, text in files.items():
                container.upload_blob(f"gates/{gate}/{name}", text.encode(), overwrite=True)
        self.store_list(watch_list.encode())

    def store_list(self, content: bytes) -> None:
        """Let another watch list take the place of the stored one, as an operator's upload does."""
        self._configuration().upload_blob(_LIST, content, overwrite=True)

    def store(self, name: str, text: str) -> None:
        """Store another file of the configuration, as an operator's upload does."""
        self._configuration().upload_blob(name, text.encode(), overwrite=True)

    def _configuration(self) -> ContainerClient:
        """The container for the configuration, made where it is not there, as on a twin that is empty."""
        container = self._watcher.container("config")
        try:
            container.create_container()
        except ResourceExistsError:
            expect(container.exists(), "the container for the configuration is there")
        return container

    def stored_list(self) -> bytes | None:
        """Return the watch list as it is stored, or ``None`` where none is."""
        try:
            return self._watcher.container("config").download_blob(_LIST).readall()
        except ResourceNotFoundError:
            return None

    def add_webhook(self) -> None:
        """Let the base registry tell the product of pushes, as the deployment does."""
        uri = f"{self._topology.http('host')}/api/webhooks/acr?code={self._topology.function_key}"
        properties = {
            "serviceUri": uri,
            "customHeaders": {"x-tidegate-secret": self._topology.webhook_secret},
            "actions": ["push", "delete"],
            "status": "enabled",
        }
        self._watcher.arm("PUT", BASE, "webhooks/tidegate", {"location": "westeurope", "properties": properties})

    def add_application(self) -> None:
        """Make the application's task, and run it once, so that ACR knows what it is built on."""
        self._applications.add(APPLICATION, APPLICATION_FILES)
        self._applications.until_built(APPLICATION)

    def run_application(self) -> str:
        """Run the application's image from its registry, and return what it prints."""
        image = f"docker://127.0.0.1:{self._topology.port('backing_applications')}/{APPLICATION}:latest"
        root = self._topology.state / "containers"
        buildah = ["buildah", "--root", str(root), "--runroot", str(root / "run"), "--storage-driver", "vfs"]
        container = _run([*buildah, "from", "--tls-verify=false", "--pull-always", image]).strip()
        try:
            # buildah loses the last words of a command that ends at once.
            script = "/bin/sh /app.sh; sleep 0.2"
            return _run([*buildah, "run", "--isolation", "chroot", container, "--", "/bin/sh", "-c", script])
        finally:
            _run([*buildah, "rm", container])


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "BUILDAH_ISOLATION": "chroot"}
    )
    expect(done.returncode == 0, f"{json.dumps(command)} ends well, and does not print {done.stderr[-500:]}")
    return done.stdout


class OnStage:
    """What all sets of scenes stand on.

    Args:
        twin: up; its host starts once all is prepared.
    """

    def __init__(self, twin: Twin) -> None:
        self._topology = twin.topology
        self._watcher = Watcher(twin.topology)
        self._set = StageSet(twin.topology, self._watcher)

    @property
    def watcher(self) -> Watcher:
        """What looks at the twin."""
        return self._watcher
