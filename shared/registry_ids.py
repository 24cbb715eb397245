"""An Azure Container Registry's resource id, as settings hold it."""

from __future__ import annotations

import re

import msgspec

from shared.errors import ConfigurationError

_REGISTRY_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.ContainerRegistry/registries/(?P<name>[A-Za-z0-9]{5,50})",
    re.IGNORECASE,
)


class RegistryId(msgspec.Struct, frozen=True):
    """An Azure Container Registry's resource id, taken apart."""

    subscription: str
    group: str
    name: str
    resource_id: str


def parse_registry_id(text: str) -> RegistryId:
    """Take a registry's resource id apart.

    Raises:
        ConfigurationError: it is not the resource id of a registry.
    """
    match = _REGISTRY_ID.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not a registry's resource id: expected /subscriptions/…/resourceGroups/…/providers/"
            "Microsoft.ContainerRegistry/registries/<name>"
        )
    return RegistryId(match["subscription"], match["group"], match["name"], text)
