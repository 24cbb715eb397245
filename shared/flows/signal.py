"""What a push into the base registry asks for: the rebuild of what depends on it."""

from __future__ import annotations

import logging

from shared.domain.events.messages import REBUILDS, BaseMoved
from shared.domain.events.registry_event import Ignored, Push, is_from
from shared.ports import Outbox

log = logging.getLogger("tidegate.signal")


def signal(event: Push | Ignored, *, login_server: str, outbox: Outbox, traceparent: str) -> str:
    """Ask for the rebuilds an event calls for, whichever way it came.

    Args:
        event: one that is believed: its sender knew the webhook's secret, or may write to the queue.
        login_server: of the base registry.
        outbox: sends the message.
        traceparent: trace context of whoever took the event.

    Returns:
        What was done about it, in a sentence.
    """
    if isinstance(event, Ignored):
        return _nothing(event.reason)
    if not is_from(event, login_server):
        return _nothing(f"pushed into {event.host}, not into the base registry")
    outbox.send(
        REBUILDS,
        BaseMoved(v=1, repository=event.repository, tag=event.tag, digest=event.digest, traceparent=traceparent),
    )
    log.info("%s:%s was pushed as %s", event.repository, event.tag, event.digest)
    return "rebuilds asked for"


def _nothing(reason: str) -> str:
    """An event of a queue has nobody to answer, so the log is told."""
    log.info("an event asks for nothing: %s", reason)
    return reason
