"""From the names of a recording to those of the twin."""

from __future__ import annotations

import json
import re
from typing import Any

from infra.local.emulator.registries import PARTS
from infra.local.topology import APPLICATIONS, RESOURCE_GROUP, STAGING, SUBSCRIPTION, Topology

# A recording is about one registry; what it names besides is where an import comes from.
ABOUT, BESIDE = APPLICATIONS, STAGING
_PROVIDER = r"providers/Microsoft\.ContainerRegistry/registries"
_RESOURCE = re.compile(rf"/subscriptions/[0-9a-f-]+/resource[gG]roups/[^/\"]+/{_PROVIDER}/([^/\"?]+)")
_HOST = re.compile(r"([a-z0-9]+)\.azurecr\.io")


class Names:
    """The names of one recording.

    Args:
        topology: of the twin.
        about: the registry that the recording is about, as it is called there.
    """

    def __init__(self, topology: Topology, about: str) -> None:
        self._topology = topology
        self._about = about
        self._learned: dict[str, str] = {}

    def learn(self, recorded: str, real: str) -> None:
        """Remember what something is called here: a run, a digest, an address."""
        self._learned[recorded] = real

    def text(self, text: str) -> str:
        """Return a text of the recording with the twin's names."""
        mapped = _RESOURCE.sub(lambda found: self._topology.registry_id(self._registry(found[1])), text)
        mapped = _HOST.sub(lambda found: self._host(found[1]), mapped)
        for recorded, real in self._learned.items():
            mapped = re.sub(rf"(?<![\w-]){re.escape(recorded)}(?![\w-])", lambda _, real=real: real, mapped)  # type: ignore[misc]
        return mapped

    def json(self, content: Any) -> Any:
        """Return a JSON document of the recording with the twin's names."""
        return json.loads(self.text(json.dumps(content)))

    def _registry(self, recorded: str) -> str:
        return ABOUT if recorded.lower() == self._about.lower() else BESIDE

    def _host(self, recorded: str) -> str:
        """Return a login server; a recording calls its own registry also by the name that it once had in truth."""
        beside = recorded != self._about and recorded.startswith("source")
        return self._topology.address(PARTS[BESIDE if beside else ABOUT])


def about(path: str, host: str) -> str:
    """Return the registry that a request is about, as it calls it."""
    found = _RESOURCE.search(path)
    return found[1] if found else host.partition(".")[0]


def registry_path(name: str) -> str:
    """Return the path of a registry's resource."""
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
        f"/providers/Microsoft.ContainerRegistry/registries/{name}"
    )
