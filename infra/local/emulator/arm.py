"""What every ARM route shares: its path, and what it answers where there is nothing."""

from __future__ import annotations

from werkzeug.exceptions import abort
from werkzeug.wrappers import Response

from infra.local.emulator.registries import PARTS
from infra.local.emulator.wire import arm_error, provider_error
from infra.local.topology import RESOURCE_GROUP, SUBSCRIPTION

LOCATION = "westeurope"
PROVIDER = "providers/Microsoft.ContainerRegistry"
REGISTRY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/{PROVIDER}/registries/<registry>"


def known(registry: str) -> str:
    """Return the registry's part of the twin, or answer 404 as ARM does."""
    if registry not in PARTS:
        message = (
            f"The Resource 'Microsoft.ContainerRegistry/registries/{registry}' under resource group "
            f"'{RESOURCE_GROUP}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        abort(arm_error(404, "ResourceNotFound", message))
    return PARTS[registry]


def not_found(name: str) -> Response:
    """Return the 404 for something in a registry, by its name alone."""
    return provider_error(404, "ResourceNotFound", f"The resource {name} could not be found.")
