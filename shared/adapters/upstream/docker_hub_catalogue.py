"""Docker Hub's API: the tags of a repository, the latest pushed first, so that what is new is on the first page.

https://docs.docker.com/reference/api/hub/latest/#tag/repositories/operation/ListRepositoryTags. Its ``digest`` is not
part of the published description.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from shared.adapters.upstream.errors import UNREADABLE, status_error
from shared.adapters.upstream.hints import read_hint
from shared.adapters.upstream.http import Answer, UpstreamHttp, unmetered
from shared.adapters.upstream.tag_pages import LONGEST_LIST
from shared.budget_ports import Meter
from shared.domain.references import Digest, Repository, Tag
from shared.errors import RateLimited, ServiceError, Unavailable
from shared.ports import Hint, Hints
from shared.registry_accounts import Account

log = logging.getLogger("tidegate.docker_hub")

HOST = "hub.docker.com"
_PAGE = 100
_MOST_PAGES = 1_000
# A page tells of every platform of each of its hundred tags.
_MOST_BYTES = 8 * 1024 * 1024
# Anonymous callers are turned away beyond this many tags.
_ANONYMOUS_DEPTH = 1_000
# The API's tokens are good for ten minutes.
_LOGIN_SECONDS = 300.0


class _Tag(msgspec.Struct):
    name: str
    digest: str | None = None
    last_updated: str | None = None


class _Whole(msgspec.Struct):
    images: list[msgspec.Raw]
    digest: str | None = None


class _Page(msgspec.Struct):
    results: list[_Tag]
    count: int = 0
    next: str | None = None


class _Login(msgspec.Struct):
    access_token: str


_PAGE_OF_TAGS, _LOGIN = msgspec.json.Decoder(_Page), msgspec.json.Decoder(_Login)
_WHOLE_TAG = msgspec.json.Decoder(_Whole)


class DockerHubCatalogue:
    """The port ``Catalogue`` of ``oci_registry``.

    Args:
        url: the API's address, or that of a proxy.
        account: with a personal access token for password; empty to ask anonymously.
        meter: is told what answers say of limits.
        clock: seconds that only go forward.
    """

    def __init__(
        self, url: str, account: Account, meter: Meter = unmetered, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url.rstrip("/")
        self._account = account
        self._http = UpstreamHttp(HOST, meter)
        self._clock = clock
        self._lock = threading.Lock()
        self._login = ("", 0.0)

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """See the port. One request where nothing was pushed since, one more for each hundred tags that were.

        ``None`` too where anonymous callers are not shown all that was asked for, and where the API has had enough
        before all was read; the registry's own list has it, and counts against another limit.

        Raises:
            RateLimited: too many requests, before anything was read.
        """
        if repository.path.count("/") != 1:
            return None
        doing = f"Docker Hub: reading the catalogue of {repository}"
        try:
            return self._hints(doing, repository, since)
        except RateLimited:
            raise
        except ServiceError as error:
            log.warning("%s: no use, its registry is asked instead: %s", doing, error)
            return None

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:
        """See the port. The API lists a tag's images, attestations among them; asking it is no pull.

        ``None`` too where the tag has moved on meanwhile.

        Raises:
            ServiceError: it could not be told this time.
        """
        if repository.path.count("/") != 1:
            return None
        doing = f"Docker Hub: counting the images of {repository}:{tag}"
        answer = self._ask(doing, f"{self._tags(repository)}/{tag}")
        try:
            found = _WHOLE_TAG.decode(answer.body)
        except UNREADABLE:
            raise Unavailable(f"{doing}: the answer is no tag", code="200") from None
        return len(found.images) if found.digest == digest else None

    def _hints(self, doing: str, repository: Repository, since: datetime | None) -> Hints | None:
        found: dict[Tag, Hint] = {}
        latest: datetime | None = None
        for entry in self._entries(doing, repository, whole=since is None):
            hint = read_hint(entry.name, entry.digest, entry.last_updated)
            if hint is None:
                continue
            if since is not None and hint.updated is not None:
                if latest is not None and hint.updated > latest:
                    raise Unavailable(f"{doing}: the tags are not in the order of their pushes")
                latest = hint.updated
                if hint.updated < since:
                    return Hints(tuple(found.values()), complete=False)
            found.setdefault(hint.tag, hint)
        return Hints(tuple(found.values()), complete=True) if found else None

    def _entries(self, doing: str, repository: Repository, *, whole: bool) -> Iterator[_Tag]:
        tags, ends = self._tags(repository), self._clock() + LONGEST_LIST
        for number in range(1, _MOST_PAGES + 1):
            page = self._page_within_limits(
                doing, f"{tags}?page_size={_PAGE}&page={number}&ordering=last_updated", number
            )
            if self._clock() > ends:
                raise Unavailable(f"{doing}: {number} pages took longer than {LONGEST_LIST:.0f} s")
            if whole and page.count > _ANONYMOUS_DEPTH and not self._authorization():
                raise Unavailable(f"{doing}: anonymous callers are not shown all of its {page.count} tags")
            yield from page.results
            if not page.next:
                return
        raise Unavailable(f"{doing}: there are more than {_PAGE * _MOST_PAGES:,} tags")

    def _page_within_limits(self, doing: str, url: str, number: int) -> _Page:
        """Where there are more pages than the API grants at a time, each try would end as the one before."""
        try:
            return self._page(doing, url)
        except RateLimited as error:
            if number == 1:
                raise
            raise Unavailable(f"{doing}: there are more pages than it grants, {number - 1} were read") from error

    def _tags(self, repository: Repository) -> str:
        namespace, _, name = repository.path.partition("/")
        return f"{self._url}/v2/namespaces/{namespace}/repositories/{name}/tags"

    def _page(self, doing: str, url: str) -> _Page:
        answer = self._ask(doing, url)
        try:
            return _PAGE_OF_TAGS.decode(answer.body)
        except UNREADABLE:
            raise Unavailable(f"{doing}: the answer is no page of tags", code="200") from None

    def _ask(self, doing: str, url: str) -> Answer:
        answer = self._http.ask(doing, url, headers={"Authorization": self._authorization()}, most=_MOST_BYTES)
        if answer.status == 401 and self._account.username:
            self._forget_login()
            answer = self._http.ask(doing, url, headers={"Authorization": self._authorization()}, most=_MOST_BYTES)
        if answer.status != 200:
            raise status_error(doing, answer.status, answer.headers)
        return answer

    def _authorization(self) -> str:
        """Return the header that shows the account; empty for anonymous callers, and where the login is refused.

        A refused login is remembered as long as an accepted one: the next repository would meet the same.
        """
        if not self._account.username:
            return ""
        with self._lock:
            header, good_until = self._login
            if self._clock() >= good_until:
                header = self._log_in()
                self._login = (header, self._clock() + _LOGIN_SECONDS)
            return header

    def _forget_login(self) -> None:
        with self._lock:
            self._login = ("", 0.0)

    def _log_in(self) -> str:
        """https://docs.docker.com/reference/api/hub/latest/#tag/authentication-api"""
        doing = "Docker Hub: logging in to its API"
        account = {"identifier": self._account.username, "secret": self._account.password}
        answer = self._http.ask(doing, f"{self._url}/v2/auth/token", method="POST", json=account)
        try:
            if answer.status != 200:
                raise status_error(doing, answer.status, answer.headers)
            return f"Bearer {_LOGIN.decode(answer.body).access_token}"
        except RateLimited:
            raise
        except (ServiceError, *UNREADABLE) as error:
            log.warning("%s: not accepted, its API is asked anonymously for a while: %s", doing, type(error).__name__)
            return ""
