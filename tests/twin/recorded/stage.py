"""Puts what a recording presumes into the twin: images, sources, tasks, runs, webhooks; its own answers tell which."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from infra.local.emulator.registries import PARTS
from infra.local.runner.model import Image, RunResult
from tests.twin.conftest import Twin
from tests.twin.images import digest_at, push_image
from tests.twin.listener import Listener
from tests.twin.recorded.interactions import Interaction, Recording
from tests.twin.recorded.names import ABOUT, BESIDE, Names, registry_path

_SECONDS = 20
_HELD = {"import_queue_seconds": 60, "import_seconds": 60}
_OF_IMAGE = re.compile(r"/(?:acr/v1|v2)/(.+)/(_tags|_manifests|referrers)/([^?]+)")
_IN_REGISTRY = re.compile(r"/registries/[^/]+/(?P<kind>\w+)(?:/(?P<name>[^/?]+))?(?:/(?P<action>\w+))?")
_ADDED = {"provisioningState", "creationDate"}


class Stage:
    """Arranges the twin for one recording, and lets go on what a recording sees going on.

    Args:
        twin: the emulator, its runner's double, and a credential that may do everything.
        names: of the recording.
        listener: where webhooks go.
        folder: to be made, for the contexts of runs.
    """

    def __init__(self, twin: Twin, names: Names, listener: Listener, folder: Path) -> None:
        self._twin = twin
        self._names = names
        self._listener = listener
        self._folder = folder

    def arm(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Ask ARM about the recording's registry, and fail if it refuses."""
        url = f"{self._twin.topology.https('arm')}{registry_path(ABOUT)}/{path}?api-version=2025-03-01-preview"
        answer = requests.request(method, url, json=body, headers=self.bearer(), timeout=_SECONDS)
        answer.raise_for_status()
        return answer

    def bearer(self) -> dict[str, str]:
        """Return the header that names an operator."""
        token = self._twin.credential.get_token("https://management.azure.com/.default").token
        return {"Authorization": f"Bearer {token}"}

    def arrange(self, recording: Recording) -> None:
        """Make what is there before the first request."""
        made: set[str] = set()
        self._arrange_sources(recording)
        for interaction in recording.interactions:
            found = _IN_REGISTRY.search(urlsplit(interaction.path).path)
            if found is None:
                self._arrange_images(interaction)
            elif found["kind"] == "importImage":
                self._arrange_import(interaction.sent)
            elif interaction.method == "PUT":
                made.add(f"{found['kind']}/{found['name']}")
            elif f"{found['kind']}/{found['name']}" not in made:
                self._arrange_resource(found, interaction, made)

    def _arrange_sources(self, recording: Recording) -> None:
        """Let every remote context be a folder here, with the task files that requests name."""
        self._folder.mkdir()
        text = json.dumps([[one.sent, one.body] for one in recording.interactions])
        for location in re.findall(r'"(https://github\.com/[^"]+)"', text):
            self._names.learn(location, self._folder.as_uri())
        for name in ["Dockerfile", *re.findall(r'"taskFilePath": "([^"]+)"', text)]:
            (self._folder / name).write_text("steps: []\n")

    def _arrange_resource(self, found: re.Match[str], interaction: Interaction, made: set[str]) -> None:
        match found["kind"]:
            case "tasks":
                self._put_tasks(found, interaction)
            case "taskRuns":
                self._put_task_run(interaction)
            case "webhooks":
                self._put_webhook(str(found["name"] or interaction.body["value"][0]["name"]), found["action"])
            case "runs" if interaction.method == "PATCH":
                self._end_run(interaction.body)
            case "runs" if found["name"] is None:
                self._arrange_runs(interaction.body["value"])
            case "scheduleRun" if interaction.sent["type"] == "TaskRunRequest":
                name = interaction.sent["taskId"].rpartition("/")[2]
                if f"tasks/{name}" not in made:
                    self._put_task(name)

    def _arrange_images(self, interaction: Interaction) -> None:
        """Push what a request to a registry's own host finds there."""
        found = _OF_IMAGE.match(interaction.path)
        if found is None or interaction.status != 200:
            return
        repository, kind, reference = found.groups()
        image = f"{repository}:{reference}" if kind == "_tags" else f"{repository}:referred"
        digest = push_image(self._twin.topology, PARTS[ABOUT], image, reference)
        if kind != "_tags":
            self._names.learn(reference, digest)

    def _arrange_import(self, sent: dict[str, Any]) -> None:
        """Push the source, and take away the targets; the import is held until the recording sees it go on."""
        repository, _, digest = sent["source"]["sourceImage"].partition("@")
        image = f"{repository}:by-digest" if digest else repository
        host = sent["source"].get("registryUri", "")
        part = "docker_hub" if host.endswith("docker.com") else PARTS[BESIDE]
        pushed = push_image(self._twin.topology, part, image, f"{time.time_ns()}")
        if digest:
            self._names.learn(digest, pushed)
        for target in sent["targetTags"]:
            self._delete_image(target)
        self._twin.control("POST", "/settings", _HELD)

    def _delete_image(self, image: str) -> None:
        digest = digest_at(self._twin.topology, PARTS[ABOUT], image)
        url = self._twin.topology.http(f"backing_{PARTS[ABOUT]}")
        if digest:
            requests.delete(f"{url}/v2/{image.partition(':')[0]}/manifests/{digest}", timeout=_SECONDS)

    def _put_tasks(self, found: re.Match[str], interaction: Interaction) -> None:
        if found["name"]:
            self._put_task(found["name"])
            return
        for listed in self._names.json(interaction.body["value"]):
            properties = {name: value for name, value in listed["properties"].items() if name not in _ADDED}
            identity = {"identity": {"type": "SystemAssigned"}} if "identity" in listed else {}
            body = {"location": listed["location"], "properties": properties, **identity}
            self.arm("PUT", f"tasks/{listed['name']}", body)

    def _put_task(self, name: str) -> None:
        step = {"type": "EncodedTask", "encodedTaskContent": "c3RlcHM6IFtdCg==", "values": []}
        platform = {"os": "linux", "architecture": "amd64"}
        self.arm("PUT", f"tasks/{name}", {"location": "westus", "properties": {"platform": platform, "step": step}})

    def _put_task_run(self, interaction: Interaction) -> None:
        """Make the task run that a list or an answer shows, once for both."""
        shown = (interaction.body or {}).get("value", [interaction.body])[0]
        if shown is None:
            return
        self.end_runs(shown["properties"]["runResult"])
        request = self._names.json(shown["properties"]["runRequest"])
        self.arm("PUT", f"taskRuns/{shown['name']}", {"properties": {"runRequest": request}})
        self._wait(f"taskRuns/{shown['name']}", "provisioningState", "Succeeded")

    def _put_webhook(self, name: str, action: str | None) -> None:
        headers = {"key": "value"}
        properties = {
            "serviceUri": self._listener.url,
            "customHeaders": headers,
            "status": "enabled",
            "actions": ["push"],
        }
        self.arm("PUT", f"webhooks/{name}", {"location": "westus", "properties": properties})
        if action == "listEvents":
            self.arm("POST", f"webhooks/{name}/ping")
            self._until(lambda: self.arm("POST", f"webhooks/{name}/listEvents").json()["value"])

    def _end_run(self, shown: dict[str, Any]) -> None:
        """Run a task to the end that a recording shows."""
        self.end_runs(shown)
        run = self._start_run(shown)
        self._names.learn(shown["name"], run)
        self._wait(f"runs/{run}", "status", shown["properties"]["status"])

    def _start_run(self, shown: dict[str, Any]) -> str:
        request = {"type": "EncodedTaskRunRequest", "encodedTaskContent": ""}
        if task := shown["properties"].get("task"):
            self._put_task(task)
            request = {"type": "TaskRunRequest", "taskId": f"{registry_path(ABOUT)}/tasks/{task}"}
        return str(self.arm("POST", "scheduleRun", request).json()["name"])

    def _arrange_runs(self, listed: list[dict[str, Any]]) -> None:
        """Have as many runs as a list shows: ended, or under way."""
        for shown in reversed(listed):
            if "finishTime" in shown["properties"]:
                self._end_run(shown)
            else:
                self.hold_runs()
                self._start_run(shown)

    def hold_runs(self) -> None:
        """Let no run end."""
        self._twin.runner.hold.clear()

    def end_runs(self, shown: dict[str, Any]) -> None:
        """Let runs end as one that a recording shows."""
        properties = shown["properties"]
        images = tuple(Image(**image) for image in properties.get("outputImages", ()))
        error = properties.get("runErrorMessage", "")
        self._twin.runner.result = RunResult(properties["status"], output_images=images, error=error)
        self._twin.runner.hold.set()

    def let_imports_go(self, *, to_the_end: bool) -> None:
        """Begin to copy, and end that too or not."""
        seconds = {"import_queue_seconds": 0, "import_seconds": 0 if to_the_end else 60}
        self._twin.control("POST", "/settings", seconds)

    def clear(self) -> None:
        """Let everything end, and wait for it: what comes next finds nothing under way."""
        self.let_imports_go(to_the_end=True)
        self._twin.runner.hold.set()
        self._until(lambda: all(one["finished"] for one in self._twin.control("GET", "/operations").json()))

    def _wait(self, path: str, field: str, value: str) -> None:
        self._until(lambda: self.arm("GET", path).json()["properties"][field] == value)

    @staticmethod
    def _until(seen: Any) -> None:
        deadline = time.monotonic() + _SECONDS
        while not seen():
            if time.monotonic() > deadline:
                raise TimeoutError("what the recording presumes does not come about")
            time.sleep(0.05)


def form(text: str) -> dict[str, str]:
    """Return the fields of a form."""
    return {name: values[0] for name, values in parse_qs(text).items()}
