"""What Slack says of a message's blocks, before anybody sees them: one block too long refuses the whole message.

https://docs.slack.dev/reference/block-kit/blocks and, for the total, https://github.com/slackapi/bolt-js/issues/2509
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MOST_BLOCKS = 50
_MOST_IN_ALL = 13_200
_LIMITS = {"header": 150, "section": 3_000, "field": 2_000, "context": 3_000, "button": 75}
_MOST_FIELDS, _MOST_ELEMENTS, _MOST_BUTTONS, _LONGEST_ADDRESS = 10, 10, 25, 3_000
# Whatever stands between angle brackets is a link, a person, a channel or everybody.
_CONTROL = re.compile(r"<([^<>]+)>")


def length(text: str) -> int:
    """Return a text's length as JavaScript counts it, which is never less than as Python does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def wrong_with(blocks: Any) -> str:
    """Return Slack's word for what is wrong with the blocks; empty where they are well."""
    if not isinstance(blocks, list):
        return "invalid_blocks_format"
    if len(blocks) > _MOST_BLOCKS or not all(isinstance(block, dict) and _is_good(block) for block in blocks):
        return "invalid_blocks"
    return "msg_blocks_too_long" if sum(map(length, _texts(blocks))) > _MOST_IN_ALL else ""


def calls_of(payload: dict[str, Any]) -> tuple[str, ...]:
    """Return the links and mentions of all text that Slack reads as markup."""
    marked = [payload.get("text", ""), *(one["text"] for one in _objects(payload) if one.get("type") == "mrkdwn")]
    return tuple(call for text in marked for call in _CONTROL.findall(text))


def _is_good(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "divider":
        return True
    if kind == "header":
        return _text(block.get("text"), "header", "plain_text")
    if kind == "section":
        return _section(block)
    if kind == "context":
        elements = block.get("elements") or []
        return 1 <= len(elements) <= _MOST_ELEMENTS and all(_text(one, "context") for one in elements)
    if kind == "actions":
        elements = block.get("elements") or []
        return 1 <= len(elements) <= _MOST_BUTTONS and all(map(_button, elements))
    return False


def _section(block: dict[str, Any]) -> bool:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return False
    good = len(fields) <= _MOST_FIELDS and all(_text(one, "field") for one in fields)
    return good and ("text" not in block or _text(block["text"], "section"))


def _button(one: dict[str, Any]) -> bool:
    address = one.get("url", "")
    is_button = one.get("type") == "button" and _text(one.get("text"), "button", "plain_text")
    return is_button and address.startswith(("https://", "http://")) and length(address) <= _LONGEST_ADDRESS


def _text(one: Any, place: str, kind: str = "") -> bool:
    if not isinstance(one, dict) or one.get("type") not in ((kind,) if kind else ("plain_text", "mrkdwn")):
        return False
    known = {"type", "text", "emoji" if one["type"] == "plain_text" else "verbatim"}
    return set(one) <= known and isinstance(one.get("text"), str) and 1 <= length(one["text"]) <= _LIMITS[place]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _objects(one)
    if isinstance(value, dict):
        yield from [value] if isinstance(value.get("text"), str) else []
        for one in value.values():
            yield from _objects(one)


def _texts(blocks: list[Any]) -> Iterator[str]:
    return (one["text"] for one in _objects(blocks))
