"""POST /api/rebuilds/{rebuild}/outcome: what a builder tells of a build. It is known by its own key, and by no role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import azure.functions as func

from shared.domain.dispatch.answer import Taken, dispatcher_in, read_answer
from shared.errors import MalformedRequest
from shared.flows.take_outcome import OutcomeTaker
from shared.web.answers import json_answer

_TOLD = {
    Taken.OTHER: "that attempt has ended otherwise: the first answer counts",
    Taken.NOT_ASKED: "that attempt is not under way: it is over, or was never begun",
}


def rebuild_outcome(
    request: func.HttpRequest,
    *,
    keys: Mapping[str, tuple[str, ...]],
    taker: Callable[[], OutcomeTaker],
    now: datetime,
) -> func.HttpResponse:
    """Take one answer; nothing is read for whoever is not believed.

    Args:
        request: names the rebuild, signed by the Standard Webhooks.
        keys: by which dispatchers sign answers, by the dispatchers' names.
        taker: takes it.
        now: UTC.

    Returns:
        200 and what it did.

    Raises:
        MalformedRequest: 401, 413, 400, 404, or 409 where the attempt has ended otherwise or is not under way.
    """
    rebuild = request.route_params.get("rebuild") or ""
    answer = read_answer(rebuild, keys.get(dispatcher_in(rebuild), ()), request.headers, request.get_body(), now)
    done = taker().take(answer)
    if done is None:
        raise MalformedRequest("there is no such rebuild", status=404)
    if done in _TOLD:
        raise MalformedRequest(_TOLD[done], status=409)
    return json_answer({"result": done.value})
