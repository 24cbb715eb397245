"""Accounts at other registries, as a setting gives them: JSON in, one account for each host out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shared.errors import ConfigurationError
from shared.registry_settings import is_host

_ACCOUNTS = msgspec.json.Decoder(dict[str, dict[str, str]])
_CREDENTIALS = 'a JSON object such as {"ghcr.io": {"username": "…", "password": "…"}}'


class Account(msgspec.Struct, frozen=True):
    """An account at an upstream; its text form holds no password.

    Attributes:
        username: empty for none.
        password: or access token.
        token_host: host of the registry's token service, where that is neither its own nor above or below it.
    """

    username: str = ""
    password: str = ""
    token_host: str = ""

    def __repr__(self) -> str:
        return f"Account({self.username!r})"


def parse_accounts(text: str) -> dict[str, Account]:
    """Read the accounts at registries.

    Args:
        text: JSON; empty for none.

    Returns:
        The accounts by registry.

    Raises:
        ConfigurationError: it is none; the message holds nothing but names of registries.
    """
    try:
        entries = _ACCOUNTS.decode(text or "{}")
    except msgspec.DecodeError:
        raise ConfigurationError(f"REGISTRY_CREDENTIALS is not what was expected: {_CREDENTIALS}") from None
    return {
        host.lower(): _account(number, host.lower(), entry) for number, (host, entry) in enumerate(entries.items(), 1)
    }


def _account(number: int, host: str, entry: Mapping[str, str]) -> Account:
    if not is_host(host):
        raise ConfigurationError(f"REGISTRY_CREDENTIALS: entry {number} is not named by a registry's host")
    if _has_own_settings(host):
        raise ConfigurationError(
            f"REGISTRY_CREDENTIALS: {host} needs no entry: Docker Hub has settings of its own, MCR no accounts"
        )
    if not {"username", "password"} <= set(entry) <= {"username", "password", "token_host"} or not all(entry.values()):
        raise ConfigurationError(f"REGISTRY_CREDENTIALS: the entry {host} is not what was expected: {_CREDENTIALS}")
    token_host = entry.get("token_host", "").lower()
    if token_host and not is_host(token_host):
        raise ConfigurationError(f"REGISTRY_CREDENTIALS: the token_host of {host} is not a host, without https://")
    return Account(entry["username"], entry["password"], token_host)


def _has_own_settings(host: str) -> bool:
    return host in {"docker.io", "registry.hub.docker.com", "mcr.microsoft.com"} or host.endswith(".docker.io")
