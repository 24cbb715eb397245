"""GET /api/images/{image}/tags."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from shared.domain.watching.watch_list import WatchList
from shared.flows.explain import explain
from shared.ports import Observations, Upstream
from shared.rules.ledger import Ledger
from shared.web.answers import json_answer


def explain_tags(
    name: str,
    *,
    watch_list: WatchList,
    upstream: Callable[[str], Upstream],
    observations: Observations,
    ledger: Ledger,
) -> func.HttpResponse:
    """Show every upstream tag of an entry of the watch list, with the reason why it is taken or left.

    Args:
        name: the entry's name.
        watch_list: the list in force.
        upstream: gives the upstream of a registry.
        observations: what is known of the tags.
        ledger: the upstreams' budgets.

    Returns:
        200.

    Raises:
        MalformedRequest: 404, there is no such entry.
        ServiceError: the upstream does not answer.
    """
    return json_answer(
        explain(name, watch_list=watch_list, upstream=upstream, observations=observations, ledger=ledger)
    )
