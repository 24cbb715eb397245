"""A message as an adaptive card, as a workflow of Teams posts it. Pure.

The texts of strangers are runs of a rich text: those are read as no Markdown, unlike text blocks and facts. Of a
version later than 1.4 Teams says that all went well, and shows nothing: https://adaptivecards.io/explorer/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering import JOINER, Shown, fitted

_ADAPTIVE = "application/vnd.microsoft.card.adaptive"
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_VERSION = "1.4"
# It is 28 kB of a card that stands as a string within JSON, so that its quotes count twice; and some for the frame.
_LARGEST, _LARGEST_EXPANDED = 20_000, 26_000
# Of three braces the last two would be a date's still, were they looked for two by two.
_DATE, _MENTION = re.compile(r"\{(?=\{)"), re.compile(r"</?(?=at)", re.IGNORECASE)
_COLOURS = {"critical": "attention", "warning": "warning", "action": "accent"}


def teams_payload(message: Outgoing) -> dict[str, Any]:
    """Return what the workflow is sent."""
    colour = _COLOURS.get(message.severity.value, "default")
    return fitted(message, lambda shown: _payload(shown, colour), _fits)


def _payload(shown: Shown, colour: str) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": _VERSION,
        "msteams": {"width": "Full"},
        "body": list(_body(shown, colour)),
    }
    if shown.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the page", "url": shown.link}]
    return {"type": "message", "attachments": [{"contentType": _ADAPTIVE, "contentUrl": None, "content": card}]}


def _body(shown: Shown, colour: str) -> Iterator[dict[str, Any]]:
    yield _rich(_run(shown.title, weight="bolder", size="large", color=colour))
    yield _rich(_run(shown.about, isSubtle=True))
    for label, text in shown.lines:
        yield _rich(_run(f"{label}: ", weight="bolder"), _run(text))
    for title, text, link in shown.items:
        opened = {"selectAction": {"type": "Action.OpenUrl", "title": "open", "url": link}} if link else {}
        yield _rich(_run("• "), _run(title, weight="bolder", **opened), *([_run(f" {text}")] if text else []))
    for note in shown.notes:
        yield _rich(_run(note, isSubtle=True))


def _rich(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _literal(text) or "–", **how}


def _literal(text: str) -> str:
    """Mentions and dates are looked for in every text."""
    return _MENTION.sub(f"\\g<0>{JOINER}", _DATE.sub(f"{{{JOINER}", text))


def _fits(payload: dict[str, Any]) -> bool:
    encoded = msgspec.json.encode(payload).decode()
    beyond = sum(len(character.encode("utf-16-le")) * 7 // 2 - 1 for character in encoded if not character.isascii())
    expanded = len(encoded) + encoded.count('"') + encoded.count("\\") + beyond
    return len(encoded.encode()) <= _LARGEST and expanded <= _LARGEST_EXPANDED
