"""Text for a terminal: tables, colours beside words, durations; names from outside do nothing to it. Pure but for the
terminal's encoding."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.cli.exits import Ends, Exit

LONGEST_CELL = 300
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s?)?")
_GOOD, _WAITS, _BAD = "32", "33", "31"
_COLOURS = {
    **dict.fromkeys(("current", "promoted", "mirrored", "succeeded", "ok", "clean"), _GOOD),
    **dict.fromkeys(("awaiting-approval", "soaking", "frozen", "held", "drifted", "warn", "waiting", "asked"), _WAITS),
    **dict.fromkeys(("rejected", "failed", "never-there", "gone", "bad", "exposed"), _BAD),
}
_PAINTED = re.compile(rf"(\x1b\[(?:0|{_GOOD}|{_WAITS}|{_BAD})m)")


class Colours(msgspec.Struct, frozen=True):
    """Colours words that say how something stands; the word says it without them.

    Attributes:
        on: whether it colours at all.
    """

    on: bool

    def word(self, text: str, shown: str | None = None) -> str:
        """Return a text in the colour of a word.

        Args:
            text: the word.
            shown: what is printed; the word itself if ``None``.
        """
        colour = _COLOURS.get(text)
        return f"\x1b[{colour}m{shown or text}\x1b[0m" if self.on and colour else shown or text


def printable(text: str) -> str:
    """Return a text with which no name from outside can do anything to a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def plain(text: str) -> str:
    """Return the same, cut where it is very long."""
    whole = printable(text)
    return whole if len(whole) <= LONGEST_CELL else f"{whole[: LONGEST_CELL - 1]}…"


def harmless(line: str) -> str:
    """Return a line in which nothing but our colours does anything to a terminal, whoever wrote which part of it."""
    parts = _PAINTED.split(line)
    return "".join(part if number % 2 else printable(part) for number, part in enumerate(parts))


def harmless_lines(text: str) -> str:
    """Return the same of several lines."""
    return "\n".join(map(harmless, text.split("\n")))


def fitting(text: str) -> str:
    """Return a text as far as the terminal can show it."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], colours: Colours | None = None) -> list[str]:
    """Return rows as lines, each column as wide as its longest cell; nothing at all without rows."""
    cells = [[plain(cell(one)) for one in row] for row in rows]
    if not cells:
        return []
    widths = [max(len(row[at]) for row in (list(heads), *cells)) for at in range(len(heads))]
    paint = colours or Colours(on=False)
    lines = ["  ".join(head.upper().ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip()]
    for row in cells:
        padded = [paint.word(one, one.ljust(width)) for one, width in zip(row, widths, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return lines


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def short(digest: str | None) -> str:
    """Return a digest as people tell it from another."""
    return digest.removeprefix("sha256:")[:12] if digest else "-"


def minute(moment: str | None) -> str:
    """Return an RFC 3339 time to the minute, UTC; what is no time, as it is."""
    if not moment:
        return "-"
    found = read_time(moment)
    return f"{found:%Y-%m-%d %H:%M}Z" if found else moment


def read_time(moment: str | None) -> datetime | None:
    """Return the time that the app told; ``None`` if it is none."""
    try:
        return datetime.fromisoformat(moment) if moment else None
    except ValueError:
        return None


def duration(text: str, option: str) -> timedelta:
    """Read a duration such as ``30s``, ``2h`` or ``1d12h``; a number alone is seconds.

    Raises:
        Ends: it is none.
    """
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise Ends(Exit.USAGE, f"{option}: {text!r} is no duration such as 30s, 5m, 2h or 1d12h")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
