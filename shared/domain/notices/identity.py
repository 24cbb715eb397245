"""The id of a message, for machines: the same whenever it is sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime


def message_id(destination: str, keys: Iterable[str], began: datetime) -> str:
    """Derive a message's id.

    Args:
        destination: where it goes.
        keys: of its deliveries.
        began: when it was first to be sent, UTC: what somebody asks to have sent once more is another message.

    Returns:
        Such as ``msg_5f2a…``.
    """
    told = "\n".join((destination, began.isoformat(), *keys))
    return f"msg_{hashlib.sha256(told.encode()).hexdigest()[:32]}"
