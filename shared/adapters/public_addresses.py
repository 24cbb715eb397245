"""Which addresses everybody can reach; what others name of themselves must be none that only we can.

Whoever names the address of a token service or of a redirect may be anybody, and we may stand where not everybody does:
https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import ipaddress

# Azure's own services answer every virtual machine here, though the address is a public one:
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_AZURE = ipaddress.ip_address("168.63.129.16")


class NotPublic(Exception):
    """We were sent to an address that is not everybody's."""


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
