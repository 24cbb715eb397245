"""Where everything in the laptop twin listens and what it is called: one record that every part of it is given."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "tidegate"
STAGING, BASE, APPLICATIONS = "tidegatestaging", "tidegatebase", "tidegateapps"
VAULT = "tidegatevault"

# Offsets from the base port. Backing registries speak plain http to the twin alone; fronts speak TLS to the product.
_PORTS = {
    "azurite_blob": 0,
    "azurite_queue": 1,
    "azurite_table": 2,
    "backing_docker_hub": 10,
    "backing_mcr": 11,
    "backing_staging": 12,
    "backing_base": 13,
    "backing_applications": 14,
    "backing_other": 15,
    "arm": 20,
    "docker_hub_registry": 21,
    "docker_hub_auth": 22,
    "docker_hub_api": 23,
    "mcr": 24,
    "staging": 25,
    "base": 26,
    "applications": 27,
    "identity": 28,
    "control": 29,
    "host": 30,
    "other": 31,
    "slack": 32,
    "teams": 33,
    "webhook": 34,
    "mail": 35,
    "mail_tls": 36,
    "vault": 37,
    "builders": 38,
}


@dataclass(frozen=True)
class Topology:
    """The twin's addresses, secrets and folder.

    Attributes:
        state: folder for certificates, logs, registry contents and process ids; absolute.
        base_port: first of the forty TCP ports the twin uses on the loopback address.
        identity_header: the value the managed-identity endpoint asks for in ``X-IDENTITY-HEADER``.
        function_key: the key the Functions host asks for where a function is not anonymous.
        webhook_secret: the value the base registry's webhook sends in its custom header.
        event_grid: whether Event Grid tells of pushes into the base registry, and no webhook is listened to.
        short_retry_after: seconds of every ``Retry-After`` of ARM, for whoever has no time for Azure's own: 10 of an
            import, 30 of a task run; ``None`` for those.
        abac: whether the staging registry gives rights by repository (``AbacRepositoryPermissions``), as will be the
            default in Azure; the others give them as a whole.
        locks: whether the product may lock images in the base registry, as the deployment's parameter says.
        application_tasks: names of the application registry's tasks that the product may run, as the deployment's
            parameter says.
    """

    state: Path
    base_port: int
    identity_header: str
    function_key: str
    webhook_secret: str
    event_grid: bool = False
    short_retry_after: int | None = None
    abac: bool = False
    locks: bool = False
    application_tasks: tuple[str, ...] = ()

    def port(self, name: str) -> int:
        """Return the TCP port of one part, by the names in ``_PORTS``; ``KeyError`` for an unknown name."""
        return self.base_port + _PORTS[name]

    def address(self, name: str) -> str:
        """Return ``localhost:<port>`` of one part, as it stands in an image reference."""
        return f"localhost:{self.port(name)}"

    def https(self, name: str) -> str:
        """Return the ``https://localhost:<port>`` address of one TLS front."""
        return f"https://{self.address(name)}"

    def http(self, name: str) -> str:
        """Return the ``http://127.0.0.1:<port>`` address of one plain part."""
        return f"http://127.0.0.1:{self.port(name)}"

    @property
    def master_key(self) -> str:
        """The key that the host's own addresses, those under ``/admin``, ask for."""
        return f"{self.function_key}-master"

    @property
    def ca_bundle(self) -> Path:
        """The twin's own certificate authority followed by the machine's, as one PEM file."""
        return self.state / "tls" / "ca-bundle.pem"

    @property
    def vault_id(self) -> str:
        """The Azure resource id of the twin's key vault."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
        return f"{group}/providers/Microsoft.KeyVault/vaults/{VAULT}"

    def registry_folder(self, part: str) -> Path:
        """Return where the registry behind a front keeps what it holds."""
        return self.state / "registries" / part

    def registry_id(self, name: str) -> str:
        """Return the Azure resource id of one of the twin's registries."""
        return (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
            f"/providers/Microsoft.ContainerRegistry/registries/{name}"
        )

    def save(self, path: Path) -> None:
        """Write the topology as JSON, readable by the owner only: it holds secrets."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({**asdict(self), "state": str(self.state)}, indent=1))

    @staticmethod
    def load(path: Path) -> Topology:
        """Read what ``save`` wrote."""
        record = json.loads(path.read_text())
        tasks = tuple(record["application_tasks"])
        return Topology(**{**record, "state": Path(record["state"]), "application_tasks": tasks})
