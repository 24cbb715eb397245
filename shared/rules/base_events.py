"""Whether what the base registry tells of itself calls for a look at the repository, and when that is to be made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from shared.domain.events.messages import LookAtBase
from shared.domain.events.registry_event import Deletion, Push
from shared.errors import ServiceError
from shared.ports import Outbox
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.base_events")

# The event may come before a listing shows what it tells of.
SOON = timedelta(seconds=15)


def ask_for_look(event: Push | Deletion, book: TargetBook, outbox: Outbox, traceparent: str) -> bool:
    """Ask for a look where a target is concerned, and say whether one was asked for.

    What we push ourselves asks for none, and neither does the deletion of a manifest that nobody wants: whoever clears
    a registry deletes many. Where the storage account does not tell, a look too many does no harm.

    Args:
        event: of the base registry.
        book: where targets are.
        outbox: sends the message.
        traceparent: trace context of whoever took the event.
    """
    if isinstance(event, Push):
        concerned = _concerned(lambda: _differs(event, book))
        message = LookAtBase(v=1, repositories=(event.repository,), traceparent=traceparent)
    else:
        concerned = _concerned(lambda: _is_wanted(event, book))
        message = LookAtBase(
            v=1, repositories=(event.repository,), deleted=event.digest, by=event.by, traceparent=traceparent
        )
    if concerned:
        outbox.send(message, SOON)
    return concerned


def _differs(push: Push, book: TargetBook) -> bool:
    """A tag that was astray may be in order again."""
    target = book.of(push.repository, push.tag)
    return target is not None and (target.wanted != push.digest or target.astray is not None)


def _is_wanted(deletion: Deletion, book: TargetBook) -> bool:
    found = (stored.record for stored in book.of_repository(deletion.repository))
    return any(target.wanted and deletion.digest in {"", target.wanted} for target in found)


def _concerned(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except ServiceError as error:
        log.warning("whom an event of the base registry concerns is not known, so it is looked at: %s", error)
        return True
