"""How texts and times from anywhere are shown: nothing in them is invisible, endless, or taken for markup. Pure."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

LONGEST = 300
# What an upstream, a scanner or a person wrote beyond this is read in the record itself.
LONGEST_TEXT = 4000
_SPACES = frozenset("\n\t")
# What is not seen, or turns the order of what stands around it: control, format, private and unassigned characters.
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_DIGITS_SHOWN = 12


def visible(text: str, most: int = LONGEST_TEXT, keep: frozenset[str] = frozenset()) -> str:
    """Return a text in which every character can be seen.

    Args:
        text: from anywhere.
        most: how many characters at most; what is cut off is told.
        keep: characters that are left as they are though they cannot be seen.
    """
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(one if one in keep or one.isprintable() or _is_seen(one) else _named(one) for one in cut)
    return cut if len(text) <= most else f"{cut}… ({len(text) - most} characters more)"


def lines_of(text: str, most: int = LONGEST_TEXT) -> str:
    """Return a text of several lines in which every character can be seen."""
    return visible(text, most, _SPACES)


def outside(text: object) -> str:
    """Return a name from outside as it is shown."""
    return visible(str(text), LONGEST)


def short_digest(digest: str) -> str:
    """Return the beginning of a digest, enough to tell it from others by eye."""
    _, _, digits = digest.partition(":")
    return digits[:_DIGITS_SHOWN] or digest[:_DIGITS_SHOWN]


def iso(moment: datetime) -> str:
    """Return a moment as machines read it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def utc(moment: datetime) -> str:
    """Return a moment as people read it, with the zone's name."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment is, or how far it lies ahead, in one unit."""
    passed = now - moment
    told = span(abs(passed))
    return told if passed >= timedelta(0) else f"in {told}"


def span(length: timedelta) -> str:
    """Return a length of time in one unit."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "< 1 min"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN and character != "\u00a0"


def _named(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"
