"""When a route has its notices sent: at once, in windows of some minutes, or once a day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shared.errors import MalformedInput

_WINDOW = re.compile(r"window ([0-9]{1,4})m")
_DAILY = re.compile(r"daily ([01][0-9]|2[0-3]):([0-5][0-9])(?: ([A-Za-z0-9_+/-]{1,64}))?")
_LONGEST = 24 * 60
_NOW = "now"


class When(msgspec.Struct, frozen=True, omit_defaults=True):
    """When something is sent.

    Attributes:
        text: as people write it.
        minutes: of a window; 0 for none.
        hour, minute: of a day, ``hour`` is -1 for no day's.
        zone: of that time.
    """

    text: str = _NOW
    minutes: int = 0
    hour: int = -1
    minute: int = 0
    zone: str = "UTC"

    @property
    def group(self) -> str:
        """What is one message with all others that have it, too; empty where each cause is a message of its own."""
        return "" if self.text == _NOW else self.text

    def due(self, now: datetime) -> datetime:
        """Return when something that is to be told now is sent, UTC."""
        if self.hour < 0:
            return now + timedelta(minutes=self.minutes)
        local = now.astimezone(_zone(self.zone))
        at = local.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        return (at if at > local else at + timedelta(days=1)).astimezone(UTC)


NOW = When()
DAILY = When("daily 08:00", hour=8)


def parse_when(text: str) -> When:
    """Read when something is sent.

    Args:
        text: ``now``, ``window 5m``, or ``daily 08:00 Europe/Berlin``; without a zone UTC is meant.

    Raises:
        MalformedInput: it is none of these.
    """
    if text == _NOW:
        return NOW
    if found := _WINDOW.fullmatch(text):
        minutes = int(found[1])
        if 1 <= minutes <= _LONGEST:
            return When(text, minutes=minutes)
    if (found := _DAILY.fullmatch(text)) and _is_zone(found[3] or "UTC"):
        return When(text, hour=int(found[1]), minute=int(found[2]), zone=found[3] or "UTC")
    raise MalformedInput(
        f"{text[:100]!r} says no time: write now, window 5m (1 to {_LONGEST} minutes), or daily 08:00 Europe/Berlin"
    )


def _is_zone(name: str) -> bool:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
