"""ACR's webhooks: who wants to know, and the one attempt to tell them.

https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from infra.local.emulator.callers import Authorship
from infra.local.emulator.event_payload import event_payload
from infra.local.emulator.faults import Faults
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.wire import timestamp
from infra.local.topology import Topology

_SECONDS = 5
_REMEMBERED = 100
_SENDERS = 4
# How often a webhook is sent that is to be repeated.
_REPEATED = 3


@dataclass
class Webhook:
    """One webhook resource and the events it was sent, newest first."""

    registry: str
    name: str
    body: dict[str, Any]
    service_uri: str
    headers: dict[str, str]
    actions: tuple[str, ...]
    scope: str
    enabled: bool
    authorship: Authorship
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def wants(self, action: str, repository: str, tag: str) -> bool:
        """Tell whether an event is within actions and scope: empty, ``repository:tag`` or ``repository:*``."""
        if not self.enabled or action not in self.actions:
            return False
        return self.scope in ("", f"{repository}:{tag}", f"{repository}:*", repository)


class Webhooks:
    """All webhooks; events are sent from a few threads of their own."""

    def __init__(self, topology: Topology, registries: Registries, faults: Faults) -> None:
        self._topology = topology
        self._registries = registries
        self._faults = faults
        self._lock = threading.Lock()
        self._all: dict[tuple[str, str], Webhook] = {}
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")

    def put(self, webhook: Webhook) -> None:
        """Keep a webhook in place of one of its name, whose events are kept."""
        with self._lock:
            before = self._all.get((webhook.registry, webhook.name))
            webhook.events = before.events if before else webhook.events
            self._all[webhook.registry, webhook.name] = webhook

    def find(self, registry: str, name: str) -> Webhook | None:
        """Return a webhook, or ``None``."""
        return self._all.get((registry, name))

    def remove(self, registry: str, name: str) -> bool:
        """Forget a webhook; tell whether there was one."""
        with self._lock:
            return self._all.pop((registry, name), None) is not None

    def of(self, registry: str) -> list[Webhook]:
        """Return a registry's webhooks."""
        with self._lock:
            return [webhook for (owner, _), webhook in self._all.items() if owner == registry]

    def notify(self, part: str, event: dict[str, Any]) -> None:
        """Tell whoever wants to know of a registry notification (CNCF Distribution's format)."""
        registry = next((name for name, own in PARTS.items() if own == part), None)
        if registry is None:
            return
        target = event["target"]
        content = event_payload(event, self._registries.login_server(registry))
        for webhook in self.of(registry):
            if webhook.wants(event["action"], target["repository"], target.get("tag", "")):
                for told in self._tellings(webhook, content):
                    self._pool.submit(self._send, webhook, told)

    def ping(self, webhook: Webhook) -> str:
        """Send a ping and return its id."""
        content = {"id": str(uuid.uuid4()), "timestamp": timestamp(time.time()), "action": "ping"}
        self._pool.submit(self._send, webhook, content)
        return content["id"]

    def close(self) -> None:
        """Send nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tellings(self, webhook: Webhook, content: dict[str, Any]) -> list[dict[str, Any]]:
        """What is sent of an event: itself, once, unless a fault says otherwise."""
        actions = ("lost-webhook", "repeat-webhook", "retell-webhook")
        fault = self._faults.take(PARTS[webhook.registry], "webhook", webhook.service_uri, actions)
        if fault is None:
            return [content]
        if fault.action == "retell-webhook":
            return [content, {**content, "id": str(uuid.uuid4())}]
        return [content] * (0 if fault.action == "lost-webhook" else _REPEATED)

    def _send(self, webhook: Webhook, content: dict[str, Any]) -> None:
        """Make the one attempt there is: five seconds, no retry."""
        body = json.dumps(content)
        headers = _headers(webhook, len(body))
        try:
            answer = requests.post(
                webhook.service_uri, data=body, headers=headers, timeout=_SECONDS, verify=str(self._topology.ca_bundle)
            )
            response = {
                "content": answer.text,
                "headers": dict(answer.headers),
                "reasonPhrase": answer.reason,
                "statusCode": str(answer.status_code),
                "version": "1.1",
            }
        except requests.RequestException as error:
            response = {"statusCode": "0", "version": "1.1", "content": str(error)}
        webhook.events.appendleft(_event(webhook, content, headers, response))


def _headers(webhook: Webhook, length: int) -> dict[str, str]:
    return {
        "User-Agent": "AzureContainerRegistry/1.0",
        **webhook.headers,
        "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(length),
    }


def _event(
    webhook: Webhook, content: dict[str, Any], headers: dict[str, str], response: dict[str, Any]
) -> dict[str, Any]:
    return {
        "eventRequestMessage": {
            "content": content,
            "headers": headers,
            "method": "POST",
            "requestUri": webhook.service_uri,
            "version": "1.1",
        },
        "eventResponseMessage": response,
        "id": content["id"],
    }
