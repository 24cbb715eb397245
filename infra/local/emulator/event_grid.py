"""Event Grid between the base registry and a storage queue, as a deployment that asks for it sets it up.

Form: https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
Delivery: https://learn.microsoft.com/azure/event-grid/handler-storage-queues
"""

from __future__ import annotations

import base64
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient

from infra.local.emulator.event_payload import event_payload
from infra.local.emulator.registries import PARTS, Registries
from infra.local.topology import BASE, Topology
from infra.local.twin.settings import storage_connection_string

QUEUE = "imports"
# What the subscription wants.
_TYPES = {
    "push": "Microsoft.ContainerRegistry.ImagePushed",
    "delete": "Microsoft.ContainerRegistry.ImageDeleted",
}
_log = logging.getLogger("emulator.event_grid")


class EventGrid:
    """The base registry's system topic with its one subscription; silent unless the topology asks for it."""

    def __init__(self, topology: Topology, registries: Registries) -> None:
        self._topology = topology
        self._registries = registries
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="event-grid")

    def notify(self, part: str, event: dict[str, Any]) -> None:
        """Deliver a push into the base registry, or a deletion (CNCF Distribution's notification)."""
        if self._topology.event_grid and part == PARTS[BASE] and event["action"] in _TYPES:
            payload = event_payload(event, self._registries.login_server(BASE))
            self._pool.submit(self._deliver, cloud_event(payload, self._topology.registry_id(BASE)))

    def close(self) -> None:
        """Deliver nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, event: dict[str, Any]) -> None:
        text = base64.b64encode(json.dumps(event).encode()).decode()
        with QueueClient.from_connection_string(storage_connection_string(self._topology), QUEUE) as queue:
            try:
                queue.send_message(text, time_to_live=-1)
            except AzureError:
                _log.exception("an event could not be put into the queue %s, and there is no second try here", QUEUE)


def cloud_event(payload: dict[str, Any], registry_id: str) -> dict[str, Any]:
    """Return a push or a deletion in the envelope of CloudEvents 1.0.

    Args:
        payload: what ACR says of it.
        registry_id: Azure resource id of the registry.
    """
    target = payload["target"]
    tag = f":{target['tag']}" if "tag" in target else ""
    return {
        "id": str(uuid.uuid4()),
        "source": registry_id,
        "subject": f"{target['repository']}{tag}",
        "type": _TYPES[payload["action"]],
        "time": payload["timestamp"],
        "data": payload,
        "specversion": "1.0",
    }
