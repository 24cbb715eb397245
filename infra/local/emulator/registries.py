"""Which real registry stands behind which name: host in a reference, resource in Azure, part of the twin."""

from __future__ import annotations

from infra.local.emulator.backing import Backing
from infra.local.emulator.shelf import Shelf
from infra.local.topology import APPLICATIONS, BASE, STAGING, Topology

PARTS = {STAGING: "staging", BASE: "base", APPLICATIONS: "applications"}
UPSTREAMS = ("docker_hub", "mcr", "other")
DOCKER_HUB_HOSTS = ("docker.io", "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io")
MCR_HOST = "mcr.microsoft.com"


class Registries:
    """The six registries of the twin, by every name they go by.

    A *part* is ``docker_hub``, ``mcr``, ``other``, ``staging``, ``base`` or ``applications``; a *resource name* is what
    the registry is called in Azure; a *host* is what stands before the repository in a reference.
    """

    def __init__(self, topology: Topology) -> None:
        self._backing = {
            part: Backing(f"127.0.0.1:{topology.port(f'backing_{part}')}") for part in (*UPSTREAMS, *PARTS.values())
        }
        self._shelves = {part: Shelf(topology.registry_folder(part)) for part in self._backing}
        self._hosts = dict.fromkeys(DOCKER_HUB_HOSTS, "docker_hub") | {MCR_HOST: "mcr"}
        self._hosts |= {topology.address(part): part for part in ("other", *PARTS.values())}
        self._names = {topology.registry_id(name).lower(): name for name in PARTS}
        self._topology = topology

    def backing(self, part: str) -> Backing:
        """Return the client of one part's registry; ``KeyError`` for an unknown part."""
        return self._backing[part]

    def shelf(self, part: str) -> Shelf:
        """Return what one part's registry keeps; ``KeyError`` for an unknown part."""
        return self._shelves[part]

    def part_of_host(self, host: str) -> str | None:
        """Return the part a reference's host means, or ``None``."""
        return self._hosts.get(host)

    def name_of_resource(self, resource_id: str) -> str | None:
        """Return the name of the registry with this Azure resource id (case does not matter), or ``None``."""
        return self._names.get(resource_id.lower())

    def login_server(self, name: str) -> str:
        """Return the host by which references name one Azure registry."""
        return self._topology.address(PARTS[name])

    def host_of_part(self, part: str) -> str:
        """Return the host by which task dependencies name a part; Docker Hub has its ACR spelling."""
        if part == "docker_hub":
            return "registry.hub.docker.com"
        return MCR_HOST if part == "mcr" else self._topology.address(part)

    def addresses(self) -> dict[str, str]:
        """Return ``{reference host: host:port of the real registry}`` for pulls and pushes inside the twin."""
        return {host: self._backing[part].address for host, part in self._hosts.items()}
