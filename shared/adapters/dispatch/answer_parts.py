"""What is taken out of a builder's answer: only what can be an id, a time or an address for people."""

from __future__ import annotations

from datetime import UTC, datetime


def link_of(text: object) -> str:
    """Return the address of a build's page for people, if it can be one; it is never asked."""
    good = isinstance(text, str) and text.startswith("https://") and text.isascii() and text.isprintable()
    return str(text) if good and len(str(text)) <= 500 and not {*str(text)} & {'"', "<", ">", " "} else ""


def id_of(value: object, digits: int) -> str:
    """Return an id, which becomes a part of addresses, so that only a number is any; empty if it is none.

    Args:
        value: as it was told.
        digits: how many it has at most.
    """
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdecimal() and len(text) <= digits else ""


def time_of(text: object) -> datetime | None:
    """Return a time, UTC unless it says otherwise; ``None`` if it is none. Azure tells seven digits of a second."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
