"""The setting that names the identities of gates which read secrets.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-authentication-key-vault
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from shared.domain.gate.identity import GateIdentity
from shared.errors import ConfigurationError

_IDENTITIES = msgspec.json.Decoder(dict[str, GateIdentity])
_RESOURCE = re.compile(
    r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/\s]+",
    re.IGNORECASE,
)
_CLIENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_identities(text: str) -> dict[str, GateIdentity]:
    """Read the setting.

    Returns:
        An identity by a gate's name.

    Raises:
        ConfigurationError: it is not what it should be.
    """
    try:
        found = _IDENTITIES.decode(text or "{}")
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            'GATE_IDENTITIES must be JSON such as {"shop": {"resourceId": "/subscriptions/…", "clientId": "…"}}: '
            f"{error}"
        ) from error
    for gate, identity in found.items():
        if not _RESOURCE.fullmatch(identity.resource_id) or not _CLIENT.fullmatch(identity.client_id):
            raise ConfigurationError(
                f"GATE_IDENTITIES: the gate {gate!r} needs resource id and client id of a user-assigned identity"
            )
    return found


def identity_problems(values: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the setting, beside the app's own identity.

    Args:
        values: the settings' texts, by field.
    """
    try:
        found = parse_identities(values["gate_identities"])
    except ConfigurationError as error:
        return [str(error)]
    own = values["azure_client_id"].lower()
    return [
        f"GATE_IDENTITIES gives the gate {gate!r} the app's own identity, AZURE_CLIENT_ID: whatever that gate tests "
        "could act as the app. Make an identity for it that may read its secrets and nothing else"
        for gate, identity in found.items()
        if own and identity.client_id.lower() == own
    ]
