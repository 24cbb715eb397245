"""Hints as upstreams' catalogues give them: undocumented in part, so whatever is odd in one of them says nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.domain.references import Digest, Tag, parse_digest, parse_tag
from shared.errors import InvalidReference
from shared.ports import Hint

_NOTHING = Digest("")


def read_hint(name: str, digest: str | None, updated: str | None) -> Hint | None:
    """Return the hint that a catalogue's entry amounts to; ``None`` if it does not name a tag."""
    try:
        tag: Tag = parse_tag(name)
    except InvalidReference:
        return None
    return Hint(tag, _digest(digest), _time(updated))


def _digest(text: str | None) -> Digest:
    try:
        return parse_digest(text or "")
    except InvalidReference:
        return _NOTHING


def _time(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
