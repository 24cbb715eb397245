"""Which places a registry may send us to: its own, wherever they are, and any that the whole world can reach.

Whoever names the address of a token service or of a redirect may be anybody, and we may stand where not everybody does:
https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from shared.adapters.upstream.challenges import may_be_shown

# Azure's own services answer every virtual machine here, though the address is a public one:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_AZURE = ipaddress.ip_address("168.63.129.16")


class NotPublic(Exception):
    """A registry sent us to an address that is not everybody's."""


class Within:
    """Tells the places that somebody chose for us from those that a registry names by itself.

    Args:
        registry: its host, and port if it has one, as the watch list has it.
        token_host: what the settings name as its token service; empty for none.
    """

    def __init__(self, registry: str, token_host: str = "") -> None:
        self._registry = registry
        self._own = f"https://{registry}/"
        self._token_host = token_host
        self._inside = False

    def covers(self, url: str) -> bool:
        """Whether an address is the registry's own, above or below it, or the settings' own token service.

        A registry that is itself within a private network may send us anywhere there: whoever runs it is inside.
        """
        if self._inside or url.startswith(self._own) or may_be_shown(self._registry, url):
            return True
        return bool(self._token_host) and urlsplit(url).hostname == self._token_host

    def is_inside(self) -> None:
        """Take note that the registry, by its own certificate, was found at an address that not everybody can reach."""
        self._inside = True


def check_public(address: str) -> None:
    """Check an IP address that a name led to; a text that is none is let through, for the name is looked up yet.

    Raises:
        NotPublic: it is one of a private network, of the machine itself, or of those who run it.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return
    real = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    if not real.is_global or real.is_multicast or real == _AZURE:
        raise NotPublic(f"{address} is not an address that everybody can reach")
