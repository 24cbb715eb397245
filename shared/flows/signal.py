"""What a push into the base registry asks for: the rebuild of what depends on it."""

from __future__ import annotations

import logging

from shared.domain.messages import REBUILDS, BaseMoved
from shared.domain.webhook import Ignored, Push, is_from
from shared.ports import Outbox

log = logging.getLogger("tidegate.webhook")


def signal(event: Push | Ignored, *, login_server: str, outbox: Outbox, traceparent: str) -> str:
    """Ask for the rebuilds a webhook's event calls for.

    Args:
        event: an authenticated event.
        login_server: of the base registry.
        outbox: sends the message.
        traceparent: trace context of the request.

    Returns:
        What was done about it, in a sentence.
    """
    if isinstance(event, Ignored):
        return event.reason
    if not is_from(event, login_server):
        return f"pushed into {event.host}, not into the base registry"
    outbox.send(
        REBUILDS,
        BaseMoved(v=1, repository=event.repository, tag=event.tag, digest=event.digest, traceparent=traceparent),
    )
    log.info("%s:%s was pushed as %s", event.repository, event.tag, event.digest)
    return "rebuilds asked for"
