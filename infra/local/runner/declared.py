"""What a task declares beside its steps: networks and secrets."""

from __future__ import annotations

import uuid

from infra.local.runner.errors import TaskRefused
from infra.local.runner.properties import Properties
from infra.local.runner.task import Network, Secret
from infra.local.runner.vault import check_address

_DRIVERS = ("", "bridge")
_NETWORK = frozenset({"name", "driver", "ipv6", "skipCreation", "isDefault"})
_SECRET = frozenset({"id", "keyvault", "clientID"})


def networks(task: Properties) -> tuple[Network, ...]:
    """Read ``networks``; ``TaskRefused`` for one without a name, and for drivers and addresses that are not here."""
    return tuple(_network(entry) for entry in task.mappings("networks"))


def _network(entry: Properties) -> Network:
    entry.allow(_NETWORK, ())
    name, driver = entry.text("name"), entry.text("driver") or ""
    if not name:
        raise TaskRefused(f"{entry.place}: name must be specified")
    if driver not in _DRIVERS or entry.flag("ipv6"):
        raise TaskRefused(f"{entry.place}: this twin has networks of the driver bridge, without ipv6")
    return Network(name, driver, entry.flag("skipCreation"), entry.flag("isDefault"))


def secrets(task: Properties) -> tuple[Secret, ...]:
    """Read ``secrets``; ``TaskRefused``, in the words of ACR's builder, for what it refuses."""
    found: dict[str, Secret] = {}
    for entry in task.mappings("secrets"):
        secret = _secret(entry)
        if secret.id in found:
            raise TaskRefused(f"duplicate secret found with ID: {secret.id}")
        found[secret.id] = secret
    return tuple(found.values())


def _secret(entry: Properties) -> Secret:
    entry.allow(_SECRET, ())
    secret = Secret(entry.text("id") or "", entry.text("keyvault") or "", entry.text("clientID") or "")
    if not secret.id:
        raise TaskRefused("secret is missing an ID as well as auto-generated ID")
    if problem := _problem(secret):
        raise TaskRefused(f"failed to validate secret with ID: {secret.id}: {problem}")
    return secret


def _problem(secret: Secret) -> str:
    if any(character.isspace() for character in secret.id):
        return "secret ID cannot contain spaces"
    if not secret.address:
        return (
            "secret should contain either keyvault property for vault secret, "
            "or msi clientID/aadResourceId for msi authentication"
        )
    if secret.identity and not _is_uuid(secret.identity):
        return "msi client ID is not a valid guid"
    return check_address(secret.address)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
