"""A message as plain text: for mail, and for services that are known by a library alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering import Shown, fitted, plain, title_of

_LONGEST_SUBJECT = 200
_LARGEST_MAIL = 60_000
# What most services of that kind take; the library cuts or parts it further for those that take less.
_LARGEST_OTHER = 2_000
# What calls everybody, or a person, or leads elsewhere than it says, at one or another of them.
_CALLS = re.compile(r"@(?=everyone|here|channel|all\b)|<(?=[@!#&]|https?:|/?[a-z])|\](?=\()", re.IGNORECASE)
# What looks like it and is as long.
_ALIKE = {"@": "\uff20", "<": "\u2039", "]": "\uff3d"}


class Letter(msgspec.Struct, frozen=True):
    """A title of one line, and a text of several."""

    title: str
    text: str


def mail_letter(message: Outgoing) -> Letter:
    """Return subject and text of a mail."""
    return _letter(message, _LARGEST_MAIL)


def short_letter(message: Outgoing) -> Letter:
    """Return title and text for a service of which nothing is known."""
    letter = _letter(message, _LARGEST_OTHER)
    return Letter(_uncalled(letter.title), _uncalled(letter.text))


def _uncalled(text: str) -> str:
    return _CALLS.sub(lambda found: _ALIKE[found[0]], text)


def _letter(message: Outgoing, most: int) -> Letter:
    # The mark comes last, and is not to be cut.
    title = title_of(message)
    if len(title) > _LONGEST_SUBJECT:
        title = plain(title, _LONGEST_SUBJECT - 8) + (" (again)" if message.again else "")
    text = fitted(message, lambda shown: "\n".join(_lines(shown, title)), lambda text: len(text) <= most)
    return Letter(title, text)


def _lines(shown: Shown, title: str) -> Iterator[str]:
    if shown.title != title:
        yield from (shown.title, "")
    yield shown.about
    yield from ([""] if shown.lines or shown.items else [])
    yield from (f"{label}: {text}" for label, text in shown.lines)
    for name, text, link in shown.items:
        yield f"- {name}"
        yield from (f"  {one}" for one in (text, link) if one)
    yield from (["", *shown.notes] if shown.notes else [])
    yield from (["", shown.link] if shown.link else [])
