"""A registry's list of tags, page by page.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import msgspec

from shared.adapters.upstream.http import Answer
from shared.domain.references import Tag, parse_tag
from shared.errors import InvalidReference, Refused, Unavailable

_LARGE_PAGES = "?n=1000"
MOST_BYTES = 16 * 1024 * 1024
MOST_TAGS = 100_000
_MOST_PAGES = 1_000
_LINK = re.compile(r"<([^<>]*)>([^<,]*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?next\"?\s*(?:;|$)", re.IGNORECASE)


class Page(msgspec.Struct, frozen=True):
    """A page.

    Attributes:
        tags: as the registry wrote them.
        next: address of the next page; empty if this is the last.
    """

    tags: tuple[str, ...]
    next: str


class _Body(msgspec.Struct):
    tags: list[str] | None


_BODY = msgspec.json.Decoder(_Body)


def all_tags(first: str, get: Callable[[str], Page], doing: str) -> tuple[Tag, ...]:
    """Follow the pages from the first to the last.

    Args:
        first: address of the first, without a query.
        get: asks for a page.
        doing: for error messages.

    Returns:
        The tags, each once.

    Raises:
        Refused: there are more than ``MOST_TAGS``.
        Unavailable: the pages lead in a circle.
    """
    found: dict[Tag, None] = {}
    url, seen = first, set[str]()
    while url:
        if url in seen:
            raise Unavailable(f"{doing}: the pages of the list lead in a circle")
        page = get(url) if seen else _first_page(url, get)
        seen.add(url)
        found.update(dict.fromkeys(_valid(page.tags)))
        if len(found) > MOST_TAGS or len(seen) > _MOST_PAGES:
            raise Refused(
                f"{doing}: there are more than {MOST_TAGS:,} tags, or {_MOST_PAGES:,} pages; watch exact tags"
            )
        url = page.next
    return tuple(found)


def _first_page(url: str, get: Callable[[str], Page]) -> Page:
    """Ask for large pages, which some registries refuse as a wrong request."""
    try:
        return get(url + _LARGE_PAGES)
    except Refused as error:
        if error.code != "400":
            raise
        return get(url)


def read_page(answer: Answer, doing: str) -> Page:
    """Read a page; a list that is ``null`` is empty.

    Raises:
        Unavailable: the answer is no list of tags, or the next page is said to be at another host.
    """
    try:
        body = _BODY.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unavailable(f"{doing}: the answer is no list of tags", code="200") from None
    return Page(tuple(body.tags or ()), _next(answer, doing))


def _next(answer: Answer, doing: str) -> str:
    for target, parameters in _LINK.findall(answer.headers.get("link", "")):
        if _NEXT.search(parameters):
            return _same_host(answer.url, target, doing)
    return ""


def _same_host(url: str, target: str, doing: str) -> str:
    elsewhere = Unavailable(f"{doing}: the next page is said to be somewhere else, which is not followed", code="200")
    try:
        following = urljoin(url, target)
        place = urlsplit(following)[:2]
    except ValueError:
        raise elsewhere from None
    if place != urlsplit(url)[:2]:
        raise elsewhere
    return following


def _valid(texts: tuple[str, ...]) -> list[Tag]:
    tags = []
    for text in texts:
        try:
            tags.append(parse_tag(text))
        except InvalidReference:
            continue
    return tags
