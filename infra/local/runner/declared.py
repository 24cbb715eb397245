"""What a task declares beside its steps: networks, secrets and volumes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from infra.local.runner.errors import TaskRefused
from infra.local.runner.properties import Properties
from infra.local.runner.task import Network, Secret, Volume
from infra.local.runner.vault import check_address

_DRIVERS = ("", "bridge")
_NETWORK = frozenset({"name", "driver", "ipv6", "skipCreation", "isDefault"})
_VOLUME, _MOUNT = frozenset({"name", "secret"}), frozenset({"name", "mountPath"})
_VOLUME_NAME, _FILE_NAME = re.compile(r"[A-Za-z0-9_-]+"), re.compile(r"[A-Za-z0-9_.-]+")
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


def volumes(task: Properties) -> tuple[Volume, ...]:
    """Read ``volumes``; ``TaskRefused``, in the words of ACR's builder, for what it refuses."""
    found: dict[str, Volume] = {}
    for entry in task.mappings("volumes"):
        volume = _volume(entry)
        if volume.name in found:
            raise TaskRefused("volume with duplicate name found")
        found[volume.name] = volume
    return tuple(found.values())


def _volume(entry: Properties) -> Volume:
    entry.allow(_VOLUME, ())
    name, files = entry.text("name") or "", entry.text_by_name("secret")
    if not _VOLUME_NAME.fullmatch(name):
        raise TaskRefused(
            "volume name is not well formed. Only use alphanumeric and - _" if name else "volume name is empty"
        )
    if not files:
        raise TaskRefused("currently only support for source type secret")
    for file in files:
        if not _FILE_NAME.fullmatch(file) or file in (".", ".."):
            raise TaskRefused(f"file name, {file}, is not well formed. Only use alphanumeric and - _ .")
    return Volume(name, tuple(files.items()))


def mounts(step: Properties, declared: Sequence[Volume]) -> tuple[tuple[str, str], ...]:
    """Read a step's ``volumeMounts``: pairs of a volume's name and a path; ``TaskRefused`` as above."""
    found: dict[str, str] = {}
    for entry in step.mappings("volumeMounts"):
        entry.allow(_MOUNT, ())
        name, path = entry.text("name"), entry.text("mountPath")
        if not name or not path:
            raise TaskRefused("mount name or mount path is empty")
        if path in found:
            raise TaskRefused("mount with duplicate container file path found")
        if name not in {volume.name for volume in declared}:
            raise TaskRefused(f"mount name, {name}, does not correspond to a volume")
        found[path] = name
    return tuple((name, path) for path, name in found.items())
