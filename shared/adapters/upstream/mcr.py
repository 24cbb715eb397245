"""Microsoft's registry, which anybody may read: https://mcr.microsoft.com."""

from __future__ import annotations

from shared.adapters.upstream.http import UpstreamHttp, blobs_of, unmetered
from shared.adapters.upstream.mcr_catalogue import McrCatalogue
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.budget_ports import Meter
from shared.domain.references import MCR


def mcr(url: str, meter: Meter = unmetered) -> OciRegistry:
    """Return Microsoft's registry as an upstream.

    Args:
        url: its address, or that of a proxy.
        meter: is told what answers say of limits.
    """
    http = UpstreamHttp(MCR, meter)
    return OciRegistry("MCR", url, http, catalogue=McrCatalogue(url, http), blobs=blobs_of(MCR, url, meter))
