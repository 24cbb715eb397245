"""Asks the open questions of the first hour in Azure: ``make live-check REGISTRIES=…``.

Environment, all of it optional but the first:

- ``REGISTRIES``: resource ids of the registries to work in, one after the other, separated by commas.
- ``TASK``: resource id of a task there that may be run, for whoever may make none.
- ``CLIENT``: an image there with the Docker client and a shell, as ``repository@sha256:…``; for probe 20.
- ``PROBES``: numbers of the probes to ask, such as ``1,3``; else all but the heavy ones.
- ``HEAVY``: ``1`` for the heavy ones too.
- ``MINUTES``: after which no other probe is begun in a registry; 60.
- ``YES``: ``1`` asks for no confirmation.
- ``LIST``: ``1`` tells what would be done, and ends.
- ``REPORT``: file for the report as JSON; ``live-check.json``.
- ``ARM_ENDPOINT``, ``ARM_AUDIENCE``, ``ACR_AUDIENCE``, ``MCR_URL``, ``AZURE_CLIENT_ID``: as the app's settings of
  these names.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import AzureCliCredential, ManagedIdentityCredential

from infra.live_check.arm import Arm, KeptTokens, RefusedError
from infra.live_check.catalogue import chosen
from infra.live_check.ground import Ground
from infra.live_check.probe import Probe
from infra.live_check.report import announced, as_text, for_machines
from infra.live_check.run import ask_all
from infra.live_check.source import find_source
from shared.config import RegistryId, parse_registry_id
from shared.errors import ConfigurationError

# A few hundred kilobytes, for many architectures, and without a rate limit.
_IMAGE = "oss/kubernetes/pause:3.9"
_MCR = "mcr.microsoft.com"


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Ask, report and clean up.

    Returns:
        0 if everything that was made is deleted; 1 if something is left, or nothing could be asked; 2 for a wrong
        argument.
    """
    try:
        probes = chosen(_numbers(environment.get("PROBES", "")), heavy=environment.get("HEAVY") == "1")
        minutes = float(environment.get("MINUTES", "60"))
        registries = [parse_registry_id(text) for text in environment.get("REGISTRIES", "").split(",")]
    except (ValueError, ConfigurationError) as error:
        print(f"live-check: {error}\n  make live-check REGISTRIES=<resource id of an Azure Container Registry>[,…]")
        return 2
    print(announced(probes, ", ".join(each.name for each in registries), minutes))
    if environment.get("LIST") == "1":
        return 0
    if environment.get("YES") != "1" and input("\nGo on? Type yes: ").strip().lower() != "yes":
        return 1
    return _ask_in_each(environment, registries, probes, minutes)


def _ask_in_each(
    environment: Mapping[str, str], registries: list[RegistryId], probes: Sequence[Probe], minutes: float
) -> int:
    reports: list[dict[str, object]] = []
    left = False
    for registry in registries:
        try:
            ground = _ground(environment, registry.resource_id)
        except (RefusedError, AzureError, requests.RequestException) as error:
            print(f"live-check: {error}\n  Sign in by az login, as one who may read {registry.name}.")
            return 1
        asked = ask_all(ground, probes, minutes, print)
        print(f"\n{as_text(asked, ground.made.left)}\n")
        reports.append(for_machines(asked, ground.made.left, registry.name))
        left = left or bool(ground.made.left)
    path = Path(environment.get("REPORT", "live-check.json"))
    path.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n")
    print(f"The report for machines is {path}.")
    return 1 if left else 0


def _ground(environment: Mapping[str, str], registry_id: str) -> Ground:
    """Return the place to work in, once it is known that it can be reached."""
    credential = KeptTokens(_credential(environment))
    audience = environment.get("ARM_AUDIENCE", "https://management.azure.com").rstrip("/")
    endpoint = environment.get("ARM_ENDPOINT", "https://management.azure.com").rstrip("/")
    ground = Ground(
        Arm(endpoint, f"{audience}/.default", credential),
        credential,
        registry_id,
        find_source(environment.get("MCR_URL", f"https://{_MCR}").rstrip("/"), _MCR, _IMAGE),
        secrets.token_hex(3),
        audience=environment.get("ACR_AUDIENCE", "https://containerregistry.azure.net"),
        task_id=environment.get("TASK", ""),
        client=environment.get("CLIENT", ""),
    )
    print(f"\n{ground.login_server}, {ground.registry['location']}, {ground.registry['sku']['name']}\n")
    return ground


def _credential(environment: Mapping[str, str]) -> TokenCredential:
    """Whoever is signed in at the Azure CLI; on a machine with an identity of its own, that one."""
    if "IDENTITY_ENDPOINT" in environment:
        return ManagedIdentityCredential(client_id=environment.get("AZURE_CLIENT_ID") or None)
    return AzureCliCredential()


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(",") if part.strip())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was made is deleted then, too
    sys.exit(main())
