"""POST /api/webhooks/acr: what the base registry tells us. Answered at once; the work is for the queue."""

from __future__ import annotations

import azure.functions as func

from shared.domain.events.webhook import receive
from shared.flows.signal import signal
from shared.ports import Outbox
from shared.rules.targets import TargetBook
from shared.web.answers import json_answer


def acr_webhook(
    request: func.HttpRequest, *, secret: str, login_server: str, book: TargetBook, outbox: Outbox, traceparent: str
) -> func.HttpResponse:
    """Take one event.

    Args:
        request: as ACR sends it; https://learn.microsoft.com/azure/container-registry/container-registry-webhook.
        secret: what the webhook was told to send.
        login_server: of the base registry.
        book: where targets are.
        outbox: sends the message.
        traceparent: trace context of the request.

    Returns:
        202 and what was done about it.

    Raises:
        MalformedRequest: 401, 413 or 400.
    """
    event = receive(request.headers, request.get_body(), secret)
    done = signal(event, login_server=login_server, book=book, outbox=outbox, traceparent=traceparent)
    return json_answer({"result": done}, 202)
