"""What is sent to one destination: one message, of one notice or of many, as plain text without any markup.

Names, labels and findings come from strangers. A sender escapes them for its service, and cuts what its service does
not take; what it cut, it says.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.notices.kinds import Severity


class Line(msgspec.Struct, frozen=True):
    """One fact: a label of ours, and a text that may come from strangers."""

    label: str
    text: str


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of several notices that are one message.

    Attributes:
        title: what happened, to what.
        text: more of it; may be empty.
        link: where it is shown; may be empty.
        kind: the notice's kind.
        key: tells it from all others, for machines.
    """

    title: str
    text: str = ""
    link: str = ""
    kind: str = ""
    key: str = ""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message.

    Attributes:
        id: names it, for machines: the same whenever it is sent again. Letters, digits, ``-`` and ``_``.
        kind: of the notice, see ``KINDS``; ``digest`` for a message of several kinds.
        severity: of the most urgent notice in it.
        title: one line for people; without the installation's name.
        at: when what it tells happened, UTC; of several the latest.
        lines: facts, the most important first; of a single notice only.
        items: the notices in it, the most important first, where it is of several.
        more: how many besides are told by their number only.
        link: the page that shows it; a path where nobody said where people reach the app.
        installation: the installation's name; may be empty.
        again: whether it may have arrived before: the answer was not clear, or whoever sent it died.
        short: whether the service refused the whole message: only title and link are to be sent.
        cause: what it was folded by; may be empty.
        image: the entry of the watch list, where it is about one.
        target: the id of the tag of the base registry, where it is about one.
        digest: what it is about, where it is about one.
    """

    id: str
    kind: str
    severity: Severity
    title: str
    at: datetime
    lines: tuple[Line, ...] = ()
    items: tuple[Item, ...] = ()
    more: int = 0
    link: str = ""
    installation: str = ""
    again: bool = False
    short: bool = False
    cause: str = ""
    image: str = ""
    target: str = ""
    digest: str = ""


DIGEST = "digest"
"""The kind of a message of several kinds."""
