"""A message as blocks of Slack. One block too long refuses the whole message: each is held within its limit. Pure.

https://docs.slack.dev/reference/block-kit/blocks; the total of characters is documented nowhere:
https://github.com/slackapi/bolt-js/issues/2509
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering import JOINER, Shown, fitted

_MOST_BLOCKS = 50
_MOST_IN_ALL = 12_000
_SECTION, _HEADER = 3000, 150
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What is set bold, slanted, struck or as code stands at the edge of a word; a smile stands between colons.
_EDGE = re.compile(r"(?<![^\W_])[*_~]|[*_~](?![^\W_])|`")
_SMILE = re.compile(r":(?=[a-z0-9_+'-]+:)")


def slack_payload(message: Outgoing) -> dict[str, Any]:
    """Return what Slack's incoming webhook is sent."""
    return fitted(message, _payload, _fits)


def escaped(text: str) -> str:
    """Return a text that Slack shows as it is: no mention, no link, no format."""
    unmarked = _SMILE.sub(f":{JOINER}", _EDGE.sub(lambda found: f"{JOINER}{found[0]}{JOINER}", text))
    return "".join(_ENTITIES.get(character, character) for character in unmarked)


def _payload(shown: Shown) -> dict[str, Any]:
    # The text stands in notifications of a desk or a telephone, and is markup.
    return {"text": escaped(shown.title), "blocks": list(_blocks(shown)), "unfurl_links": False}


def _blocks(shown: Shown) -> Iterator[dict[str, Any]]:
    head = shown.title if _length(shown.title) <= _HEADER else f"{shown.title[: _HEADER // 2 - 1]}…"
    yield {"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}
    if head != shown.title:
        yield _section(escaped(shown.title))
    yield {"type": "context", "elements": [_marked(escaped(shown.about))]}
    yield from map(_section, _together(f"*{escaped(label)}*: {escaped(text)}" for label, text in shown.lines))
    yield from map(_section, _together(_item(*item) for item in shown.items))
    if shown.notes:
        yield {"type": "context", "elements": [_marked(escaped("\n".join(shown.notes)))]}
    if shown.link:
        yield _section(f"<{_address(shown.link)}|Open the page>")


def _item(title: str, text: str, link: str) -> str:
    told = f"• {escaped(title)}" + (f" · <{_address(link)}|open>" if link else "")
    return f"{told}\n   {escaped(text)}" if text else told


def _address(link: str) -> str:
    return link.replace("&", "&amp;")


def _together(texts: Iterable[str]) -> Iterator[str]:
    """As few sections as can be: there are fifty blocks, and three thousand characters in each."""
    section = ""
    for text in texts:
        if section and _length(section) + 1 + _length(text) > _SECTION:
            yield section
            section = ""
        section = f"{section}\n{text}" if section else text
    if section:
        yield section


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _marked(text)}


def _marked(text: str) -> dict[str, Any]:
    # Verbatim: addresses and names in it become no links.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fits(payload: dict[str, Any]) -> bool:
    texts = [
        one["text"]
        for block in payload["blocks"]
        for one in (*([block["text"]] if "text" in block else []), *block.get("elements", []))
    ]
    longest = max(map(_length, texts))
    in_all = sum(map(_length, texts)) + _length(payload["text"])
    return len(payload["blocks"]) <= _MOST_BLOCKS and longest <= _SECTION and in_all <= _MOST_IN_ALL


def _length(text: str) -> int:
    """As JavaScript counts: a character beyond the first 65,536 is two."""
    return len(text.encode("utf-16-le", "replace")) // 2
