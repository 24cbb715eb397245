"""ARM's webhook resources.

https://learn.microsoft.com/rest/api/containerregistry/webhooks
"""

from __future__ import annotations

import re
from typing import Any

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import LOCATION, REGISTRY, known, not_found
from infra.local.emulator.callers import Authorship, caller
from infra.local.emulator.front import Route
from infra.local.emulator.webhooks import Webhook, Webhooks
from infra.local.emulator.wire import json_object, json_reply, nothing, provider_error
from infra.local.topology import Topology

_CALLBACK = "webhooks/getCallbackConfig/action"
_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")


class ArmWebhooks:
    """The routes of webhooks."""

    def __init__(self, topology: Topology, webhooks: Webhooks) -> None:
        self._topology = topology
        self._webhooks = webhooks

    def routes(self) -> list[Route]:
        """Return the routes served."""
        one = f"{REGISTRY}/webhooks/<name>"
        return [
            Route("PUT", one, "put webhook", self.put, "webhooks/write"),
            Route("PATCH", one, "patch webhook", self.change, "webhooks/write"),
            Route("GET", one, "get webhook", self.get, "webhooks/read"),
            Route("DELETE", one, "delete webhook", self.delete, "webhooks/delete"),
            Route("GET", f"{REGISTRY}/webhooks", "list webhooks", self.list_all, "webhooks/read"),
            Route("POST", f"{one}/ping", "ping webhook", self.ping, "webhooks/ping/action"),
            Route("POST", f"{one}/listEvents", "list webhook events", self.events, "webhooks/listEvents/action"),
            Route("POST", f"{one}/getCallbackConfig", "get webhook callback", self.callback, _CALLBACK),
        ]

    def put(self, request: Request, registry: str, name: str) -> Response:
        """Create or replace a webhook, and answer 200."""
        known(registry)
        if not _NAME.fullmatch(name):
            abort(provider_error(400, "InvalidWebhookName", "A webhook's name has 5 to 50 alphanumeric characters."))
        return self._keep(registry, name, json_object(request), caller(request))

    def change(self, request: Request, registry: str, name: str) -> Response:
        """Change what is named of a webhook."""
        before, wanted = self._find(registry, name).body, json_object(request)
        properties = {**before["properties"], **(wanted.get("properties") or {})}
        return self._keep(registry, name, {**before, **wanted, "properties": properties}, caller(request))

    def _keep(self, registry: str, name: str, body: dict[str, Any], by: str) -> Response:
        before = self._webhooks.find(registry, name)
        authorship = before.authorship.changed(by) if before else Authorship(by)
        webhook = _webhook(registry, name, body, authorship)
        self._webhooks.put(webhook)
        return json_reply(self._resource(webhook))

    def get(self, _: Request, registry: str, name: str) -> Response:
        """Answer one webhook; its address and headers are secrets and have their own route."""
        return json_reply(self._resource(self._find(registry, name)))

    def list_all(self, _: Request, registry: str) -> Response:
        """Answer a registry's webhooks."""
        known(registry)
        return json_reply({"value": [self._resource(webhook) for webhook in self._webhooks.of(registry)]})

    def delete(self, _: Request, registry: str, name: str) -> Response:
        """Forget a webhook."""
        known(registry)
        return nothing(200 if self._webhooks.remove(registry, name) else 204)

    def ping(self, _: Request, registry: str, name: str) -> Response:
        """Send a ping."""
        return json_reply({"id": self._webhooks.ping(self._find(registry, name))})

    def events(self, _: Request, registry: str, name: str) -> Response:
        """Answer the events sent, newest first."""
        return json_reply({"value": list(self._find(registry, name).events)})

    def callback(self, _: Request, registry: str, name: str) -> Response:
        """Answer the address and headers."""
        webhook = self._find(registry, name)
        return json_reply({"serviceUri": webhook.service_uri, "customHeaders": webhook.headers})

    def _find(self, registry: str, name: str) -> Webhook:
        known(registry)
        webhook = self._webhooks.find(registry, name)
        if webhook is None:
            abort(not_found(name))
        return webhook

    def _resource(self, webhook: Webhook) -> dict[str, Any]:
        return {
            "type": "Microsoft.ContainerRegistry/registries/webhooks",
            "id": f"{self._topology.registry_id(webhook.registry)}/webhooks/{webhook.name}",
            "name": webhook.name,
            "location": webhook.body.get("location", LOCATION),
            "tags": webhook.body.get("tags") or {},
            "systemData": webhook.authorship.whole(),
            "properties": {
                "status": "enabled" if webhook.enabled else "disabled",
                "scope": webhook.scope,
                "actions": list(webhook.actions),
                "provisioningState": "Succeeded",
            },
        }


def _webhook(registry: str, name: str, body: dict[str, Any], authorship: Authorship) -> Webhook:
    properties = body.get("properties") or {}
    if not properties.get("serviceUri") or not properties.get("actions"):
        abort(provider_error(400, "InvalidWebhook", "A webhook needs a serviceUri and actions."))
    return Webhook(
        registry=registry,
        name=name,
        body=body,
        service_uri=properties["serviceUri"],
        headers=dict(properties.get("customHeaders") or {}),
        actions=tuple(properties["actions"]),
        scope=properties.get("scope") or "",
        enabled=properties.get("status", "enabled") == "enabled",
        authorship=authorship,
    )
