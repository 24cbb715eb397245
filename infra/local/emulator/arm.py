"""What every ARM route shares: its path, its authentication, its long-running operations."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.registries import PARTS, Registries
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import arm_error, json_reply
from infra.local.topology import RESOURCE_GROUP, SUBSCRIPTION, Topology

PROVIDER = "providers/Microsoft.ContainerRegistry"
REGISTRY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/{PROVIDER}/registries/<registry>"
_LOCATION = f"/subscriptions/{SUBSCRIPTION}/{PROVIDER}/locations/local"
_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


def known(registry: str) -> str:
    """Return the registry's part of the twin, or answer 404 as ARM does."""
    if registry not in PARTS:
        abort(not_found(f"registries/{registry}"))
    return PARTS[registry]


def not_found(resource: str) -> Response:
    """Return ARM's 404 for a resource named from the provider on."""
    message = f"The Resource 'Microsoft.ContainerRegistry/{resource}' under resource group was not found."
    return arm_error(404, "ResourceNotFound", message)


class BearerGuard:
    """Refuses ARM requests without a token for ARM; blobs on the same server carry their signature in the URL."""

    def __init__(self, tokens: Tokens, topology: Topology) -> None:
        self._tokens = tokens
        self._audiences = (*_AUDIENCES, topology.https("arm"))

    def __call__(self, request: Request) -> Response | None:
        """Return the refusal, or ``None`` where the request may go on."""
        if not request.path.startswith("/subscriptions/"):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims = self._tokens.read("aad", token)
        if claims is None:
            return arm_error(401, "InvalidAuthenticationToken", "The access token is missing, invalid or expired.")
        if claims["aud"] not in self._audiences:
            return arm_error(401, "InvalidAuthenticationTokenAudience", "The access token is for another audience.")
        return None


class ArmRegistries:
    """The registry resources themselves; they exist from the start."""

    def __init__(self, topology: Topology, registries: Registries) -> None:
        self._topology = topology
        self._registries = registries

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [Route("GET", REGISTRY, "get registry", self.get)]

    def get(self, _: Request, registry: str) -> Response:
        """Answer one registry."""
        known(registry)
        return json_reply(
            {
                "id": self._topology.registry_id(registry),
                "name": registry,
                "type": "Microsoft.ContainerRegistry/registries",
                "location": "local",
                "sku": {"name": "Premium", "tier": "Premium"},
                "properties": {
                    "loginServer": self._registries.login_server(registry),
                    "provisioningState": "Succeeded",
                    "adminUserEnabled": False,
                },
            }
        )


@dataclass(frozen=True)
class Outcome:
    """How a long-running operation ended; no ``code`` means well."""

    code: str = ""
    message: str = ""


class LongRunning:
    """ARM's asynchronous operations, in both forms that the service uses.

    https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
    """

    def __init__(self, topology: Topology) -> None:
        self._base = topology.https("arm")
        self._lock = threading.Lock()
        self._outcomes: dict[str, Callable[[], Outcome | None]] = {}

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", f"{_LOCATION}/operationResults/<operation>", "poll operation", self.result),
            Route("GET", f"{_LOCATION}/operationStatuses/<operation>", "poll operation", self.status),
        ]

    def track(self, outcome: Callable[[], Outcome | None]) -> str:
        """Return the id of a new operation; ``outcome`` tells how it ended, or ``None`` while it goes on."""
        operation = f"registries-{uuid.uuid4()}"
        with self._lock:
            self._outcomes[operation] = outcome
        return operation

    def location(self, operation: str, request: Request) -> dict[str, str]:
        """Return the headers of a 202 whose result is asked for at ``Location``."""
        return {"Location": self._url("operationResults", operation, request), "Retry-After": "1"}

    def async_operation(self, operation: str, request: Request) -> dict[str, str]:
        """Return the headers of a 201 whose status is asked for at ``Azure-AsyncOperation``."""
        return {"Azure-AsyncOperation": self._url("operationStatuses", operation, request), "Retry-After": "1"}

    def result(self, request: Request, operation: str) -> Response:
        """Answer a poll of ``Location``: 202 while it goes on, then 200 or the error it ended with."""
        outcome = self._outcome(operation)
        if outcome is None:
            return Response(status=202, headers=self.location(operation, request))
        if outcome.code:
            return arm_error(409 if outcome.code == "Conflict" else 400, outcome.code, outcome.message)
        return json_reply({"status": "Succeeded"})

    def status(self, _: Request, operation: str) -> Response:
        """Answer a poll of ``Azure-AsyncOperation``: always 200, the status is in the body."""
        outcome = self._outcome(operation)
        if outcome is None:
            return json_reply({"name": operation, "status": "InProgress"}, headers={"Retry-After": "1"})
        if outcome.code:
            error = {"code": outcome.code, "message": outcome.message}
            return json_reply({"name": operation, "status": "Failed", "error": error})
        return json_reply({"name": operation, "status": "Succeeded"})

    def _outcome(self, operation: str) -> Outcome | None:
        if operation not in self._outcomes:
            abort(not_found(f"operations/{operation}"))
        return self._outcomes[operation]()

    def _url(self, form: str, operation: str, request: Request) -> str:
        return f"{self._base}{_LOCATION}/{form}/{operation}?api-version={request.args.get('api-version', '')}"
