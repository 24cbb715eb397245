"""Microsoft's registry, which anybody may read: https://mcr.microsoft.com."""

from __future__ import annotations

from shared.adapters.oci_registry import OciRegistry


def mcr(url: str) -> OciRegistry:
    """Return Microsoft's registry as an upstream.

    Args:
        url: its address, or that of a proxy.
    """
    return OciRegistry("MCR", url)
