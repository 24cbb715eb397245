"""A registry's list of tags, page by page.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags. Where there is more is told by a
``Link``, https://www.rfc-editor.org/rfc/rfc8288#section-3, or by nothing but a page that is full.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import msgspec

from shared.adapters.links import next_link
from shared.adapters.upstream.errors import UNREADABLE
from shared.adapters.upstream.http import Answer
from shared.domain.references import Tag, parse_tag
from shared.errors import InvalidReference, NotFound, Refused, Unavailable

_PAGE = 1000
_LARGE_PAGES = f"?n={_PAGE}"
# Registries that give fewer than were asked for, and do not say that there are more, stop at a round number.
_ROUND = 50
MOST_BYTES = 16 * 1024 * 1024
MOST_TAGS = 100_000
_MOST_PAGES = 1_000
# Seconds all pages may take: whoever looks has other repositories to look at.
LONGEST_LIST = 120.0
# What a registry that does not know ``last`` may say to it.
_UNKNOWN = {"400", "404", "405", "422"}


class Page(msgspec.Struct, frozen=True):
    """A page.

    Attributes:
        tags: as the registry wrote them.
        next: address of the next page; empty if none was named.
    """

    tags: tuple[str, ...]
    next: str


class _Body(msgspec.Struct):
    tags: list[object] | None


_BODY = msgspec.json.Decoder(_Body)


class _List:
    """The pages of one list, as they come."""

    def __init__(self, first: str, get: Callable[[str], Page], doing: str) -> None:
        self._first = first
        self._get = get
        self._doing = doing
        self._seen: set[str] = set()
        self._found: dict[str, None] = {}
        self._linked = False
        self._full = 0

    def whole(self) -> tuple[Tag, ...]:
        """Follow the pages from the first to the last."""
        ends = time.monotonic() + LONGEST_LIST
        url = self._take(self._first_page(), asked_on=False)
        while url:
            if url in self._seen:
                raise Unavailable(f"{self._doing}: the pages of the list lead in a circle")
            if time.monotonic() > ends:
                raise Unavailable(f"{self._doing}: the list took longer than {LONGEST_LIST:.0f} s; watch exact tags")
            self._seen.add(url)
            url = self._following(url)
        return tuple(_valid(self._found))

    def _following(self, url: str) -> str:
        asked_on = url.startswith(f"{self._first}{_LARGE_PAGES}&last=")
        try:
            page = self._get(url)
        except (Refused, NotFound) as error:
            if asked_on and error.code in _UNKNOWN:
                return ""
            raise
        return self._take(page, asked_on=asked_on)

    def _first_page(self) -> Page:
        """Ask for large pages, which some registries refuse as a wrong request."""
        try:
            return self._get(self._first + _LARGE_PAGES)
        except Refused as error:
            if error.code != "400":
                raise
            return self._get(self._first)

    def _take(self, page: Page, *, asked_on: bool) -> str:
        """Keep a page's tags, and return the address of the next page; empty if there is none.

        A registry that ever named a next page names each. One that does not know ``last`` answers with what is known,
        and that is the end of it.
        """
        before = len(self._found)
        self._found.update(dict.fromkeys(page.tags))
        if len(self._found) > MOST_TAGS or len(self._seen) > _MOST_PAGES:
            raise Refused(
                f"{self._doing}: there are more than {MOST_TAGS:,} tags, or {_MOST_PAGES:,} pages; watch exact tags"
            )
        if not before and len(page.tags) % _ROUND == 0:
            self._full = len(page.tags)
        full = 0 < self._full <= len(page.tags)
        news = len(self._found) > before
        self._linked = self._linked or bool(page.next)
        if self._linked or not full or (asked_on and not news):
            return page.next
        return f"{self._first}{_LARGE_PAGES}&last={quote(page.tags[-1], safe='')}"


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
        Unavailable: the pages lead in a circle, or take too long.
    """
    return _List(first, get, doing).whole()


def read_page(answer: Answer, doing: str) -> Page:
    """Read a page; a list that is ``null`` is empty, and what is no text in it is left out.

    Raises:
        Unavailable: the answer is no list of tags, or the next page is said to be at another host.
    """
    nothing = Unavailable(f"{doing}: the answer is no list of tags", code="200")
    try:
        entries = _BODY.decode(answer.body).tags or []
    except UNREADABLE:
        raise nothing from None
    tags = tuple(entry for entry in entries if isinstance(entry, str))
    if entries and not tags:
        raise nothing
    return Page(tags, _next(answer, doing))


def _next(answer: Answer, doing: str) -> str:
    target = next_link(answer.headers.get("link", ""))
    return _same_host(answer.url, target, doing) if target else ""


def _same_host(url: str, target: str, doing: str) -> str:
    """Whoever stands behind a proxy may not know by which scheme and port it is reached; its host and path tell."""
    elsewhere = Unavailable(f"{doing}: the next page is said to be somewhere else, which is not followed", code="200")
    try:
        following = urljoin(url, target)
        ours, theirs = urlsplit(url), urlsplit(following)
        same_place = (ours.hostname, ours.path) == (theirs.hostname, theirs.path)
    except ValueError:
        raise elsewhere from None
    if ours[:2] == theirs[:2]:
        return following
    if not same_place or "@" in theirs.netloc:
        raise elsewhere
    return urlunsplit((ours.scheme, ours.netloc, theirs.path, theirs.query, ""))


def _valid(texts: Iterable[str]) -> list[Tag]:
    tags = []
    for text in texts:
        try:
            tags.append(parse_tag(text))
        except InvalidReference:
            continue
    return tags
