"""What the registries tell of pushes and deletes, handed to everyone who acts on it."""

from __future__ import annotations

import time
from typing import Any

from infra.local.emulator.arm_tasks import ArmTasks
from infra.local.emulator.catalog import Catalog
from infra.local.emulator.event_grid import EventGrid
from infra.local.emulator.registries import Registries
from infra.local.emulator.settings import Settings
from infra.local.emulator.webhooks import Webhooks

_TAG_SECONDS = 0.5


class Events:
    """Receives CNCF Distribution's notifications (https://distribution.github.io/distribution/about/notifications/)."""

    def __init__(
        self,
        registries: Registries,
        catalog: Catalog,
        webhooks: Webhooks,
        event_grid: EventGrid,
        tasks: ArmTasks,
        settings: Settings,
    ) -> None:
        self._registries = registries
        self._catalog = catalog
        self._webhooks = webhooks
        self._event_grid = event_grid
        self._tasks = tasks
        self._settings = settings

    def receive(self, part: str, events: list[dict[str, Any]]) -> None:
        """Act on the notifications of one part's registry; blobs and pulls are of no interest."""
        for event in events:
            target = event.get("target") or {}
            if event.get("action") == "push" and target.get("tag"):
                self._tagged(part, event)
            elif event.get("action") == "push" and "/manifests/" in target.get("url", ""):
                self._untagged(part, event)
            elif event.get("action") == "delete" and target.get("digest"):
                self._catalog.deleted(part, target["repository"], target["digest"])
                self._webhooks.notify(part, event)
                self._event_grid.notify(part, event)

    def _untagged(self, part: str, event: dict[str, Any]) -> None:
        self._catalog.pushed(part, event["target"]["repository"], event["target"]["digest"])
        if self._settings.now.untagged_pushes_told:
            self._webhooks.notify(part, event)
            self._event_grid.notify(part, event)

    def _tagged(self, part: str, event: dict[str, Any]) -> None:
        target = event["target"]
        repository, tag, digest = target["repository"], target["tag"], target["digest"]
        self._await_tag(part, repository, tag, digest)
        self._catalog.tagged(part, repository, tag, digest)
        self._webhooks.notify(part, event)
        self._event_grid.notify(part, event)
        self._tasks.base_moved(part, repository, tag, digest)

    def _await_tag(self, part: str, repository: str, tag: str, digest: str) -> None:
        """Wait until the tag points where the notification says.

        Distribution 2.8 notifies between storing a manifest and moving the tag; ACR tells of a push that is done. A tag
        that has moved on since is not waited for longer than the registry waits for our answer.
        """
        deadline = time.monotonic() + _TAG_SECONDS
        while time.monotonic() < deadline:
            found = self._registries.backing(part).head(repository, tag)
            if found and found.digest == digest:
                return
            time.sleep(0.01)
