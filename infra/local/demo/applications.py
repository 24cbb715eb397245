"""Applications: tasks of the application registry, each built of a folder that a scene may change."""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.demo.watching import Watcher, eventually
from infra.local.topology import APPLICATIONS, Topology


class Applications:
    """Makes applications, and knows when they are built.

    Args:
        topology: of the running twin.
        watcher: looks at it.
    """

    def __init__(self, topology: Topology, watcher: Watcher) -> None:
        self._topology = topology
        self._watcher = watcher

    def write(self, name: str, files: Mapping[str, str]) -> None:
        """Write files into an application's folder, as who develops it does; its next run builds of them."""
        folder = self._topology.state / "applications" / name
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            (folder / path).write_text(text)

    def add(self, name: str, files: Mapping[str, str]) -> None:
        """Make an application's task, and run it, so that ACR knows what it is built on."""
        self.write(name, files)
        self._watcher.arm("PUT", APPLICATIONS, f"tasks/{name}", self._task(name))
        task_id = f"{self._topology.registry_id(APPLICATIONS)}/tasks/{name}"
        self._watcher.arm("POST", APPLICATIONS, "scheduleRun", {"type": "TaskRunRequest", "taskId": task_id})

    def until_built(self, name: str) -> None:
        """Wait for the first build of an application, and until its registry knows of it."""
        eventually(f"the first build of {name}", lambda: self.digest(name))
        eventually(f"ACR knows what {name} is built on", lambda: self._dependencies(name))

    def digest(self, name: str) -> str | None:
        """Return what an application's image is now; ``None`` while there is none."""
        return self._watcher.digest("applications", name, "latest")

    def _dependencies(self, name: str) -> object:
        task = self._watcher.arm("GET", APPLICATIONS, f"tasks/{name}")
        return task["properties"]["step"].get("baseImageDependencies")

    def _task(self, name: str) -> dict[str, object]:
        hosts = {"REGISTRY": "base", "APPLICATIONS": "applications"}
        step = {
            "type": "Docker",
            "contextPath": (self._topology.state / "applications" / name).as_uri(),
            "dockerFilePath": "Dockerfile",
            "imageNames": [f"{name}:latest"],
            "isPushEnabled": True,
            "arguments": [{"name": word, "value": self._topology.address(part)} for word, part in hosts.items()],
        }
        platform = {"os": "Linux", "architecture": "amd64"}
        properties = {"status": "Enabled", "platform": platform, "step": step, "timeout": 600}
        return {"location": "westeurope", "properties": properties}
