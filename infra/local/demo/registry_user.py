"""An operator at the base registry's own API: whoever has a role there can push, lock and delete as it allows."""

from __future__ import annotations

from typing import Any

import requests

from infra.local.demo.watching import Watcher
from infra.local.topology import Topology

# What stands for a user name where the password is a token.
# https://learn.microsoft.com/azure/container-registry/container-registry-authentication#az-acr-login-with---expose-token
_NOBODY = "00000000-0000-0000-0000-000000000000"
_SECONDS = 20


class RegistryUser:
    """Asks the base registry by its front, as the Azure CLI and container tools do.

    Args:
        topology: of the running twin.
        watcher: knows how an operator signs in.
    """

    def __init__(self, topology: Topology, watcher: Watcher) -> None:
        self._front, self._service = topology.https("base"), topology.address("base")
        self._authority = str(topology.ca_bundle)
        self._watcher = watcher
        self._password = ""

    def sign_in(self) -> str:
        """Sign in, once for some hours: what is given then stands for a password."""
        self._password = self._password or self._watcher.registry_password("base")
        return self._password

    def ask(self, method: str, path: str, repository: str, rights: str, **request: Any) -> requests.Response:
        """Ask for something of a repository.

        Args:
            method: of the request.
            path: below the registry's address.
            repository: which.
            rights: what is to be done there, as ``pull,push`` or ``metadata_read``.
            request: what else the request has.

        Raises:
            requests.RequestException: there was no answer.
            KeyError: there was no token.
        """
        headers = {"Authorization": f"Bearer {self._token(repository, rights)}", **request.pop("headers", {})}
        url = f"{self._front}{path}"
        return requests.request(method, url, headers=headers, verify=self._authority, timeout=_SECONDS, **request)

    def _token(self, repository: str, rights: str) -> str:
        answer = requests.get(
            f"{self._front}/oauth2/token",
            params={"service": self._service, "scope": f"repository:{repository}:{rights}"},
            auth=(_NOBODY, self.sign_in()),
            verify=self._authority,
            timeout=_SECONDS,
        )
        return str(answer.json()["access_token"])
