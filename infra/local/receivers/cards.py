"""What Teams makes of an adaptive card: which it posts, which it shows, and what in them calls people.

https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format and
https://adaptivecards.io/explorer/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
# Of a later version it says that all went well, and "this card couldn't be displayed":
# https://github.com/prometheus/alertmanager/issues/3920
_NEWEST = (1, 4)
_ELEMENTS = {
    "TextBlock": {"text"},
    "RichTextBlock": {"inlines"},
    "TextRun": {"text"},
    "FactSet": {"facts"},
    "Container": {"items"},
    "ColumnSet": {"columns"},
    "Column": {"items"},
    "Action.OpenUrl": {"title", "url"},
    "ActionSet": {"actions"},
}
_VERSION = re.compile(r"1\.[0-9]")
# Links, bare addresses and mentions: what stands in a TextBlock or a fact is read so, in a TextRun it is not.
_MARKUP = re.compile(r"\[[^\]]*\]\([^)]*\)|https?://\S+|<at>.*?</at>|\{\{(?:DATE|TIME)\(")
_RUN = re.compile(r"<at>.*?</at>|\{\{(?:DATE|TIME)\(")


def wrong_with(attachment: Any) -> str:
    """Return why an attachment would not be seen; empty where it would be."""
    if not isinstance(attachment, dict) or attachment.get("contentType") != ADAPTIVE:
        return f"only attachments of the type {ADAPTIVE} are posted"
    card = attachment.get("content")
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        return "Property 'type' must be 'AdaptiveCard'"
    version = str(card.get("version", ""))
    if not _VERSION.fullmatch(version) or tuple(map(int, version.split("."))) > _NEWEST:
        return "We're sorry, this card couldn't be displayed"
    return next((wrong for one in (*card.get("body", []), *card.get("actions", [])) if (wrong := _wrong(one))), "")


def calls_of(payload: dict[str, Any]) -> tuple[str, ...]:
    """Return what in the cards' texts would become a link, a mention or a date."""
    return tuple(call for one in payload["attachments"] for call in _calls(one["content"]))


def _wrong(element: Any) -> str:
    if not isinstance(element, dict) or element.get("type") not in _ELEMENTS:
        return f"AdaptiveSerializationException: unknown element {element!r:.80}"
    missing = _ELEMENTS[element["type"]] - set(element)
    if missing:
        return f"AdaptiveSerializationException: Required property '{missing.pop()}' not found"
    if element["type"] == "Action.OpenUrl" and not element["url"].startswith(("https://", "http://")):
        return "AdaptiveSerializationException: 'url' must be an absolute address"
    within = (one for name in ("inlines", "items", "columns", "actions") for one in element.get(name, []))
    return next((wrong for one in within if not isinstance(one, str) and (wrong := _wrong(one))), "")


def _calls(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _calls(one)
    if isinstance(value, dict):
        pattern = _RUN if value.get("type") == "TextRun" else _MARKUP
        for name in ("text", "title", "value"):
            yield from pattern.findall(value[name]) if isinstance(value.get(name), str) else []
        for one in value.values():
            yield from _calls(one)
