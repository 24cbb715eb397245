"""Writes a watch list from a registry: ``python -m infra.adopt <login server> > images.yaml``.

It signs in as the Azure CLI does and only reads. ``ACR_AUDIENCE`` is as the app's setting of that name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import AzureError
from azure.identity import AzureCliCredential

from infra.adopt.listing import as_watch_list
from infra.adopt.reading import read_repositories

_AUDIENCE = "https://containerregistry.azure.net"


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Write the list to standard output.

    Returns:
        0; 1 if the registry could not be read; 2 for wrong arguments.
    """
    if len(arguments) != 1:
        print("usage: python -m infra.adopt <login server, such as contoso.azurecr.io> > images.yaml", file=sys.stderr)
        return 2
    audience = environment.get("ACR_AUDIENCE") or _AUDIENCE
    client = ContainerRegistryClient(f"https://{arguments[0]}", AzureCliCredential(), audience=audience)
    try:
        with client:
            found = list(read_repositories(client))
    except AzureError as error:
        print(f"{arguments[0]} could not be read: {error.message}", file=sys.stderr)
        return 1
    print(as_watch_list(arguments[0], found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
