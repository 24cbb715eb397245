"""What an event of the base registry asks for: the rebuild of what depends on a push, and a look at what differs."""

from __future__ import annotations

import logging

from shared.domain.events.messages import BaseMoved
from shared.domain.events.registry_event import Deletion, Ignored, Told, is_from
from shared.ports import Outbox
from shared.rules.base_events import ask_for_look
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.signal")


def signal(event: Told, *, login_server: str, book: TargetBook, outbox: Outbox, traceparent: str) -> str:
    """Ask for the rebuilds and the look that an event calls for, whichever way it came.

    Args:
        event: one that is believed: its sender knew the webhook's secret, or may write to the queue.
        login_server: of the base registry.
        book: where targets are.
        outbox: sends the message.
        traceparent: trace context of whoever took the event.

    Returns:
        What was done about it, in a sentence.
    """
    if isinstance(event, Ignored):
        return _nothing(event.reason)
    if not is_from(event, login_server):
        done = "deleted from" if isinstance(event, Deletion) else "pushed into"
        return _nothing(f"{done} {event.host}, not {done.split()[1]} the base registry")
    looked = ask_for_look(event, book, outbox, traceparent)
    if isinstance(event, Deletion):
        return "a look asked for" if looked else _nothing("nobody wants what was deleted")
    outbox.send(
        BaseMoved(v=1, repository=event.repository, tag=event.tag, digest=event.digest, traceparent=traceparent),
    )
    log.info("%s:%s was pushed as %s", event.repository, event.tag, event.digest)
    return "rebuilds asked for"


def _nothing(reason: str) -> str:
    """An event of a queue has nobody to answer, so the log is told."""
    log.info("an event asks for nothing: %s", reason)
    return reason
