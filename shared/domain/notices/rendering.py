"""From a message to what a service shows: what all services have in common. Pure.

What strangers wrote is text: nothing in it becomes markup, a mention or a header, and what cannot be seen is made
visible. What does not fit is cut, and that it was cut is said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from shared.domain.notices.outgoing import Outgoing

JOINER = "\u2060"
"""Stands where a service would otherwise read a text as markup: it has no width, and breaks no word."""

_CUT = "… (cut)"
# Control characters, and those by which a text can be made to look like another: directions, and what has no width.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LINK = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
_LONGEST_LINK = 900
_LONGEST_TITLE = 300

Rendered = TypeVar("Rendered")


class Cut(msgspec.Struct, frozen=True):
    """How much is shown.

    Attributes:
        text: characters of each text.
        lines: facts at most.
        items: notices at most.
    """

    text: int
    lines: int
    items: int


# From all that a service could take to what every service takes; what is shown is the first that fits.
_CUTS = (
    *(Cut(text, 30, items) for text, items in ((3000, 50), (1500, 40), (800, 40), (500, 30), (350, 20), (350, 10))),
    *(Cut(text, lines, items) for text, lines, items in ((350, 20, 5), (350, 12, 3), (250, 8, 1), (160, 4, 0))),
)
_LEAST = Cut(0, 0, 0)


class Shown(msgspec.Struct, frozen=True):
    """What is left of a message once it is cut: plain text without anything unseen.

    Attributes:
        title: with the installation's name, and that it may have come before.
        about: how urgent it is, what it is, and when it happened.
        lines: labels and texts.
        items: title, text and link of each notice.
        notes: what was left out, and where to find it.
        link: an absolute address, or empty.
    """

    title: str
    about: str
    lines: tuple[tuple[str, str], ...] = ()
    items: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    link: str = ""


def fitted(message: Outgoing, render: Callable[[Shown], Rendered], fits: Callable[[Rendered], bool]) -> Rendered:
    """Return the most of a message that a service takes.

    Args:
        message: the message.
        render: makes of it what is sent.
        fits: whether the service takes that.

    Returns:
        What is sent; of a message that is to be short, title and link alone.
    """
    return fitted_cut(message, lambda cut: render(shown(message, cut)), fits)


def fitted_cut(message: Outgoing, render: Callable[[Cut], Rendered], fits: Callable[[Rendered], bool]) -> Rendered:
    """Return the most that a service takes, where what is sent is made from the cut itself; see ``fitted``."""
    for cut in () if message.short else _CUTS:
        rendered = render(cut)
        if fits(rendered):
            return rendered
    return render(_LEAST)


def shown(message: Outgoing, cut: Cut) -> Shown:
    """Return what is left of a message once it is cut."""
    lines = tuple((plain(line.label, cut.text), plain(line.text, cut.text)) for line in message.lines[: cut.lines])
    items = tuple(
        (plain(item.title, cut.text), plain(item.text, cut.text), linked(item.link))
        for item in message.items[: cut.items]
    )
    return Shown(
        title=title_of(message),
        about=f"{message.severity.value} · {plain(message.kind, 100)} · {moment(message.at)}",
        lines=lines,
        items=items,
        notes=tuple(_notes(message, cut)),
        link=linked(message.link),
    )


def title_of(message: Outgoing) -> str:
    """Return a message's one line: which installation says it, what, and that it may have come before."""
    name = f"[{plain(message.installation, 60)}] " if message.installation else ""
    return f"{name}{plain(message.title, _LONGEST_TITLE) or message.kind}{' (again)' if message.again else ''}"


def plain(text: str, most: int) -> str:
    """Return a text on one line, with what cannot be seen made visible, and cut.

    Args:
        text: from anybody.
        most: characters that are left of it; what was cut is told within them.
    """
    # What is cut anyway need not be looked at.
    some = text[: most + 1]
    line = (some if some.isprintable() else "".join(map(_visible, some))).strip()
    if len(text) <= most and len(line) <= most:
        return line
    return line[: most - len(_CUT)] + _CUT if most > len(_CUT) else ""


def is_cut(message: Outgoing, cut: Cut) -> bool:
    """Whether facts or parts of texts are left out; notices that are left out are counted, and that is told."""
    texts = [line.text for line in message.lines] + [text for item in message.items for text in (item.title, item.text)]
    return len(message.lines) > cut.lines or any(len(text) > cut.text for text in texts)


def linked(link: str) -> str:
    """Return an absolute address that needs no escaping anywhere; empty if it is none."""
    return link if len(link) <= _LONGEST_LINK and _LINK.fullmatch(link) else ""


def moment(at: datetime) -> str:
    """Return a time as people read it, in UTC and saying so."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _visible(character: str) -> str:
    if character in "\t\n\r\v\f\x85\u2028\u2029":
        return " "
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return f"\\u{ord(character):04x}"


def _notes(message: Outgoing, cut: Cut) -> Iterator[str]:
    more = message.more + len(message.items[cut.items :])
    if more:
        yield f"and {more:,} more"
    if is_cut(message, cut):
        yield "This message is cut to what its service takes; the page shows all of it."
    if message.again:
        yield "This message may have come before: whether it arrived is not known."
    if message.link and not linked(message.link):
        yield f"Page: {plain(message.link, _LONGEST_LINK)}"
