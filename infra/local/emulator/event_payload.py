"""What ACR says of a push or a delete, by its webhooks and by Event Grid.

https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
"""

from __future__ import annotations

import uuid
from typing import Any

_TOLD = ("mediaType", "size", "digest", "length", "repository", "tag")


def event_payload(event: dict[str, Any], login_server: str) -> dict[str, Any]:
    """Return ACR's payload of a CNCF Distribution notification, whose format it grew from.

    Args:
        event: the notification.
        login_server: stands for the host, which of the notification is that of the registry behind.
    """
    request = event.get("request") or {}
    return {
        "id": str(uuid.uuid4()),
        "timestamp": event["timestamp"],
        "action": event["action"],
        "target": {name: event["target"][name] for name in _TOLD if name in event["target"]},
        "request": {
            "id": request.get("id", str(uuid.uuid4())),
            "host": login_server,
            "method": request.get("method", ""),
            "useragent": request.get("useragent", ""),
        },
    }
