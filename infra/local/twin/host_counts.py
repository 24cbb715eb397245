"""What the twin's own host counted, where it scales; see ``infra/local/host/README.md``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests

from infra.local.topology import Topology

# By the names that ``transactions`` has for the same requests.
_POLLS = {"GetQueueMetadata": "queue QueueProperties", "PeekMessages": "queue PeekMessages"}


def host_counts(topology: Topology) -> dict[str, Any]:
    """Return everything that the host counted since it was started with ``--scale flex``.

    Raises:
        requests.HTTPError: it was started without.
    """
    headers = {"x-functions-key": topology.master_key}
    answer = requests.get(f"{topology.http('host')}/admin/local/counts", headers=headers, timeout=9)
    answer.raise_for_status()
    counted: dict[str, Any] = answer.json()
    return counted


def platform_transactions(before: dict[str, Any], after: dict[str, Any]) -> Counter[str]:
    """Return the platform's polls between two counts, by the kinds of ``transactions``, to take them off there."""
    polls, earlier = after["platform_polls"], before["platform_polls"]
    return Counter({_POLLS[kind]: number - earlier.get(kind, 0) for kind, number in polls.items()})
