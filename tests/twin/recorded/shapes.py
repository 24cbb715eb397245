"""What an answer has, without its values, and in what two answers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from tests.twin.recorded.interactions import Interaction

# What the recorder drops, what a connection adds, and how the twin happens to send a body.
NOT_RECORDED = {"retry-after", "date", "server", "connection", "content-length", "transfer-encoding"}
# Counters and lists of versions, which no client reads and the emulator does not make up.
NOT_SERVED = {
    "api-supported-versions",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-calls-per-second",
}
# Where values are states, they are compared: an answer in another state has other fields.
_STATES = {"status", "provisioningState"}
# The headers of whoever listens to a webhook are its own.
_OPEN = "value.[].eventResponseMessage.headers"


def differences(expected: Interaction, answer: requests.Response) -> list[str]:
    """Return in what an answer differs from the recorded one, values aside; an empty list if in nothing."""
    found = []
    if answer.status_code != expected.status:
        found.append(f"status: recorded {expected.status}, answered {answer.status_code} {answer.text[:300]}")
    found += _headers(expected.headers, answer.headers)
    found += _bodies("", expected.body, answer.json() if answer.content else None)
    return found


def _headers(recorded: Mapping[str, str], answered: Mapping[str, str]) -> Iterator[str]:
    names = {name.lower() for name in answered} - NOT_RECORDED
    wanted = set(recorded) - NOT_RECORDED - NOT_SERVED
    yield from (f"header {name}: lacking" for name in sorted(wanted - names))
    yield from (f"header {name}: invented" for name in sorted(names - wanted))
    for name in ("content-type", "www-authenticate"):
        if name in wanted & names and _outline(recorded[name]) != _outline(answered[name]):
            yield f"header {name}: recorded {recorded[name]!r}, answered {answered[name]!r}"


def _outline(header: str) -> list[str]:
    """Return a header without the values that stand in quotation marks."""
    return header.lower().split('"')[::2]


def _bodies(place: str, recorded: Any, answered: Any) -> Iterator[str]:
    if place == _OPEN:
        return
    if isinstance(recorded, dict) and isinstance(answered, dict):
        yield from _objects(place, recorded, answered)
    elif isinstance(recorded, list) and isinstance(answered, list):
        yield from _lists(place, recorded, answered)
    elif _kind(recorded) != _kind(answered):
        yield f"{place}: recorded {_kind(recorded)}, answered {_kind(answered)} {json.dumps(answered)[:200]}"


def _objects(place: str, recorded: dict[str, Any], answered: dict[str, Any]) -> Iterator[str]:
    inside = f"{place}." if place else ""
    yield from (f"{inside}{name}: lacking" for name in sorted(recorded.keys() - answered.keys()))
    yield from (f"{inside}{name}: invented" for name in sorted(answered.keys() - recorded.keys()))
    for name in sorted(recorded.keys() & answered.keys()):
        yield from _bodies(f"{inside}{name}", recorded[name], answered[name])
        if name in _STATES and isinstance(recorded[name], str) and recorded[name] != answered[name]:
            yield f"{inside}{name}: recorded {recorded[name]}, answered {answered[name]}"


def _lists(place: str, recorded: list[Any], answered: list[Any]) -> Iterator[str]:
    """Compare elements of one name; or else see that each has its like, of as many as were recorded."""
    named = {entry["name"]: entry for entry in answered if isinstance(entry, dict) and "name" in entry}
    if recorded and all(isinstance(entry, dict) and entry.get("name") in named for entry in recorded):
        for entry in recorded:
            yield from _bodies(f"{place}.[]", entry, named[entry["name"]])
        return
    shown = answered[: len(recorded)]
    if len(shown) < len(recorded):
        yield f"{place}: recorded {len(recorded)} elements, answered {len(shown)}"
    for entry in recorded:
        tried = [list(_bodies(f"{place}.[]", entry, other)) for other in shown]
        yield from _without_like(f"{place}: recorded and not answered", tried)
    for other in shown:
        tried = [list(_bodies(f"{place}.[]", entry, other)) for entry in recorded]
        yield from _without_like(f"{place}: answered and not recorded", tried)


def _without_like(what: str, tried: list[list[str]]) -> Iterator[str]:
    if tried and all(tried):
        yield f"{what}, the nearest differs in {min(tried, key=len)}"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")
