"""The six backing registries: real CNCF Distribution processes, one for each registry the product deals with."""

from __future__ import annotations

import json
from pathlib import Path

from infra.local.topology import Topology

# The names under which the emulator knows where a notification comes from.
REGISTRIES = ("docker_hub", "mcr", "other", "staging", "base", "applications")


def write_config(topology: Topology, name: str) -> Path:
    """Write one registry's configuration and return its path.

    The file is JSON, which is YAML too; the fields are those of the Distribution's configuration reference
    (https://distribution.github.io/distribution/about/configuration/).
    """
    path = topology.registry_folder(name).with_suffix(".yml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_config(topology, name), indent=1))
    return path


def _config(topology: Topology, name: str) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(topology.registry_folder(name))},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{topology.port(f'backing_{name}')}", "secret": topology.identity_header},
        "notifications": {"endpoints": [_notifications(topology, name)]},
    }


def _notifications(topology: Topology, name: str) -> dict[str, object]:
    return {
        "name": "emulator",
        "url": f"{topology.http('control')}/registry-events/{name}",
        "timeout": "2s",
        "threshold": 5,
        "backoff": "200ms",
    }
