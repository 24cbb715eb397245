"""Reading a task's secrets: where they lie, and whoever hands them out.

The runner knows no vault; whoever asks for a run gives it one.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

# Hands out the secret at an address to the identity with a client id; ``VaultRefusedError`` says why not.
Vault = Callable[[str, str], str]


class VaultRefusedError(Exception):
    """A secret is not handed out; the text is what the builder would say."""


def no_vault(address: str, identity: str) -> str:
    """Refuse every secret: the vault of a run that was given none."""
    raise VaultRefusedError(f"no vault is here, asked for {address} by {identity or 'nobody'}")


def check_address(address: str) -> str:
    """Return what ACR's builder finds wrong with a secret's address; empty if it is one."""
    parts = urlsplit(normalised(address))
    segments = parts.path.split("/")
    if parts.scheme != "https":
        return "invalid azure keyvault secret URL scheme. Expected Https"
    if len(segments) not in (3, 4):
        return f"invalid azure keyvault secret URL. Bad number of URL segments: {len(segments)}"
    if segments[1] != "secrets":
        return f"invalid azure keyvault secret URL. Expected 'secrets' collection, but found: {segments[1]}"
    return ""


def normalised(address: str) -> str:
    """Return an address as the builder asks for it: in small letters, without a slash at the end."""
    return address.lower().removesuffix("/")
