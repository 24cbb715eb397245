"""A message as a CloudEvent, for machines: what a webhook is sent. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.notices.outgoing import Item, Line, Outgoing
from shared.domain.notices.rendering import Cut, fitted_cut, is_cut, plain

EVENT_TYPE = "tidegate.notice"
"""What the type of every event begins with; the notice's kind follows, as in ``tidegate.notice.approval-needed``."""

# Standard Webhooks asks for less than 20 kB.
_LARGEST = 20_000
_LONGEST_TITLE, _LONGEST_SUBJECT, _LONGEST_LINK = 300, 600, 1000
# What an address would have to encode.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._~-]")
_ENCODER = msgspec.json.Encoder()


class NoticeData(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, as plain text that nobody has escaped."""

    kind: Annotated[str, Meta(description="What is told, such as `approval-needed`; `digest` for several kinds.")]
    severity: Annotated[str, Meta(description="`info`, `action`, `warning` or `critical`.")]
    title: Annotated[str, Meta(description="One line for people.")]
    lines: Annotated[tuple[Line, ...], Meta(description="Facts about one notice.")] = ()
    items: Annotated[tuple[Item, ...], Meta(description="The notices, where the message is of several.")] = ()
    more: Annotated[int, Meta(description="How many besides are told by their number only.")] = 0
    link: Annotated[str, Meta(description="The page that shows it.")] = ""
    installation: Annotated[str, Meta(description="The installation's name.")] = ""
    again: Annotated[bool, Meta(description="Whether it may have come before; its id is then the same.")] = False
    cut: Annotated[bool, Meta(description="Whether texts or facts were cut to what an event may hold.")] = False
    cause: Annotated[str, Meta(description="What it was folded by.")] = ""
    image: Annotated[str, Meta(description="The entry of the watch list.")] = ""
    target: Annotated[str, Meta(description="The id of the tag of the base registry.")] = ""
    digest: Annotated[str, Meta(description="The digest that it is about.")] = ""


class NoticeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent 1.0 in its structured form; `webhook-id` is its `id`."""

    id: Annotated[str, Meta(description="Names the message; the same whenever it is sent again.")]
    source: Annotated[str, Meta(description="`/tidegate/` and the installation's name.")]
    type: Annotated[str, Meta(description="`tidegate.notice.` and the kind.")]
    time: Annotated[datetime, Meta(description="When it happened, UTC.")]
    data: NoticeData
    subject: Annotated[str, Meta(description="The target, else the entry, else `tidegate`.")] = "tidegate"
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def notice_event(message: Outgoing) -> bytes:
    """Return an event as JSON, as it is signed and sent."""
    return fitted_cut(message, lambda cut: _ENCODER.encode(_event(message, cut)), lambda body: len(body) <= _LARGEST)


def _event(message: Outgoing, cut: Cut) -> NoticeEvent:
    about = plain(message.target or message.image, _LONGEST_SUBJECT)
    return NoticeEvent(
        id=message.id,
        source="/tidegate" + (f"/{_NOT_PLAIN.sub('-', message.installation)}" if message.installation else ""),
        type=f"{EVENT_TYPE}.{message.kind}",
        time=message.at,
        subject=about or "tidegate",
        data=_data(message, cut),
    )


def _data(message: Outgoing, cut: Cut) -> NoticeData:
    lines, items = message.lines[: cut.lines], message.items[: cut.items]
    return NoticeData(
        kind=message.kind,
        severity=message.severity.value,
        title=plain(message.title, _LONGEST_TITLE),
        lines=tuple(Line(plain(line.label, cut.text), plain(line.text, cut.text)) for line in lines),
        items=tuple(_item(item, cut.text) for item in items),
        more=message.more + len(message.items) - len(items),
        link=plain(message.link, _LONGEST_LINK),
        installation=plain(message.installation, 100),
        again=message.again,
        cut=is_cut(message, cut),
        cause=plain(message.cause, _LONGEST_SUBJECT),
        image=plain(message.image, _LONGEST_SUBJECT),
        target=plain(message.target, _LONGEST_SUBJECT),
        digest=plain(message.digest, _LONGEST_SUBJECT),
    )


def _item(item: Item, most: int) -> Item:
    return Item(
        title=plain(item.title, most),
        text=plain(item.text, most),
        link=plain(item.link, _LONGEST_LINK),
        kind=item.kind,
        key=plain(item.key, _LONGEST_SUBJECT),
    )
