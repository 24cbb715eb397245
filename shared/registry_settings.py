"""What the settings may say of our registries: hosts that are hosts, and registries that are kept apart.

Staging holds what nobody has tested, and is trusted by nobody. The base registry may be the one with the applications'
tasks, and is by default. Names: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_HOST = re.compile(r"(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?")
_KINDS = ("staging", "base")
# A first part with a dot is a host to Docker, and there the image would not be the staging registry's.
_PINNED = re.compile(
    r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*@sha256:[0-9a-f]{64}"
)


def is_host(text: str) -> bool:
    """Whether a text in lower case is a registry's host, with or without a port, and nothing else."""
    return _HOST.fullmatch(text) is not None


def registry_problems(values: Mapping[str, str]) -> list[str]:
    """Return what is wrong about the registries that the settings name, by sentences that name the settings.

    Args:
        values: the settings' texts, by field.
    """
    return [
        *_no_hosts(values),
        *_application_hosts(values),
        *_same_names(values),
        *_same_hosts(values),
        *_staged_applications(values),
        *_loose_client(values),
    ]


def _no_hosts(values: Mapping[str, str]) -> list[str]:
    return [
        f"{kind.upper()}_LOGIN_SERVER is not a registry's host: expected such as tidegate.azurecr.io, without https:// "
        "and without anything before or after it"
        for kind in _KINDS
        if (server := values[f"{kind}_login_server"].lower()) and not is_host(server)
    ]


def _application_hosts(values: Mapping[str, str]) -> list[str]:
    servers, ids = (_parts(values[f"application_{what}"]) for what in ("login_servers", "registry_ids"))
    if any(not is_host(server.lower()) for server in servers):
        return [
            "APPLICATION_LOGIN_SERVERS is not a list of registries' hosts: expected such as contosoapps.azurecr.io, "
            "without https:// and separated by commas"
        ]
    if not servers or len(servers) == max(len(ids), 1):
        return []
    return [
        f"APPLICATION_LOGIN_SERVERS names {len(servers)} and APPLICATION_REGISTRY_IDS {len(ids)}: name the host of "
        "each of those registries, in the same order"
    ]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _same_names(values: Mapping[str, str]) -> list[str]:
    staging, base = (_name(values[f"{kind}_registry_id"]) for kind in _KINDS)
    if not staging or staging != base:
        return []
    return [
        f"STAGING_REGISTRY_ID and BASE_REGISTRY_ID name the same registry, {base}: what nobody has tested yet would "
        "stand in the base registry. Name two"
    ]


def _same_hosts(values: Mapping[str, str]) -> list[str]:
    staging, base = (_server(values, kind) for kind in _KINDS)
    if not staging or staging != base or _same_names(values):
        return []
    return [
        f"STAGING_LOGIN_SERVER and BASE_LOGIN_SERVER lead to one host, {base}: what is read back from one would be "
        "believed of the other. Name each registry's own host"
    ]


def _staged_applications(values: Mapping[str, str]) -> list[str]:
    applications = {_name(part.strip()) for part in values["application_registry_ids"].split(",")}
    staging = _name(values["staging_registry_id"])
    if not staging or staging not in applications:
        return []
    return [
        f"APPLICATION_REGISTRY_IDS names the staging registry, {staging}, that STAGING_REGISTRY_ID names: whatever is "
        "tested there could reach the applications' images. Keep applications in another registry"
    ]


def _loose_client(values: Mapping[str, str]) -> list[str]:
    client = values["gate_client_image"]
    if not client or _PINNED.fullmatch(client):
        return []
    return [
        f"GATE_CLIENT_IMAGE is {client!r}, which is not repository@sha256:<64 hexadecimal digits>: name the image by "
        "its digest and without a host, such as tools/docker@sha256:…, for it is taken from the staging registry"
    ]


def _name(resource_id: str) -> str:
    """Registries' names are unique in all of Azure and have no case, so two ids with one name are one registry."""
    return resource_id.rpartition("/")[2].lower()


def _server(values: Mapping[str, str], kind: str) -> str:
    name = _name(values[f"{kind}_registry_id"])
    server = values[f"{kind}_login_server"] or (f"{name}.azurecr.io" if name else "")
    return server.lower().removesuffix(":443")
